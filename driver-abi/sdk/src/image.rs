//! What one loaded plugin holds: the host it talks to, its threads, the drivers it can open.
//!
//! This crate is linked into every plugin on its own, so its statics are the plugin's.

use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use jumpstarter_driver_abi::Host;
use tokio::runtime::{Builder, Runtime};

use crate::class::Class;
use crate::host::Services;
use crate::{Error, Result, log, panics};

/// At most this many plain `fn`s run at once; further calls wait.
const BLOCKING_THREADS: usize = 64;

static IMAGE: OnceLock<Image> = OnceLock::new();

/// The state of this plugin since `init`.
pub(crate) struct Image {
    name: &'static str,
    pub(crate) services: Services,
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
        // SAFETY: the caller vouches for the host.
        let Some(services) = (unsafe { Services::new(host) }) else {
            return 1;
        };
        let image = IMAGE.get_or_init(|| Image {
            name: plugin.name,
            services,
            runtime: OnceLock::new(),
            classes: RwLock::new(Vec::new()),
        });
        image.add(plugin.drivers);
        log::install();
        panics::install_hook();
        0
    })
    .unwrap_or(1)
}

// === impl Image ===

impl Image {
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
                .worker_threads(least.max(self.services.worker_threads()))
                .max_blocking_threads(BLOCKING_THREADS)
                .thread_keep_alive(Duration::from_secs(10))
                .thread_name(short(self.name))
                .enable_all()
                .build()
                .map_err(|error| {
                    Error::unavailable(format_args!("cannot start threads for drivers: {error}"))
                })
        });
        runtime.as_ref().map_err(Error::clone)
    }
}

/// A name for threads, of which the system shows 15 letters: all plugins begin alike.
fn short(plugin: &str) -> &str {
    plugin.strip_prefix("jumpstarter_driver_").unwrap_or(plugin)
}
