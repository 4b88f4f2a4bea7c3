//! What one loaded plugin holds: the host it talks to, its threads, the drivers it can open.
//!
//! This crate is linked into every plugin on its own, so its statics are the plugin's.

use std::ffi::c_void;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use jumpstarter_driver_abi::ext::{self, LogExt, ResourceExt, SessionExt, TreeExt};
use jumpstarter_driver_abi::{ABI_MAJOR, Host, Slice};
use tokio::runtime::{Builder, Runtime};

use crate::class::Class;
use crate::{Error, Result, log, panics};

/// At most this many plain `fn`s run at once; further calls wait.
const BLOCKING_THREADS: usize = 64;

static IMAGE: OnceLock<Image> = OnceLock::new();

/// The state of this plugin since `init`.
pub(crate) struct Image {
    name: &'static str,
    pub(crate) host: Host,
    pub(crate) log: Option<&'static LogExt>,
    pub(crate) tree: Option<&'static TreeExt>,
    pub(crate) session: Option<&'static SessionExt>,
    pub(crate) resource: Option<&'static ResourceExt>,
    runtime: OnceLock<Result<Runtime>>,
    classes: RwLock<Vec<Class>>,
}

/// What `plugin!` tells about a plugin.
#[derive(Clone, Copy, Debug)]
pub struct PluginInfo {
    /// Its name.
    pub name: &'static str,
    /// Its drivers.
    pub drivers: &'static [Class],
}

/// The state of this plugin, once `init` was called.
pub(crate) fn get() -> Option<&'static Image> {
    IMAGE.get()
}

/// The state of this plugin, for work that cannot do without.
pub(crate) fn ready() -> Result<&'static Image> {
    get().ok_or_else(|| Error::unavailable("the plugin was not initialised by its host"))
}

/// Takes what the host offers. The number is that of [`Functions::init`].
///
/// # Safety
/// `host` is null or points to a host, whose functions work for as long as the process lives.
///
/// [`Functions::init`]: jumpstarter_driver_abi::Functions::init
pub unsafe fn init(plugin: &PluginInfo, host: *const Host) -> i32 {
    panics::stop(|| {
        // SAFETY: the caller vouches for the pointer.
        let Some(host) = (unsafe { host.as_ref() }) else {
            return 1;
        };
        if host.abi_major != ABI_MAJOR {
            return 1;
        }
        // SAFETY: the caller vouches for the host.
        let image = IMAGE.get_or_init(|| unsafe { Image::new(plugin.name, *host) });
        image.add(plugin.drivers);
        log::install();
        panics::install_hook();
        0
    })
    .unwrap_or(1)
}

// === impl Image ===

impl Image {
    /// # Safety
    /// The host's functions work for as long as the process lives.
    unsafe fn new(name: &'static str, host: Host) -> Self {
        // SAFETY: each name is asked for with the type of its table; tables live for ever.
        unsafe {
            Self {
                name,
                host,
                log: table(&host, ext::LOG).map(|at| &*at.cast::<LogExt>()),
                tree: table(&host, ext::TREE).map(|at| &*at.cast::<TreeExt>()),
                session: table(&host, ext::SESSION).map(|at| &*at.cast::<SessionExt>()),
                resource: table(&host, ext::RESOURCE).map(|at| &*at.cast::<ResourceExt>()),
                runtime: OnceLock::new(),
                classes: RwLock::new(Vec::new()),
            }
        }
    }

    /// Makes drivers known that are not yet.
    pub(crate) fn add(&self, classes: &[Class]) {
        let mut known = self.classes.write().unwrap_or_else(PoisonError::into_inner);
        for class in classes {
            if !known.iter().any(|old| old.types == class.types) {
                known.push(*class);
            }
        }
    }

    /// The driver with this `type`.
    pub(crate) fn class(&self, name: &str) -> Result<Class> {
        let known = self.classes.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|class| class.types.contains(&name));
        found.copied().ok_or_else(|| {
            Error::not_found(format_args!(
                "the plugin `{}` has no driver `{name}`",
                self.name
            ))
        })
    }

    /// The plugin's own threads, started when they are first needed.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        let runtime = self.runtime.get_or_init(|| {
            let known = self.classes.read().unwrap_or_else(PoisonError::into_inner);
            let least = if known.iter().any(|class| class.blocking) {
                2
            } else {
                1
            };
            Builder::new_multi_thread()
                .worker_threads(least.max(self.host.worker_threads as usize))
                .max_blocking_threads(BLOCKING_THREADS)
                .thread_keep_alive(Duration::from_secs(10))
                .thread_name(self.name)
                .enable_all()
                .build()
                .map_err(|error| {
                    Error::unavailable(format_args!("cannot start threads for drivers: {error}"))
                })
        });
        runtime.as_ref().map_err(Error::clone)
    }
}

/// # Safety
/// The host's functions work.
unsafe fn table(host: &Host, name: &str) -> Option<*const c_void> {
    // SAFETY: the caller vouches for the function; the name lives for the call.
    let table = unsafe { (host.extension)(host.ctx, Slice::from(name)) };
    (!table.is_null()).then_some(table)
}
