//! Opens a library, together with the libraries that its vendor put beside it.
//!
//! The linker looks for what a plugin needs on the system, and relative to the plugin; but what is
//! opened is a private copy, far from the original. So when a library is missing, the one of that
//! name beside the original is distrusted, copied and opened the same way first: the linker then
//! finds it by its name among the libraries that are there.

use std::collections::HashSet;
use std::error::Error;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::error::PluginError;
use super::library::Request;
use super::{elf, trust};

const MISSING: &str = ": cannot open shared object file: No such file or directory";

/// Opens the plugin of a request.
pub(super) fn open(request: &Request<'_>) -> Result<Library, PluginError> {
    open_at(request, &request.copy.path, &mut HashSet::new())
}

fn open_at(
    request: &Request<'_>,
    path: &Path,
    tried: &mut HashSet<String>,
) -> Result<Library, PluginError> {
    loop {
        let text = match link(path) {
            Ok(library) => return Ok(library),
            Err(text) => text,
        };
        let Some(missing) = text.strip_suffix(MISSING) else {
            return Err(request.refused(explain(&text, path)));
        };
        let beside = beside(request.path, missing).filter(|_| tried.insert(missing.to_owned()));
        match beside {
            Some(beside) => load(request, &beside, tried)?,
            None => {
                return Err(PluginError::Dependency {
                    plugin: request.metadata.title(),
                    library: missing.to_owned(),
                });
            }
        }
    }
}

/// The file of that name in the folder of the plugin.
fn beside(plugin: &Path, name: &str) -> Option<PathBuf> {
    let path = plugin.parent()?.join(name);
    (!name.contains('/') && path.exists()).then_some(path)
}

fn load(
    request: &Request<'_>,
    path: &Path,
    tried: &mut HashSet<String>,
) -> Result<(), PluginError> {
    let failed = |reason: String| request.refused(format!("{}: {reason}", path.display()));
    let path = path
        .canonicalize()
        .map_err(|error| failed(error.to_string()))?;
    let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
    if !request.options.insecure_plugins {
        trust::check(&path, &metadata)?;
    }
    elf::read(&file).map_err(|error| failed(error.to_string()))?;
    let copy = request
        .store
        .keep(&file)
        .map_err(|error| failed(error.to_string()))?;
    tracing::info!(path = %path.display(), "loading a library beside the plugin");
    // Never unloaded, like the plugin that needs it.
    let _stays = ManuallyDrop::new(open_at(request, &copy.path, tried)?);
    Ok(())
}

/// Resolves all symbols now: with lazy binding, one that is missing would end the process at its
/// first use.
fn link(path: &Path) -> Result<Library, String> {
    // SAFETY: loading runs the constructors of the library. It is a plugin that the configuration
    // asks for, from a place that only its owner and root can write.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        let text = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        let own = format!("{}: ", path.display());
        text.strip_prefix(&own).unwrap_or(&text).to_owned()
    })
}

/// The linker's words, and what to do where that is known.
fn explain(text: &str, copy: &Path) -> String {
    if text.starts_with("undefined symbol") {
        return format!("{text}; it was linked without a library that it needs");
    }
    if text.starts_with("failed to map segment") {
        let folder = copy.parent().unwrap_or(copy);
        return format!(
            "{text}; is {} on a file system mounted noexec?",
            folder.display()
        );
    }
    text.to_owned()
}
