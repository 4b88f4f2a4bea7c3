//! Files that only their owner may read: private keys.
//!
//! A file is first written under another name, so that a crash leaves either nothing or all of it. A
//! key that others could read is refused, because it has to be taken for stolen.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// What is wrong with a private file or folder.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refuses.
    #[error("cannot {what} `{}`: {source}", path.display())]
    System {
        /// What was tried, as a verb.
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Other users may read it.
    #[error(
        "`{0}` must be closed to other users; run `chmod {mode:o} {0}`, and replace the keys if somebody may have read them",
        path.display()
    )]
    Open {
        path: PathBuf,
        /// The mode it should have.
        mode: u32,
    },
}

/// Held while files are made in a folder, so that two programs do not both make the first key.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing it unlocks")] File);

fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::System { what, path, source }
}

fn closed(path: &Path, mode: u32) -> Result<(), FileError> {
    let metadata = std::fs::metadata(path).map_err(system("read", path))?;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let path = path.to_owned();
    Err(FileError::Open { path, mode })
}

/// Makes the folder if need be, and checks that only its owner may enter it.
pub(crate) fn folder(path: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(system("make the folder", path))?;
    closed(path, 0o700)
}

/// Waits for the lock of a folder.
pub(crate) fn lock(folder: &Path) -> Result<Lock, FileError> {
    let path = folder.join(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(&path).map_err(system("open", &path))?;
    file.lock().map_err(system("lock", &path))?;
    Ok(Lock(file))
}

/// The text of a private file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, FileError> {
    match std::fs::read_to_string(path) {
        Ok(text) => closed(path, 0o600).map(|()| Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(system("read", path)(error)),
    }
}

/// Writes a private file and syncs it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), FileError> {
    // In a world-writable folder somebody could plant a file or a link under a name known in advance.
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", Uuid::new_v4().simple()));
    let draft = PathBuf::from(draft);
    let mut options = OpenOptions::new();
    options.create_new(true).write(true).mode(0o600);
    let mut file = options.open(&draft).map_err(system("write", &draft))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(system("write", &draft))
        .and_then(|()| std::fs::rename(&draft, path).map_err(system("write", path)))
        .inspect_err(|_| {
            // The first error matters more.
            drop(std::fs::remove_file(&draft));
        })?;
    sync_folder(path)
}

pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    std::fs::remove_file(path).map_err(system("delete", path))?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<(), FileError> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(system("write", folder))
}

/// The names of the files in a folder that end with `.ending`, without the ending, sorted.
pub(crate) fn names(folder: &Path, ending: &str) -> Result<Vec<String>, FileError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(system("read", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(system("read", folder))?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(ending));
        let name = name.and_then(|name| name.strip_suffix('.'));
        names.extend(name.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_for_the_owner() {
        let data = tempfile::tempdir().unwrap();
        let keys = data.path().join("a/keys");
        folder(&keys).unwrap();
        let file = keys.join("x.pem");
        std::fs::write(keys.join("x.new"), "left over, and longer than what comes").unwrap();
        write(&file, "secret").unwrap();
        assert_eq!((mode(&keys), mode(&file)), (0o700, 0o600));
        assert_eq!(read(&file).unwrap().as_deref(), Some("secret"));
        assert_eq!(names(&keys, "pem").unwrap(), ["x"]);
        assert_eq!(read(&keys.join("y.pem")).unwrap(), None);
        remove(&file).unwrap();
        assert_eq!(names(&keys, "pem").unwrap(), [""; 0]);
    }

    #[test]
    fn what_somebody_has_put_beside_it_gets_no_secret() {
        let data = tempfile::tempdir().unwrap();
        let (file, trap) = (data.path().join("a.token"), data.path().join("trap"));
        std::fs::write(&trap, "").unwrap();
        for name in ["a.new", "a.token.new"] {
            std::os::unix::fs::symlink(&trap, data.path().join(name)).unwrap();
        }
        write(&file, "secret").unwrap();
        write(&file, "newer").unwrap();
        assert_eq!(std::fs::read_to_string(&trap).unwrap(), "");
        assert_eq!(read(&file).unwrap().as_deref(), Some("newer"));
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 4);
        // What cannot be finished leaves nothing.
        let folder = data.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        assert!(write(&folder, "secret").is_err());
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 5);
    }

    #[test]
    fn what_others_can_read_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("x.pem");
        write(&file, "secret").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let told = read(&file).unwrap_err().to_string();
        assert!(told.contains("chmod 600"), "{told}");
        let keys = data.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(folder(&keys), Err(FileError::Open { .. })));
    }
}
