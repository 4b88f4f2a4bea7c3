//! From compressed data to plain data, or to what is wrong with it.

use std::io;

use async_compression::tokio::bufread::{
    BzDecoder, GzipDecoder, XzDecoder, ZlibDecoder, ZstdDecoder,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::aside::Aside;
use super::intake::Intake;
use super::{CHUNK, Encoding};

/// Memory that an xz file may ask for. `xz -9` makes files that need 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;
/// Bytes that tell the formats apart.
const MAGIC: usize = 6;

/// Why there is no more plain data. Sizes and positions are those of the compressed data.
#[derive(Debug, thiserror::Error)]
pub(in crate::resource) enum DecodeError {
    #[error("the client promised {0}-compressed data and sent none at all")]
    Empty(Encoding),
    #[error(
        "the data does not seem to be {encoding}-compressed, it begins with `{start}`; leave the \
         compression out, or name the right one"
    )]
    Another { encoding: Encoding, start: String },
    #[error(
        "the {encoding}-compressed data is cut off after {received} bytes; the file seems to be \
         incomplete"
    )]
    CutOff { encoding: Encoding, received: u64 },
    #[error("the {encoding}-compressed data is corrupt near byte {at}: {why}")]
    Corrupt {
        encoding: Encoding,
        at: u64,
        why: io::Error,
    },
    #[error(
        "the {encoding}-compressed data takes more memory to unpack than it may ({why}); compress \
         it with a smaller window"
    )]
    Window { encoding: Encoding, why: io::Error },
    #[error("the {encoding}-compressed data ends at byte {at}, and something else follows")]
    Trailing { encoding: Encoding, at: u64 },
    /// The data stopped coming.
    #[error("{0}")]
    Source(io::Error),
    /// Nobody takes the plain data.
    #[error("{0}")]
    Sink(io::Error),
}

/// What a member begins with.
#[derive(Clone, Copy)]
enum Format {
    Gzip,
    Zlib,
    Xz,
    Bz2,
    Zstd,
}

/// Decodes all members to `sink`, and returns the size of the plain data. Zeros between and after
/// members are padding.
pub(in crate::resource) async fn decode<R, W>(
    encoding: Encoding,
    intake: &mut Intake<R>,
    sink: &mut W,
) -> Result<u64, DecodeError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin,
{
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    let mut members = 0_u64;
    loop {
        let at = intake.position();
        let head = intake.peek(MAGIC).await.map_err(DecodeError::Source)?;
        let format = match head {
            [] if members == 0 => return Err(DecodeError::Empty(encoding)),
            [] => return Ok(size),
            [0, ..] if members > 0 => {
                skip_zeros(intake).await?;
                continue;
            }
            head => Format::of(encoding, &head[..head.len().min(MAGIC)]),
        };
        let Some(format) = format else {
            return Err(match members {
                0 => another(encoding, head),
                _ => DecodeError::Trailing { encoding, at },
            });
        };
        size += member(encoding, format, intake, sink, &mut chunk).await?;
        members += 1;
    }
}

async fn member<R, W>(
    encoding: Encoding,
    format: Format,
    intake: &mut Intake<R>,
    sink: &mut W,
    chunk: &mut [u8],
) -> Result<u64, DecodeError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin,
{
    let mut size = 0;
    let mut decoder = format.decoder(intake);
    let end = loop {
        match decoder.read(chunk).await {
            Ok(0) => break Ok(()),
            Ok(read) => {
                let written = sink.write_all(&chunk[..read]).await;
                written.map_err(DecodeError::Sink)?;
                size += read as u64;
            }
            Err(error) => break Err(error),
        }
    };
    drop(decoder);
    if let Some(error) = intake.failure.take() {
        return Err(DecodeError::Source(error));
    }
    // A member that is complete never asks for what comes after it.
    if intake.starved {
        return Err(DecodeError::CutOff {
            encoding,
            received: intake.received(),
        });
    }
    match end {
        Ok(()) => Ok(size),
        // The codecs have no kind of error for this in common, but a word.
        Err(why) if why.to_string().contains("memory") => {
            Err(DecodeError::Window { encoding, why })
        }
        Err(why) => Err(DecodeError::Corrupt {
            encoding,
            at: intake.position(),
            why,
        }),
    }
}

async fn skip_zeros<R: AsyncRead + Unpin>(intake: &mut Intake<R>) -> Result<(), DecodeError> {
    use tokio::io::AsyncBufReadExt;

    let ready = intake.fill_buf().await.map_err(DecodeError::Source)?;
    let zeros = ready.iter().take_while(|byte| **byte == 0).count();
    intake.consume(zeros);
    // Asking for more than there is means nothing here.
    intake.starved = false;
    Ok(())
}

fn another(encoding: Encoding, head: &[u8]) -> DecodeError {
    let start: Vec<_> = head
        .iter()
        .take(MAGIC)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    DecodeError::Another {
        encoding,
        start: start.join(" "),
    }
}

// === impl Format ===

impl Format {
    /// What `head`, which may be cut short by the end, begins.
    fn of(encoding: Encoding, head: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| {
            let length = head.len().min(magic.len());
            head[..length] == magic[..length]
        };
        match encoding {
            Encoding::Gzip if begins(b"\x1f\x8b") => Some(Self::Gzip),
            Encoding::Gzip => is_zlib(head).then_some(Self::Zlib),
            // The second is the format before xz, which its tools still read.
            Encoding::Xz if begins(b"\xfd7zXZ\0") || begins(b"\x5d\0\0") => Some(Self::Xz),
            Encoding::Bz2 if begins(b"BZh") => Some(Self::Bz2),
            Encoding::Zstd if begins(b"\x28\xb5\x2f\xfd") || is_skippable(head) => Some(Self::Zstd),
            _ => None,
        }
    }

    fn decoder<'a, R>(self, intake: &'a mut Intake<R>) -> Box<dyn AsyncRead + Unpin + Send + 'a>
    where
        R: AsyncRead + Unpin + Send,
    {
        match self {
            Self::Gzip => Box::new(GzipDecoder::new(intake)),
            Self::Zlib => Box::new(ZlibDecoder::new(intake)),
            Self::Xz => Box::new(Aside::new(XzDecoder::with_mem_limit(intake, XZ_MEMORY))),
            Self::Bz2 => Box::new(Aside::new(BzDecoder::new(intake))),
            Self::Zstd => Box::new(ZstdDecoder::new(intake)),
        }
    }
}

/// zlib has no magic, but its first two bytes check each other.
fn is_zlib(head: &[u8]) -> bool {
    match head {
        [method] => method & 0x0f == 8,
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        [] => false,
    }
}

/// A frame of zstd that holds no data, such as an index.
fn is_skippable(head: &[u8]) -> bool {
    head[0] & 0xf0 == 0x50
        && head[1..]
            .iter()
            .zip(b"\x2a\x4d\x18")
            .all(|(byte, magic)| byte == magic)
}
