//! The host's side of the boundary: what a plugin is given at `init`.
//!
//! Every function here is called by foreign code, from foreign threads, at any time. It checks what
//! it is given, does not block, and lets no panic out.

mod done;
mod log;
mod resource;
mod session;
mod tree;

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};

use jumpstarter_driver_abi::{ABI_MAJOR, ABI_MINOR, Host, Slice, ext};

use done::Done;

/// Names and versions of the plugins that were given a table. A table's `ctx` is a place in here.
static PLUGINS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// A table for a plugin. It lives for ever, as the plugin does.
pub(super) fn table(plugin: &str, worker_threads: u32) -> &'static Host {
    let mut plugins = PLUGINS.write().unwrap_or_else(PoisonError::into_inner);
    let ctx = plugins.len() as u64;
    plugins.push(plugin.to_owned());
    Box::leak(Box::new(Host {
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        worker_threads,
        reserved0: 0,
        ctx,
        log: log::plain,
        extension,
        reserved: [0; 4],
    }))
}

/// Lets go of everything that a driver has asked for.
pub(super) fn forget(node: u64) {
    tree::forget(node);
    resource::forget(node);
}

/// The plugin that a `ctx` was given to.
fn plugin(ctx: u64) -> String {
    let plugins = PLUGINS.read().unwrap_or_else(PoisonError::into_inner);
    let name = usize::try_from(ctx).ok().and_then(|at| plugins.get(at));
    name.map_or_else(|| "?".to_owned(), Clone::clone)
}

unsafe extern "C" fn extension(_ctx: u64, id: Slice) -> *const c_void {
    // SAFETY: the plugin's promise for every slice that it passes.
    let id = unsafe { id.as_bytes() };
    match std::str::from_utf8(id) {
        Ok(ext::LOG) => (&raw const log::TABLE).cast(),
        Ok(ext::TREE) => (&raw const tree::TABLE).cast(),
        Ok(ext::SESSION) => (&raw const session::TABLE).cast(),
        Ok(ext::RESOURCE) => (&raw const resource::SIMPLE).cast(),
        Ok(ext::TRANSFER) => (&raw const resource::TABLE).cast(),
        _ => std::ptr::null(),
    }
}

/// Keeps a panic of ours from unwinding into foreign code, where it would end the process.
fn guarded<T>(what: &str, function: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(function))
        .inspect_err(|_| tracing::error!("the host panicked in `{what}`, asked for by a plugin"))
        .ok()
}
