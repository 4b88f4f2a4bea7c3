//! Finding `jmp-exporter`, and becoming it.
//!
//! `jmp run`, `jmp check` and `jmp driver` are the exporter's commands. The exporter takes over the
//! process, so that signals, exit codes and `ps` are its own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ui::Failure;

const PROGRAM: &str = "jmp-exporter";
/// Where packages put programs that nobody types.
const LIBEXEC: &str = "../libexec/jumpstarter";

/// Replaces this process by the exporter, with the same words; returns only if that fails.
pub(super) fn become_it(words: &[OsString]) -> Failure {
    let program = match find() {
        Ok(program) => program,
        Err(failure) => return failure,
    };
    let mut command = Command::new(&program);
    // Under our name, because its messages say what to type.
    if let Some((own, rest)) = words.split_first() {
        command.arg0(own).args(rest);
    }
    let error = command.exec();
    Failure::Error(format!("cannot run `{}`: {error}", program.display()))
}

/// The exporter: beside this program, else in `../libexec/jumpstarter`, else on `PATH`.
pub(super) fn find() -> Result<PathBuf, Failure> {
    let own = own_folder().map_err(|error| {
        Failure::Error(format!("cannot find out where this program is: {error}"))
    })?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    search(&own, &path).ok_or_else(|| {
        Failure::Error(format!(
            "`{PROGRAM}` is neither in `{}` nor in `{}` nor on PATH; \
             `make build` makes it, put it beside `jmp`",
            own.display(),
            own.join(LIBEXEC).display()
        ))
    })
}

/// The folder of this program.
pub(super) fn own_folder() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().map(Path::to_owned).unwrap_or_default())
}

fn search(own: &Path, path: &OsStr) -> Option<PathBuf> {
    let near = [own.to_owned(), own.join(LIBEXEC)];
    near.into_iter()
        .chain(std::env::split_paths(path))
        .map(|folder| folder.join(PROGRAM))
        .find(|file| is_program(file))
}

/// Whether `file` is one that can be executed.
pub(super) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_nearest_one_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let install = |folder: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            let file = folder.join(PROGRAM);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            file
        };
        let own = root.path().join("bin");
        fs::create_dir_all(&own).unwrap();
        let path = std::env::join_paths([root.path().join("other")]).unwrap();
        assert_eq!(search(&own, &path), None);
        let on_path = install("other");
        assert_eq!(search(&own, &path), Some(on_path));
        install("libexec/jumpstarter");
        let found = search(&own, &path).unwrap();
        assert!(found.to_str().unwrap().contains("libexec"));
        let beside = install("bin");
        assert_eq!(search(&own, &path), Some(beside.clone()));
        // A file that cannot be executed is no program.
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(search(&own, &path), Some(found));
    }
}
