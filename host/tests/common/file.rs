//! Plugin files, spoiled.

use std::fs;
use std::path::Path;

/// The bytes of a library, to be changed.
#[derive(Clone)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn of(path: &Path) -> Self {
        Self(fs::read(path).unwrap())
    }

    /// Writes `bytes` at `offset`.
    pub fn at(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Only the first so many bytes.
    pub fn cut(mut self, length: usize) -> Self {
        self.0.truncate(length);
        self
    }

    /// Replaces every `old` by `new`, which is as long.
    pub fn replace(mut self, old: &str, new: &str) -> Self {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        assert_eq!(old.len(), new.len());
        let mut found = false;
        let mut at = 0;
        while let Some(next) = self.0[at..]
            .windows(old.len())
            .position(|window| window == old)
        {
            at += next;
            self.0[at..at + new.len()].copy_from_slice(new);
            found = true;
        }
        assert!(found, "the library contains the text");
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A 64-bit number of the ELF header.
    pub fn number(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.0[offset..offset + 8].try_into().unwrap())
    }
}

/// Offsets in an ELF header.
pub const CLASS: usize = 4;
pub const DATA: usize = 5;
pub const MACHINE: usize = 18;
pub const SECTIONS: usize = 40;
