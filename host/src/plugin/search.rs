//! Where plugins are looked for.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Folders below the home directory and of the system, after the ones that were asked for.
const HOME_FOLDER: &str = ".local/lib/jumpstarter/plugins";
const SYSTEM_FOLDERS: [&str; 2] = [
    "/usr/local/lib/jumpstarter/plugins",
    "/usr/lib/jumpstarter/plugins",
];

/// The folders to look into, in this order. The working directory is never one of them unless it
/// was named.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folders, or single plugin files.
    pub folders: Vec<PathBuf>,
}

// === impl Search ===

impl Search {
    /// `--plugins` flags, then the colon-separated list of `JMP_PLUGINS`, then the `plugins:` of a
    /// configuration, then the usual places.
    pub fn new(flags: &[PathBuf], env: Option<&OsStr>, config: &[PathBuf]) -> Self {
        let mut search = Self::only(flags, env, config);
        if let Some(home) = env::var_os("HOME").filter(|home| !home.is_empty()) {
            search.add(Path::new(&home).join(HOME_FOLDER));
        }
        for folder in SYSTEM_FOLDERS {
            search.add(folder.into());
        }
        if let Some(beside) = env::current_exe()
            .ok()
            .and_then(|exe| Some(exe.parent()?.join("plugins")))
        {
            search.add(beside);
        }
        search
    }

    /// The same without the usual places.
    pub fn only(flags: &[PathBuf], env: Option<&OsStr>, config: &[PathBuf]) -> Self {
        let mut search = Self {
            folders: Vec::new(),
        };
        let from_env = env.map(env::split_paths);
        let named = flags.iter().cloned();
        let listed = from_env.into_iter().flatten();
        for folder in named.chain(listed).chain(config.iter().cloned()) {
            search.add(folder);
        }
        search
    }

    /// Every `*.so` of the folders, in order; hidden files are left out, and so are further names
    /// of a file that is already in the list.
    pub fn candidates(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for folder in &self.folders {
            for path in libraries(folder) {
                // A dangling link has no canonical path; it is reported under its own.
                let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
                if !seen.contains(&canonical) {
                    seen.push(canonical);
                    found.push(path);
                }
            }
        }
        found
    }

    fn add(&mut self, folder: PathBuf) {
        if !folder.as_os_str().is_empty() && !self.folders.contains(&folder) {
            self.folders.push(folder);
        }
    }
}

fn libraries(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_owned()];
    }
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(folder = %folder.display(), %error, "no plugins here");
            return Vec::new();
        }
    };
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_library_name(path))
        .collect();
    paths.sort();
    paths
}

fn is_library_name(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension() == Some(OsStr::new("so"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_order_is_flags_environment_configuration_usual_places() {
        let search = Search::new(
            &["/flag".into()],
            Some(OsStr::new("/env/a::/env/b")),
            &["/config".into(), "/flag".into()],
        );
        let named: Vec<PathBuf> = ["/flag", "/env/a", "/env/b", "/config"]
            .map(PathBuf::from)
            .into();
        assert_eq!(search.folders[..4], named);
        let usual: Vec<_> = SYSTEM_FOLDERS.map(PathBuf::from).into();
        assert!(search.folders.windows(2).any(|pair| pair == usual));
        assert!(search.folders.last().unwrap().ends_with("plugins"));
    }

    #[test]
    fn only_visible_so_files_count_and_each_file_once() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.so", "a.so", ".hidden.so", "notes.txt", "libc.so.6"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        symlink(dir.path().join("a.so"), dir.path().join("z.so")).unwrap();
        let search = Search::only(&[dir.path().into(), dir.path().join("b.so")], None, &[]);
        assert_eq!(
            search.candidates(),
            [dir.path().join("a.so"), dir.path().join("b.so")]
        );
    }
}
