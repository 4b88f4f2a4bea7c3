//! Compression of a client's data, by the names that travel on the wire.

use std::fmt;

use serde::Deserialize;

/// How the data is compressed between client and exporter. The driver sees plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// gzip; zlib is understood as well.
    Gzip,
    /// xz.
    Xz,
    /// bzip2.
    Bz2,
    /// Zstandard.
    Zstd,
}

// === impl Encoding ===

impl Encoding {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Gzip, Self::Xz, Self::Bz2, Self::Zstd];

    /// The encoding with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.name() == name)
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Bz2 => "bz2",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
