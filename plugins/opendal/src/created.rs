//! What was created through a storage in this session, to tell and perhaps to remove at its end.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The paths, each in one spelling.
#[derive(Debug, Default)]
pub(crate) struct Created {
    paths: Mutex<BTreeSet<String>>,
}

// === impl Created ===

impl Created {
    pub(crate) fn add(&self, path: &str) {
        self.paths().insert(normalize(path));
    }

    pub(crate) fn forget(&self, path: &str) {
        self.paths().remove(&normalize(path));
    }

    pub(crate) fn list(&self) -> Vec<String> {
        self.paths().iter().cloned().collect()
    }

    fn paths(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // A set is whole after every step.
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One spelling of a path: backslashes are slashes, and there are no doubled ones, none at either
/// end, no `.`, and `..` at most at the beginning.
fn normalize(path: &str) -> String {
    let path = path.replace('\\', "/");
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // Above `/` there is only `/`.
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{Created, normalize};

    #[test]
    fn spellings_of_one_path_are_one_path() {
        for (path, normal) in [
            ("", ""),
            (".", ""),
            ("/", ""),
            ("test_dir2/", "test_dir2"),
            ("/nested/dir2/", "nested/dir2"),
            ("dir\\backslash", "dir/backslash"),
            ("./current_dir", "current_dir"),
            ("parent/../simple", "simple"),
            ("//double//slash//path", "double/slash/path"),
            ("../above", "../above"),
            ("a/../../b", "../b"),
            ("../../b", "../../b"),
            ("/../b", "b"),
        ] {
            assert_eq!(normalize(path), normal, "{path}");
        }
    }

    #[test]
    fn a_path_is_forgotten_in_any_spelling() {
        let created = Created::default();
        created.add("a//b/");
        created.add("./c");
        created.add("c");
        assert_eq!(created.list(), ["a/b", "c"]);
        created.forget("/a/b");
        assert_eq!(created.list(), ["c"]);
    }
}
