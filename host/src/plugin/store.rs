//! Private copies of plugins, named by what is in them.
//!
//! ```text
//!   /usr/lib/.../libacme.so ──open once──► hash while copying ──► <state>/plugins/<sha256>.so
//!                                                                  folder 0700, file 0500
//! ```
//!
//! Only copies are opened with `dlopen`. The bytes that were checked are then the bytes that run;
//! overwriting the original in place cannot hurt; and a new version has a new name, which matters
//! because glibc answers a second `dlopen` of the same path with the library it already has.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

const FOLDER: &str = "plugins";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o500;
const CHUNK: usize = 128 << 10;
/// Copies that nobody has opened for so long belong to versions that are gone.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// The folder of private copies.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) folder: PathBuf,
}

/// A private copy, verified.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
    /// The copy itself, open for reading.
    pub(super) file: File,
}

/// Where this program keeps its state: the folder that systemd gave it (`$STATE_DIRECTORY`), else
/// `$XDG_STATE_HOME/jumpstarter`, below the home directory if that is not set.
pub fn state_dir() -> PathBuf {
    let named = |key: &str| {
        env::var_os(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folders) = env::var_os("STATE_DIRECTORY")
        && let Some(first) = env::split_paths(&folders).find(|path| path.is_absolute())
    {
        return first;
    }
    named("XDG_STATE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(|| "/var/lib".into())
        .join("jumpstarter")
}

/// The sha256 of a file, in hexadecimal.
pub(super) fn sha256(file: &File) -> io::Result<String> {
    hash(file, io::sink())
}

/// Copies all of `from`, and returns the hash of what was copied.
fn hash(mut from: &File, mut to: impl Write) -> io::Result<String> {
    from.rewind()?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        hasher.update(&chunk[..length]);
        to.write_all(&chunk[..length])?;
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

// === impl Store ===

impl Store {
    pub(super) fn new(state_dir: &Path) -> Self {
        Self {
            folder: state_dir.join(FOLDER),
        }
    }

    /// Copies an open file, or finds the copy of an earlier time.
    pub(super) fn keep(&self, from: &File) -> io::Result<Copy> {
        self.prepare()?;
        let draft = Draft::create(&self.folder)?;
        let sha256 = hash(from, &draft.file)?;
        let path = self.folder.join(format!("{sha256}.so"));
        let file = match verified(&path, &sha256) {
            Some(file) => file,
            None => {
                draft
                    .file
                    .set_permissions(Permissions::from_mode(FILE_MODE))?;
                fs::rename(&draft.path, &path)?;
                self.forget_old();
                File::open(&path)?
            }
        };
        Ok(Copy { path, sha256, file })
    }

    fn prepare(&self) -> io::Result<()> {
        if let Some(above) = self.folder.parent() {
            fs::create_dir_all(above)?;
        }
        match DirBuilder::new().mode(FOLDER_MODE).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let metadata = fs::symlink_metadata(&self.folder)?;
        if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() {
            return Err(io::Error::other("it is not a folder of this user"));
        }
        if metadata.mode() & 0o777 != FOLDER_MODE {
            fs::set_permissions(&self.folder, Permissions::from_mode(FOLDER_MODE))?;
        }
        Ok(())
    }

    /// A copy that is open somewhere stays alive without its name.
    fn forget_old(&self) {
        let Ok(entries) = self.folder.read_dir() else {
            return;
        };
        for entry in entries.flatten() {
            let age = entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .map(|modified| {
                    SystemTime::now()
                        .duration_since(modified)
                        .unwrap_or_default()
                });
            if age.is_ok_and(|age| age > KEEP)
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::debug!(path = %entry.path().display(), %error, "old copy stays");
            }
        }
    }
}

/// The copy under its final name, if its bytes are still what the name says.
fn verified(path: &Path, sha256: &str) -> Option<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
        .ok()?;
    // A file of somebody else, or one that can still be written, is right today and wrong tomorrow.
    let metadata = file.metadata().ok()?;
    let private = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o777 == FILE_MODE;
    match hash(&file, io::sink()) {
        Ok(actual) if private && actual == sha256 => {
            // Marks it as used, for `forget_old`; a copy that cannot be marked works as well.
            if let Err(error) = file.set_modified(SystemTime::now()) {
                tracing::debug!(%error, "cannot touch the copy of a plugin");
            }
            Some(file)
        }
        _ => {
            tracing::warn!(path = %path.display(), "the private copy of a plugin was damaged, replacing it");
            None
        }
    }
}

/// A copy that is being made. Its name goes away with it; after the rename there is none to remove.
struct Draft {
    path: PathBuf,
    file: File,
}

// === impl Draft ===

impl Draft {
    fn create(folder: &Path) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".{}-{number}.tmp", std::process::id()));
        // Left over from a process of the same number that died.
        let _absent = fs::remove_file(&path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _renamed = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(folder: &Path, content: &str) -> File {
        let path = folder.join("original");
        fs::write(&path, content).unwrap();
        File::open(path).unwrap()
    }

    #[test]
    fn a_copy_is_named_by_its_content_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let copy = Store::new(dir.path())
            .keep(&file(dir.path(), "abc"))
            .unwrap();
        assert_eq!(
            copy.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            copy.path.file_stem().unwrap().to_str().unwrap(),
            copy.sha256
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&copy.path), 0o500);
        assert_eq!(mode(copy.path.parent().unwrap()), 0o700);
        assert_eq!(
            fs::read_dir(copy.path.parent().unwrap()).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_copy_that_was_tampered_with_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let original = file(dir.path(), "abc");
        let first = store.keep(&original).unwrap();
        fs::set_permissions(&first.path, Permissions::from_mode(0o700)).unwrap();
        fs::write(&first.path, "evil").unwrap();
        fs::set_permissions(&first.path, Permissions::from_mode(FILE_MODE)).unwrap();
        let second = store.keep(&original).unwrap();
        assert_eq!(first.path, second.path);
        assert_eq!(fs::read_to_string(second.path).unwrap(), "abc");
    }

    #[test]
    fn an_open_folder_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        fs::create_dir(&store.folder).unwrap();
        fs::set_permissions(&store.folder, Permissions::from_mode(0o777)).unwrap();
        store.keep(&file(dir.path(), "abc")).unwrap();
        assert_eq!(fs::metadata(&store.folder).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn old_copies_go_when_a_new_one_comes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let old = store.keep(&file(dir.path(), "old")).unwrap();
        old.file.set_modified(SystemTime::now() - 2 * KEEP).unwrap();
        let young = store.keep(&file(dir.path(), "young")).unwrap();
        assert!(!old.path.exists());
        store.keep(&file(dir.path(), "third")).unwrap();
        assert!(young.path.exists());
    }
}
