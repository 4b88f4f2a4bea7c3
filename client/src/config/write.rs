//! Writing files that hold tokens: whole or not at all, and for nobody else to read.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::ConfigError;

/// Replaces the content of `path`, which afterwards only the user can read.
///
/// A crash leaves the old file or the new one. Folders are made as needed.
pub(super) fn privately(path: &Path, text: &str) -> Result<(), ConfigError> {
    replace(path, text, Some(0o600))
}

/// The same for files without secrets, with the permissions that new files get.
pub(super) fn plainly(path: &Path, text: &str) -> Result<(), ConfigError> {
    replace(path, text, None)
}

fn replace(path: &Path, text: &str, mode: Option<u32>) -> Result<(), ConfigError> {
    try_replace(path, text, mode).map_err(|source| ConfigError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

fn try_replace(path: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    // A link stays a link; what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let name = target
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut builder = tempfile::Builder::new();
    // Masked by the umask, unlike the explicit mode below.
    builder.permissions(Permissions::from_mode(mode.unwrap_or(0o666)));
    let mut file = builder.prefix(&format!(".{name}.")).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(mode) = mode {
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
    }
    file.as_file().sync_all()?;
    file.persist(&target)?;
    // The rename itself; file systems that cannot do this keep their own promises.
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_with_secrets_are_private_whatever_they_were() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/lab.yaml");
        privately(&path, "one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        privately(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real.yaml"), home.path().join("link.yaml"));
        privately(&real, "one").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        privately(&link, "two").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "two");
    }

    #[test]
    fn a_folder_in_the_way_is_named() {
        let home = tempfile::tempdir().unwrap();
        let error = privately(home.path(), "x").unwrap_err().to_string();
        assert!(error.starts_with("cannot write `"), "{error}");
    }
}
