//! A plugin in this process.
//!
//! A library is loaded once and never unloaded: it may have started threads, and unmapping code
//! under a running thread kills the process. What a new version of the file costs is the memory of
//! the old one.

use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use jumpstarter_driver_abi::ext::{BYTES, BytesExt};
use jumpstarter_driver_abi::{Functions, Slice};

use super::door::{self, Door, DoorError};
use super::elf::{self, Elf};
use super::error::PluginError;
use super::metadata::Metadata;
use super::registry::LoadOptions;
use super::store::{Copy, Store};
use super::{companion, host};

/// A plugin that is loaded and ready.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    sha256: String,
    metadata: Arc<Metadata>,
    functions: Functions,
    bytes: Option<BytesExt>,
    may_block: bool,
}

/// What has become of the library with these bytes.
#[derive(Debug, Default)]
enum Slot {
    #[default]
    Fresh,
    Ready(Arc<Library>),
    /// Its `init` has failed, and must not run again.
    Failed(PluginError),
}

/// Every library of the process, by the hash of its bytes: `init` runs once per library, however
/// many sessions there are and wherever the file lies.
static LOADED: LazyLock<Mutex<HashMap<String, Arc<Mutex<Slot>>>>> = LazyLock::new(Mutex::default);

/// What it takes to load a copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// Where the original lies.
    pub(super) path: &'a Path,
    pub(super) copy: &'a Copy,
    pub(super) metadata: &'a Arc<Metadata>,
    pub(super) elf: &'a Elf,
    pub(super) store: &'a Store,
    pub(super) options: &'a LoadOptions,
}

/// Loads a verified copy, or finds it loaded. Blocks: `dlopen` and `init` run foreign code.
pub(super) fn load(request: &Request<'_>) -> Result<Arc<Library>, PluginError> {
    let slot = Arc::clone(
        lock(&LOADED)
            .entry(request.copy.sha256.clone())
            .or_default(),
    );
    let mut slot = lock(&slot);
    match &*slot {
        Slot::Ready(library) => return Ok(Arc::clone(library)),
        Slot::Failed(error) => return Err(error.clone()),
        Slot::Fresh => {}
    }
    let (path, title) = (request.path.display(), request.metadata.title());
    // A plugin that hangs in here can be told from these two lines.
    tracing::info!(%path, sha256 = request.copy.sha256, "loading driver plugin {title}");
    let (functions, door) = request.open()?;
    let threads = request
        .options
        .worker_threads
        .max(1 + u32::from(request.metadata.blocking));
    // SAFETY: the slot of this library lets this run once; the host's table lives for ever.
    let status = unsafe { (functions.init)(host::table(&title, threads)) };
    if status != 0 {
        let reason = format!("cannot be used here: its init failed with {status}");
        let error = request.refused(reason);
        *slot = Slot::Failed(error.clone());
        return Err(error);
    }
    tracing::debug!(%path, ?door, "driver plugin {title} is ready");
    let library = Arc::new(Library {
        path: request.path.to_owned(),
        sha256: request.copy.sha256.clone(),
        may_block: door == Door::C && !request.metadata.nonblocking,
        metadata: Arc::clone(request.metadata),
        bytes: bytes(&functions),
        functions,
    });
    *slot = Slot::Ready(Arc::clone(&library));
    Ok(library)
}

/// The plugin's word on how byte streams end, if it has one to give. `init` has returned.
fn bytes(functions: &Functions) -> Option<BytesExt> {
    // SAFETY: `init` has returned; the name lives for the call.
    let table = unsafe { (functions.extension)(Slice::from(BYTES)) };
    // SAFETY: under this name a plugin answers with null or with this table, valid for ever.
    unsafe { table.cast::<BytesExt>().as_ref() }.copied()
}

/// What the mutexes here protect is whole at every moment, so a panic elsewhere does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Request ===

impl Request<'_> {
    fn open(&self) -> Result<(Functions, Door), PluginError> {
        self.check_glibc()?;
        let library = companion::open(self)?;
        // Never unloaded, see the top of this file.
        let library = ManuallyDrop::new(library);
        // SAFETY: the library stays, and the reader found driver metadata in it.
        unsafe { door::enter(&library) }.map_err(|error| match error {
            DoorError::Foreign(_) => PluginError::NotAPlugin {
                path: self.path.to_owned(),
                what: error.to_string(),
                why: "",
            },
            DoorError::Refused(reason) => self.refused(reason),
        })
    }

    fn check_glibc(&self) -> Result<(), PluginError> {
        let has = glibc();
        match &self.elf.glibc {
            Some(needs) if elf::newer(needs, &has) => Err(PluginError::Glibc {
                plugin: self.metadata.title(),
                needs: needs.clone(),
                has,
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn refused(&self, reason: String) -> PluginError {
        PluginError::Load {
            plugin: self.metadata.title(),
            reason,
        }
    }
}

// === impl Library ===

impl Library {
    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of its bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What it says about itself.
    pub fn metadata(&self) -> &Arc<Metadata> {
        &self.metadata
    }

    /// Whether it has a table of further functions of this name.
    pub fn has_extension(&self, id: &str) -> bool {
        // SAFETY: `init` has returned; the name lives for the call.
        !unsafe { (self.functions.extension)(Slice::from(id)) }.is_null()
    }

    /// Name and version.
    pub(super) fn title(&self) -> String {
        self.metadata.title()
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(super) fn bytes(&self) -> Option<&BytesExt> {
        self.bytes.as_ref()
    }

    /// Whether its functions may keep the calling thread waiting.
    pub(super) fn may_block(&self) -> bool {
        self.may_block
    }
}

/// Version of the C library of this process.
pub fn glibc() -> String {
    // SAFETY: returns a static string.
    let version = unsafe { CStr::from_ptr(nix::libc::gnu_get_libc_version()) };
    version.to_string_lossy().into_owned()
}
