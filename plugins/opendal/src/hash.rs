//! Checksums of files.

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::types::Algo;

/// A checksum in the making.
#[derive(Debug)]
pub(crate) enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
}

// === impl Hasher ===

impl Hasher {
    pub(crate) fn new(algo: Algo) -> Self {
        match algo {
            Algo::Md5 => Self::Md5(Md5::new()),
            Algo::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(data),
            Self::Sha256(hasher) => hasher.update(data),
        }
    }

    /// The checksum in lower case hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Md5(hasher) => hex(&hasher.finalize()),
            Self::Sha256(hasher) => hex(&hasher.finalize()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Algo, Hasher};

    #[test]
    fn checksums_are_those_everybody_knows() {
        let of_hello = |algo| {
            let mut hasher = Hasher::new(algo);
            hasher.update(b"hel");
            hasher.update(b"lo");
            hasher.finish()
        };
        assert_eq!(of_hello(Algo::Md5), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(
            of_hello(Algo::Sha256),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
    }
}
