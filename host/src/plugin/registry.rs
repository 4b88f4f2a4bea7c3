//! Which plugin a driver type comes from.
//!
//! ```text
//!   a_b.driver.Class ─► liba_b.so, anywhere on the path ─► else the metadata of all others
//!                         trust ─► headers ─► metadata        (no code of a plugin runs)
//!   load ───────────────► open once ─► trust ─► private copy ─► headers of the copy ─► dlopen
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::contents::{self, Contents, Stamp, check_trust, open, unreadable, words};
use super::error::PluginError;
use super::library::{self, Library, Request};
use super::metadata::{DriverMetadata, Metadata};
use super::search::Search;
use super::store::Store;
use super::trust::Distrust;

/// How plugins are loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Only warn about plugins that others could change.
    pub insecure_plugins: bool,
    /// Worker threads for each plugin that has a runtime of its own.
    pub worker_threads: u32,
    /// Where private copies are kept, see [`state_dir`](super::state_dir).
    pub state_dir: PathBuf,
}

/// The plugins on the search path.
#[derive(Debug)]
pub struct Registry {
    search: Search,
    options: LoadOptions,
    store: Store,
    /// What was read from files, for as long as they do not change.
    read: Mutex<HashMap<Stamp, Result<Contents, PluginError>>>,
}

/// The plugin that offers a type.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The plugin.
    pub metadata: Arc<Metadata>,
    /// The driver that the type means.
    pub driver: Arc<DriverMetadata>,
}

/// One file on the search path.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The file.
    pub path: PathBuf,
    /// What it is, or why it is refused.
    pub plugin: Result<Arc<Metadata>, PluginError>,
}

/// What a file says about itself and about the machine that it needs.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The file, links resolved.
    pub path: PathBuf,
    /// The plugin.
    pub metadata: Arc<Metadata>,
    /// Libraries it is linked with.
    pub needed: Vec<String>,
    /// The newest version of the C library it asks for.
    pub glibc: Option<String>,
    /// The symbols of its doors.
    pub doors: Vec<&'static str>,
    /// Whether somebody else could have changed it.
    pub trusted: Result<(), Distrust>,
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
}

// === impl Registry ===

impl Registry {
    /// Nothing is read before it is asked for.
    pub fn new(search: Search, options: LoadOptions) -> Self {
        Self {
            store: Store::new(&options.state_dir),
            search,
            options,
            read: Mutex::default(),
        }
    }

    /// Where this registry looks.
    pub fn folders(&self) -> &[PathBuf] {
        &self.search.folders
    }

    /// The plugin that offers a type. Reads files, runs nothing.
    ///
    /// # Errors
    /// There is none, or its file is refused; or there are two.
    pub fn find(&self, type_name: &str) -> Result<Found, PluginError> {
        let own_file = own_file(type_name);
        let (own, others): (Vec<_>, Vec<_>) = self
            .search
            .candidates()
            .into_iter()
            .partition(|path| own_file.as_deref().is_some_and(|own| path.ends_with(own)));

        let (own, refused_own) = self.read_all(own);
        if let Some(found) = choose(&own, type_name)? {
            for error in &refused_own {
                tracing::warn!("{error}");
            }
            return Ok(found);
        }
        let (others, refused) = self.read_all(others);
        if let Some(found) = choose(&others, type_name)? {
            return Ok(found);
        }
        // The file that should have had it says more than a list of what there is instead.
        match refused_own.into_iter().next() {
            Some(error) => Err(error),
            None => Err(self.no_such_type(type_name, &[own, others].concat(), &refused)),
        }
    }

    /// Loads a plugin, or finds it loaded: once per process, however many registries there are.
    ///
    /// Blocks while foreign code runs, so call it from a thread that may wait.
    ///
    /// # Errors
    /// The file is refused, has changed since it was found, or does not work on this machine.
    pub fn load(&self, found: &Found) -> Result<Arc<Library>, PluginError> {
        let (path, file) = open(&found.path)?;
        self.trust(&path, check_trust(&path, &file)?)?;
        let copy = self.store.keep(&file).map_err(|error| PluginError::Store {
            path: path.clone(),
            folder: self.store.folder.clone(),
            reason: words(&error),
        })?;
        // Headers and metadata of the copy: nobody can change that one any more.
        let Contents { metadata, elf } = contents::read(&path, &copy.file)?;
        if metadata != found.metadata {
            return Err(PluginError::Changed { path });
        }
        library::load(&Request {
            path: &path,
            copy: &copy,
            metadata: &metadata,
            elf: &elf,
            store: &self.store,
            options: &self.options,
        })
    }

    /// How this registry loads plugins.
    pub fn options(&self) -> &LoadOptions {
        &self.options
    }

    /// Every file on the search path, with what it is or why it is refused.
    pub fn list(&self) -> Vec<Listing> {
        let listing = |path: PathBuf| Listing {
            plugin: self.read(&path).map(|(_, contents)| contents.metadata),
            path,
        };
        self.search.candidates().into_iter().map(listing).collect()
    }

    /// A file by its path, or by its name on the search path.
    ///
    /// # Errors
    /// There is no such file.
    pub fn locate(&self, name: &Path) -> Result<PathBuf, PluginError> {
        let is_path = name.components().count() > 1;
        if is_path || name.exists() {
            return Ok(name.to_owned());
        }
        let candidates = self.search.candidates();
        let same_name = candidates.into_iter().find(|path| path.ends_with(name));
        same_name.ok_or_else(|| PluginError::NotFound {
            name: name.display().to_string(),
            folders: self.search.folders.clone(),
        })
    }

