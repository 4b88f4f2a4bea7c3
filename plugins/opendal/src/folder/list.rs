//! Listing a directory, piece by piece.
//!
//! A path without a slash at its end is a prefix: `list("a")` is about everything whose name begins
//! with `a`, and `list("a/")` about what is in `a`.

use std::os::fd::AsFd;

use jumpstarter_driver::Result;
use nix::errno::Errno;
use opendal::raw::{get_parent, normalize_path};

use super::root::{Links, Parents, Stop, open_step};
use super::tree::Tree;
use super::{Folder, system, told};

/// Paths of what is in a directory.
#[derive(Debug)]
pub(crate) struct Entries {
    operation: &'static str,
    tree: Tree,
    /// What every path begins with.
    parent: String,
    /// What those begin with that were asked for.
    wanted: String,
    /// The directory itself, if it is part of the list and has not been told yet.
    itself: Option<String>,
    deep: bool,
}

// === impl Folder ===

impl Folder {
    /// What is at a path, `deep` for what is in the directories there, too. None for a path that
    /// leads nowhere.
    pub(crate) fn list(&self, path: &str, deep: bool) -> Result<Option<Entries>> {
        let operation = if deep { "scan" } else { "list" };
        let path = normalize_path(path);
        let directory = if path.ends_with('/') {
            &path
        } else {
            get_parent(&path)
        };
        let found = match self.root.place(directory, Links::Follow, Parents::Expect) {
            Err(stop) => Err(stop),
            Ok(place) => match &place.name {
                Some(name) => open_step(place.directory.as_fd(), name).map_err(Into::into),
                None => Ok(place.directory),
            },
        };
        let directory_found = match found {
            Ok(directory) => directory,
            Err(Stop::System(Errno::ENOENT | Errno::ENOTDIR)) => return Ok(None),
            Err(stop) => return Err(told(operation, &path, stop)),
        };
        let tree =
            Tree::of(directory_found, deep).map_err(|error| system(operation, &path, error))?;
        let relative = |path: &str| {
            if path == "/" {
                String::new()
            } else {
                path.to_owned()
            }
        };
        Ok(Some(Entries {
            operation,
            tree,
            parent: relative(directory),
            wanted: relative(&path),
            itself: path.ends_with('/').then(|| path.clone()),
            deep,
        }))
    }
}

// === impl Entries ===

impl Iterator for Entries {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.deep
            && let Some(itself) = self.itself.take()
        {
            return Some(Ok(itself));
        }
        loop {
            match self.tree.next() {
                Some(Ok(found)) => {
                    let path = format!("{}{}", self.parent, found.path);
                    if path.starts_with(&self.wanted) {
                        return Some(Ok(path));
                    }
                }
                Some(Err(error)) => return Some(Err(system(self.operation, &self.parent, error))),
                // After what is in it, as for every directory.
                None => return self.itself.take().map(Ok),
            }
        }
    }
}
