//! Where data of a driver goes.
//!
//! A file takes its name only when it is whole: until then the data is in a file beside it, so a
//! dump that fails leaves the last good one alone.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::io::AsyncWrite;

use super::{URLS, is_like_url, is_url};
use crate::ui::Failure;

/// Where data of a driver goes.
pub(in crate::j) struct Target {
    /// What to call it in an error; the URL if it is one.
    name: String,
    place: Place,
}

enum Place {
    /// The exporter delivers it.
    Url,
    Stdout,
    /// Neither new nor a regular file: a device, a pipe.
    Special(PathBuf),
    /// The file that is to be, and the one that will become it.
    File(PathBuf, Option<NamedTempFile>),
}

// === impl Target ===

impl Target {
    /// What `word` stands for: a URL, `-` for stdout, or a file.
    pub(in crate::j) fn new(word: &OsStr) -> Result<Self, Failure> {
        let (name, place) = match word.to_str() {
            Some(url) if is_url(url) => (url.to_owned(), Place::Url),
            Some("-") => ("stdout".to_owned(), Place::Stdout),
            _ => {
                let path = Path::new(word);
                let name = format!("`{}`", path.display());
                let place = Place::of(path);
                let place = place.map_err(|error| {
                    Failure::Error(match error.kind() {
                        io::ErrorKind::IsADirectory => {
                            format!("{name} is a directory; name a file in it")
                        }
                        _ => format!("cannot write to {name}: {error}"),
                    })
                })?;
                (name, place)
            }
        };
        Ok(Self { name, place })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What to write to; nothing for a URL.
    pub(super) async fn open(
        &mut self,
    ) -> Result<Option<Box<dyn AsyncWrite + Send + Unpin>>, Failure> {
        let file = match &self.place {
            Place::Url => return Ok(None),
            Place::Stdout => return Ok(Some(Box::new(tokio::io::stdout()))),
            // Not on this thread: a named pipe opens only when somebody reads from it.
            Place::Special(path) => {
                let mut options = tokio::fs::OpenOptions::new();
                options.write(true).open(path).await
            }
            Place::File(path, _) => match beside(path) {
                Ok((file, temporary)) => {
                    self.place = Place::File(path.clone(), Some(temporary));
                    Ok(tokio::fs::File::from_std(file))
                }
                Err(error) => Err(error),
            },
        };
        match file {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) => Err(self.unwritable(&error)),
        }
    }

    /// The data is whole.
    pub(super) fn keep(self) -> Result<(), Failure> {
        match self.place {
            Place::File(path, Some(temporary)) => match temporary.persist(path) {
                Ok(_) => Ok(()),
                Err(error) => Err(Failure::Error(format!(
                    "cannot write to {}: {}",
                    self.name, error.error
                ))),
            },
            _ => Ok(()),
        }
    }

    pub(super) fn unwritable(&self, error: &io::Error) -> Failure {
        match (&self.place, error.kind()) {
            // As in `j storage dump - | head`.
            (Place::Stdout, io::ErrorKind::BrokenPipe) => Failure::Quiet(1),
            (Place::File(path, None), io::ErrorKind::NotFound) => {
                let next = if is_like_url(path) {
                    URLS
                } else {
                    "make its folder first, or name another"
                };
                Failure::Error(format!("cannot write to {}: {error}; {next}", self.name))
            }
            _ => Failure::Error(format!("cannot write to {}: {error}", self.name)),
        }
    }
}

// === impl Place ===

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => Ok(Self::Special(path.to_owned())),
            // What a link leads to is replaced, not the link.
            Ok(_) => Ok(Self::File(fs::canonicalize(path)?, None)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::File(path.to_owned(), None))
            }
            Err(error) => Err(error),
        }
    }
}

/// A file beside `path`, with the permissions that one at `path` has or would get.
fn beside(path: &Path) -> io::Result<(File, NamedTempFile)> {
    let permissions = match fs::metadata(path) {
        Ok(found) => {
            // Who may not write to the old file may not replace it either.
            OpenOptions::new().write(true).open(path)?;
            found.permissions()
        }
        Err(_) => Permissions::from_mode(0o666),
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::metadata(folder)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    let temporary = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".part")
        .permissions(permissions)
        .tempfile_in(folder)
        // The name of the file beside it, which the error has, means nothing to anybody.
        .map_err(|error| {
            let kind = error.kind();
            io::Error::new(kind, format!("no file can be made in its folder: {kind}"))
        })?;
    Ok((temporary.as_file().try_clone()?, temporary))
}
