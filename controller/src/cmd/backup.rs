//! `jmp-controller backup` and `restore`: the whole data folder, while the controller runs.

use std::path::{Path, PathBuf};

use http::Method;

use super::admin::Admin;
use super::output::{line, tell};
use super::{Failure, Outcome, block_on};
use crate::admin::types::BackupTo;
use crate::cli::Target;
use crate::config::{Config, Folder};
use crate::identity::files;
use crate::store;

/// The folders and files that are copied beside the database, if they exist.
const FOLDERS: [&str; 3] = ["keys", "keys/imported", "ca"];
const FILES: [&str; 2] = ["router.key", "controller.yaml"];

/// Copy the database, keys and certificates to a new folder
///
/// The controller may run meanwhile. Whoever has the copy can issue tokens: keep it as you keep keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Every night
  jmp-controller backup /backup/lab-$(date +%F)")]
pub struct Backup {
    /// The folder, which must not be there yet
    folder: PathBuf,
}

/// Make a data folder from a backup
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # On another machine, which takes over name and address
  jmp-controller --data-dir /var/lib/jumpstarter-controller restore /backup/lab-2026-11-22
  jmp-controller run")]
pub struct Restore {
    /// The backup
    folder: PathBuf,
}

// === impl Backup ===

impl Backup {
    pub(super) fn run(self, target: &Target) -> Outcome {
        if target.server.is_some() {
            return Err(Failure::Usage(
                "a backup is made on the controller's machine".to_owned(),
            ));
        }
        let (_, from) = target.find()?;
        let to = std::path::absolute(&self.folder).map_err(Failure::error)?;
        fresh(&to)?;
        block_on(async {
            let admin = Admin::find(target, None).await?;
            let body = BackupTo {
                path: to.join("controller.db"),
            };
            let saved = admin.call::<()>(Method::POST, "/backup", Some(&body)).await;
            // The keys last: one that is made meanwhile does no harm in the copy, but a credential in the
            // database is worthless without the key that signed it.
            let copied = saved.and_then(|()| copy(from.path(), &to));
            admin.close().await;
            copied
        })?;
        line(format_args!("Backup written to {}", to.display()))
    }
}

// === impl Restore ===

impl Restore {
    pub(super) fn run(self, target: &Target) -> Outcome {
        let folder =
            Folder::of(target.data_dir.as_deref(), &Config::default()).map_err(Failure::error)?;
        let backup = self.folder.join("controller.db");
        if !backup.exists() {
            let path = self.folder.display();
            return Err(Failure::Error(format!(
                "`{path}` is not a backup: no controller.db in it"
            )));
        }
        fresh(folder.path())?;
        // First, because it checks the backup: if that is damaged, nothing has been copied yet.
        let restored = folder.database().with_extension("restored");
        store::restore(&backup, &restored).map_err(Failure::error)?;
        copy(&self.folder, folder.path())?;
        if folder.config().is_file() {
            let text = std::fs::read_to_string(folder.config()).map_err(Failure::error)?;
            if let Some(text) = moved(&text, folder.path()) {
                files::write(&folder.config(), &text).map_err(Failure::error)?;
            }
        }
        // The final name comes last, so that an unfinished folder is not taken for a controller's.
        std::fs::rename(&restored, folder.database())
            .and_then(|()| std::fs::File::open(folder.path())?.sync_all())
            .map_err(Failure::error)?;
        tell(
            "tokens that were revoked and clients that were deleted after the backup are good again; \
             revoke and delete them once more",
        );
        line(format_args!("Restored to {}", folder.path().display()))
    }
}

/// The configuration with its `data_dir` set to `folder`; `None` if it has none. With the old value, the
/// restored controller would work on the old folder.
fn moved(text: &str, folder: &Path) -> Option<String> {
    let named = "data_dir:";
    let here = serde_json::Value::from(folder.to_string_lossy());
    text.lines().find(|line| line.starts_with(named))?;
    let lines = text.lines().map(|line| match line.starts_with(named) {
        true => format!("{named} {here}\n"),
        false => format!("{line}\n"),
    });
    Some(lines.collect())
}

fn fresh(path: &Path) -> Outcome {
    let is_empty = match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !path.exists(),
    };
    if !is_empty {
        let path = path.display();
        return Err(Failure::Error(format!(
            "`{path}` is there already; name a new folder"
        )));
    }
    files::folder(path).map_err(Failure::error)
}

fn copy(from: &Path, to: &Path) -> Outcome {
    for folder in FOLDERS {
        let source = from.join(folder);
        if !source.is_dir() {
            continue;
        }
        files::folder(&to.join(folder)).map_err(Failure::error)?;
        for entry in std::fs::read_dir(source).map_err(Failure::error)? {
            let entry = entry.map_err(Failure::error)?;
            if entry.file_type().map_err(Failure::error)?.is_file() {
                copy_file(&entry.path(), &to.join(folder).join(entry.file_name()))?;
            }
        }
    }
    for file in FILES {
        if from.join(file).is_file() {
            copy_file(&from.join(file), &to.join(file))?;
        }
    }
    Ok(())
}

/// Copies a file with its permissions, and syncs it.
fn copy_file(from: &Path, to: &Path) -> Outcome {
    let copied = std::fs::copy(from, to)
        .and_then(|_| std::fs::File::open(to))
        .and_then(|file| file.sync_all());
    copied.map_err(|error| {
        Failure::Error(format!(
            "cannot copy `{}` to `{}`: {error}",
            from.display(),
            to.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn settings_move_with_their_folder() {
        let text = "# A lab\nnamespace: lab\ndata_dir: \"/old\"\nlog: {level: info}\n";
        let text = moved(text, Path::new("/new place")).unwrap();
        assert_eq!(
            text,
            "# A lab\nnamespace: lab\ndata_dir: \"/new place\"\nlog: {level: info}\n"
        );
        assert_eq!(moved("namespace: lab\n", Path::new("/new")), None);
    }
}