    /// All that can be said about a plugin without running it, trusted or not.
    ///
    /// # Errors
    /// It is no plugin for this host.
    pub fn inspect(&self, path: &Path) -> Result<Inspected, PluginError> {
        let (path, file) = open(path)?;
        let trusted = check_trust(&path, &file)?;
        let Contents { metadata, elf } = self.contents(&path, &file)?;
        let sha256 = super::store::sha256(&file).map_err(|error| unreadable(&path, &error))?;
        Ok(Inspected {
            path,
            metadata,
            needed: elf.needed.clone(),
            glibc: elf.glibc.clone(),
            doors: elf.doors.clone(),
            trusted,
            sha256,
        })
    }

    /// What a plugin says about itself.
    ///
    /// # Errors
    /// It is refused.
    pub fn read_metadata(&self, path: &Path) -> Result<Arc<Metadata>, PluginError> {
        self.read(path).map(|(_, contents)| contents.metadata)
    }

    /// A plugin as [`find`](Self::find) would give it, for a file that is already known.
    ///
    /// # Errors
    /// It is refused, or has no driver.
    pub fn find_in(&self, path: &Path, type_name: &str) -> Result<Found, PluginError> {
        let (path, contents) = self.read(path)?;
        let plugins = [(path, contents)];
        choose(&plugins, type_name)?.ok_or_else(|| self.no_such_type(type_name, &plugins, &[]))
    }

    fn read_all(&self, paths: Vec<PathBuf>) -> (Vec<(PathBuf, Contents)>, Vec<PluginError>) {
        let (mut read, mut refused) = (Vec::new(), Vec::new());
        for path in paths {
            match self.read(&path) {
                Ok(plugin) => read.push(plugin),
                Err(error) => refused.push(error),
            }
        }
        (read, refused)
    }

    fn read(&self, path: &Path) -> Result<(PathBuf, Contents), PluginError> {
        let (path, file) = open(path)?;
        self.trust(&path, check_trust(&path, &file)?)?;
        let contents = self.contents(&path, &file)?;
        Ok((path, contents))
    }

    fn contents(&self, path: &Path, file: &File) -> Result<Contents, PluginError> {
        let stamp = Stamp::of(path, file)?;
        if let Some(known) = self.known().get(&stamp) {
            return known.clone();
        }
        let contents = contents::read(path, file);
        self.known().insert(stamp, contents.clone());
        contents
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Stamp, Result<Contents, PluginError>>> {
        // The map is whole at every moment, so a panic elsewhere does no harm.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trust(&self, path: &Path, verdict: Result<(), Distrust>) -> Result<(), PluginError> {
        match verdict {
            Err(distrust) if self.options.insecure_plugins => {
                tracing::warn!(path = %path.display(), "{distrust}");
                Ok(())
            }
            verdict => Ok(verdict?),
        }
    }

    fn no_such_type(
        &self,
        type_name: &str,
        plugins: &[(PathBuf, Contents)],
        refused: &[PluginError],
    ) -> PluginError {
        let known = plugins.iter().flat_map(|(path, contents)| {
            let types = contents
                .metadata
                .drivers
                .iter()
                .flat_map(|driver| &driver.types);
            types.map(move |name| (name, path))
        });
        let similarity = |name: &str| strsim::normalized_damerau_levenshtein(name, type_name);
        let suggestion = known
            .clone()
            .map(|(name, path)| (similarity(name), name, path))
            .filter(|(similarity, ..)| *similarity > 0.8)
            .max_by(|left, right| left.0.total_cmp(&right.0));
        PluginError::NoSuchType {
            type_name: type_name.to_owned(),
            suggestion: suggestion.map(|(_, name, path)| Box::new((name.clone(), path.clone()))),
            known: known.map(|(name, _)| name.clone()).collect(),
            refused: refused.iter().map(ToString::to_string).collect(),
            folders: self.search.folders.clone(),
        }
    }
}

/// `a_b.driver.Class` comes from `liba_b.so`, if that exists.
fn own_file(type_name: &str) -> Option<String> {
    let (package, _) = type_name.split_once('.')?;
    Some(format!("lib{package}.so"))
}

fn choose(plugins: &[(PathBuf, Contents)], type_name: &str) -> Result<Option<Found>, PluginError> {
    let mut offers = plugins.iter().filter_map(|(path, contents)| {
        let driver = contents.metadata.driver(type_name)?;
        Some(Found {
            path: path.clone(),
            metadata: Arc::clone(&contents.metadata),
            driver: Arc::new(driver.clone()),
        })
    });
    let Some(first) = offers.next() else {
        return Ok(None);
    };
    match offers.find(|other| !same_bytes(&first, other)) {
        Some(second) => Err(PluginError::Ambiguous {
            type_name: type_name.to_owned(),
            first: first.path,
            second: second.path,
        }),
        None => Ok(Some(first)),
    }
}

/// Whether both are the same plugin, copied: then it does not matter which of them is taken.
fn same_bytes(one: &Found, other: &Found) -> bool {
    let hash = |found: &Found| {
        let file = File::open(&found.path).ok()?;
        super::store::sha256(&file).ok()
    };
    one.metadata == other.metadata && hash(one).is_some_and(|one| Some(one) == hash(other))
}
