//! From plain data to compressed data.

use std::io;

use async_compression::Level;
use async_compression::tokio::bufread::{BzEncoder, GzipEncoder, XzEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::aside::Aside;
use super::intake::Intake;
use super::{CHUNK, Encoding};

/// Encodes all there is to `sink`, up to and with the trailer. With `even_nothing` no data at all
/// becomes an empty file of the format, else it becomes nothing.
pub(in crate::resource) async fn encode<R, W>(
    encoding: Encoding,
    intake: &mut Intake<R>,
    sink: &mut W,
    even_nothing: bool,
) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin,
{
    if intake.peek(1).await?.is_empty() && !even_nothing {
        return Ok(());
    }
    let mut encoder = encoder(encoding, intake);
    let mut chunk = vec![0; CHUNK];
    loop {
        match encoder.read(&mut chunk).await? {
            0 => return Ok(()),
            read => sink.write_all(&chunk[..read]).await?,
        }
    }
}

fn encoder<'a, R>(
    encoding: Encoding,
    intake: &'a mut Intake<R>,
) -> Box<dyn AsyncRead + Unpin + Send + 'a>
where
    R: AsyncRead + Unpin + Send,
{
    match encoding {
        Encoding::Gzip => Box::new(Aside::new(GzipEncoder::new(intake))),
        Encoding::Xz => Box::new(Aside::new(XzEncoder::new(intake))),
        Encoding::Bz2 => Box::new(Aside::new(BzEncoder::new(intake))),
        Encoding::Zstd => {
            // As the tool does, so that damage is noticed later.
            let checksum = [CParameter::checksum_flag(true)];
            Box::new(ZstdEncoder::with_quality_and_params(
                intake,
                Level::Default,
                &checksum,
            ))
        }
    }
}
