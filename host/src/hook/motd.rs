//! The file in which a hook leaves a greeting for whoever has the lease.
//!
//! The path is the hook's to use as it likes, so what lies there at the end may be anything: it is
//! opened without waiting, it must be a regular file, and no more than the beginning is read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use uuid::Uuid;

/// More than this is not a greeting.
const LONGEST: u64 = 64 * 1024;

/// The file, which goes when this does.
#[derive(Debug)]
pub(super) struct Greeting {
    path: PathBuf,
}

// === impl Greeting ===

impl Greeting {
    /// An empty file that nobody else may read. A lease can do without it.
    pub(super) fn create() -> Option<Self> {
        let path = std::env::temp_dir().join(format!("jmp-motd-{}", Uuid::new_v4().simple()));
        let mut fresh = OpenOptions::new();
        fresh.write(true).create_new(true).mode(0o600);
        match fresh.open(&path) {
            Ok(_) => Some(Self { path }),
            Err(error) => {
                let path = path.display();
                tracing::warn!(
                    "the hook cannot leave a message of the day: cannot create `{path}`: {error}"
                );
                None
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the hook has written, if anything.
    pub(super) fn read(&self) -> Option<String> {
        let path = self.path.display();
        match read(&self.path) {
            Ok(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Err(error) => {
                tracing::warn!("the hook's message of the day is ignored: `{path}`: {error}");
                None
            }
        }
    }
}

impl Drop for Greeting {
    fn drop(&mut self) {
        let removed = match std::fs::remove_file(&self.path) {
            // The hook has put one in its place.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                std::fs::remove_dir_all(&self.path)
            }
            removed => removed,
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove `{}`: {error}", self.path.display());
            }
            _ => {}
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let patience = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(patience.bits());
    let file: File = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::{Greeting, LONGEST};

    #[test]
    fn the_file_is_empty_private_and_goes_again() {
        let greeting = Greeting::create().unwrap();
        let path = greeting.path().to_owned();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("jmp-motd-"), "{name}");
        let found = fs::metadata(&path).unwrap();
        assert_eq!(
            (found.len(), found.permissions().mode() & 0o777),
            (0, 0o600)
        );
        assert_eq!(greeting.read(), None);
        drop(greeting);
        assert!(!path.exists());
    }

    #[test]
    fn text_is_trimmed_and_made_text() {
        let greeting = Greeting::create().unwrap();
        fs::write(greeting.path(), b"\n  Flashed \xff v1\nsecond line\n\n").unwrap();
        let text = greeting.read().unwrap();
        assert_eq!(text, "Flashed \u{fffd} v1\nsecond line");
        fs::write(greeting.path(), " \n\t").unwrap();
        assert_eq!(greeting.read(), None);
    }

    #[test]
    fn only_the_beginning_of_a_novel_is_read() {
        let greeting = Greeting::create().unwrap();
        fs::write(greeting.path(), vec![b'x'; 1_000_000]).unwrap();
        assert_eq!(greeting.read().unwrap().len() as u64, LONGEST);
    }

    #[test]
    fn what_is_not_a_file_is_ignored_at_once() {
        let greeting = Greeting::create().unwrap();
        fs::remove_file(greeting.path()).unwrap();
        assert_eq!(greeting.read(), None, "gone");
        mkfifo(greeting.path(), Mode::from_bits_truncate(0o600)).unwrap();
        assert_eq!(greeting.read(), None, "a FIFO");
        fs::remove_file(greeting.path()).unwrap();
        symlink("/dev/zero", greeting.path()).unwrap();
        assert_eq!(greeting.read(), None, "an endless device");
        fs::remove_file(greeting.path()).unwrap();
        fs::create_dir(greeting.path()).unwrap();
        fs::write(greeting.path().join("file"), "x").unwrap();
        assert_eq!(greeting.read(), None, "a folder");
        let path = greeting.path().to_owned();
        drop(greeting);
        assert!(!path.exists(), "the folder stays");
    }
}
