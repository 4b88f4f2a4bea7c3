//! One at a time: whoever reads a file to write it again keeps others from doing the same.

use std::fs::{self, File};
use std::path::Path;

/// The right to change the files of a folder, until dropped.
///
/// Taken a second time by the same process it would wait for itself.
#[derive(Debug)]
pub(crate) struct Lock(
    #[allow(dead_code, reason = "closing it gives the right back")] Option<File>,
);

// === impl Lock ===

impl Lock {
    /// Waits for the right to change the files of `folder`, which is made if need be.
    ///
    /// Nothing is left there: the folder itself is locked. On file systems that cannot do this
    /// everybody has the right.
    pub(crate) fn of(folder: &Path) -> Self {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        // What is wrong with the folder is told by whoever writes into it.
        fs::create_dir_all(folder).ok();
        let opened = File::open(folder).ok();
        Self(opened.filter(|folder| folder.lock().is_ok()))
    }

    /// The same for the folder in which this file is, or would be.
    pub(crate) fn around(path: &Path) -> Self {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self::of(target.parent().unwrap_or(Path::new(".")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn nobody_has_the_right_at_the_same_time() {
        let home = Arc::new(tempfile::tempdir().unwrap());
        let inside = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (home, inside) = (Arc::clone(&home), Arc::clone(&inside));
                thread::spawn(move || {
                    for _ in 0..50 {
                        let lock = Lock::of(&home.path().join("a/b"));
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
