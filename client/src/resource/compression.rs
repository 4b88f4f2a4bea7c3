//! How the client's data is compressed, and doing it here if the exporter cannot.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How data is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip
    Gzip,
    /// xz
    Xz,
    /// bzip2
    Bz2,
    /// Zstandard
    Zstd,
}

/// There is no such compression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a compression; use `gzip`, `xz`, `bz2` or `zstd`")]
pub struct UnknownCompression(String);

// === impl Compression ===

impl Compression {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Gzip, Self::Xz, Self::Bz2, Self::Zstd];

    /// Its name, here and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Bz2 => "bz2",
            Self::Zstd => "zstd",
        }
    }

    /// What data that begins like this is compressed with, if it is.
    ///
    /// ```
    /// use jumpstarter_client::resource::Compression;
    ///
    /// assert_eq!(Compression::guess(b"BZh91AY"), Some(Compression::Bz2));
    /// assert_eq!(Compression::guess(b"\x7fELF"), None);
    /// ```
    pub fn guess(beginning: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            beginning.starts_with(match kind {
                Self::Gzip => b"\x1f\x8b\x08",
                Self::Xz => b"\xfd7zXZ\0",
                Self::Bz2 => b"BZh",
                Self::Zstd => b"\x28\xb5\x2f\xfd",
            })
        })
    }
}

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(text: &str) -> Result<Self, UnknownCompression> {
        let known = Self::ALL.into_iter();
        known
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCompression(text.to_owned()))
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(feature = "compression")]
pub(super) use here::{compressed, decompressed};

#[cfg(feature = "compression")]
mod here {
    use async_compression::tokio::{bufread, write};
    use tokio::io::{AsyncRead, AsyncWrite, BufReader};

    use super::Compression;

    /// Reads `source`, decompressed.
    pub(in crate::resource) fn decompressed<'a>(
        compression: Compression,
        source: impl AsyncRead + Unpin + Send + 'a,
    ) -> Box<dyn AsyncRead + Unpin + Send + 'a> {
        let source = BufReader::with_capacity(128 * 1024, source);
        match compression {
            Compression::Gzip => {
                let mut decoder = bufread::GzipDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Compression::Xz => {
                let mut decoder = bufread::XzDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Compression::Bz2 => {
                let mut decoder = bufread::BzDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Compression::Zstd => {
                let mut decoder = bufread::ZstdDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
        }
    }

    /// Writes to `target`, compressed; it must be shut down.
    pub(in crate::resource) fn compressed<'a>(
        compression: Compression,
        target: impl AsyncWrite + Unpin + Send + 'a,
    ) -> Box<dyn AsyncWrite + Unpin + Send + 'a> {
        match compression {
            Compression::Gzip => Box::new(write::GzipEncoder::new(target)),
            Compression::Xz => Box::new(write::XzEncoder::new(target)),
            Compression::Bz2 => Box::new(write::BzEncoder::new(target)),
            Compression::Zstd => Box::new(write::ZstdEncoder::new(target)),
        }
    }
}
