//! The two doors of a library that is loaded: how the host comes to its table of functions.
//!
//! The Rust door is tried first, because there the layout of every struct is compared. Nobody above
//! this file knows which door was used.

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{AbiInstabilityErrors, check_layout_compatibility};
use abi_stable::library::{AbiHeaderRef, LibHeader};
use abi_stable::sabi_types::VersionNumber;
use abi_stable::type_layout::{TLFieldOrFunction, TypeLayout};
use jumpstarter_driver_abi::{
    ABI_MAJOR, ABI_MINOR, DriverModuleRef, ENTRY_SYMBOL, EntryFn, Functions, Plugin,
    ROOT_MODULE_NAME,
};
use libloading::os::unix::Library;

const RUST_DOOR: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME;
const C_DOOR: &str = ENTRY_SYMBOL;

/// The symbols that the doors are exported as.
pub(super) const SYMBOLS: [&str; 2] = [RUST_DOOR, C_DOOR];

/// Names of the functions, in their order in the table.
const FUNCTIONS: [&str; 10] = [
    "init",
    "open",
    "close",
    "call",
    "stream_open",
    "stream_next",
    "stream_close",
    "connect",
    "cancel",
    "extension",
];

/// Which door it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Rust,
    C,
}

/// Why nobody comes in.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorError {
    #[error("an abi_stable library of `{0}`, ")]
    Foreign(String),
    #[error("{0}")]
    Refused(String),
}

/// Goes through the first door that the library has.
///
/// # Safety
/// The library stays loaded for ever, and its metadata said that it is a driver plugin: the symbols
/// are what their names promise.
pub(super) unsafe fn enter(library: &Library) -> Result<(Functions, Door), DoorError> {
    // SAFETY: the caller vouches for the symbols.
    unsafe {
        if let Some(functions) = rust_door(library)? {
            return Ok((functions, Door::Rust));
        }
        match c_door(library)? {
            Some(functions) => Ok((functions, Door::C)),
            None => Err(DoorError::Refused(format!(
                "exports neither `{C_DOOR}` nor an abi_stable root module that this jmp can read"
            ))),
        }
    }
}

/// # Safety
/// As for [`enter`].
unsafe fn rust_door(library: &Library) -> Result<Option<Functions>, DoorError> {
    // SAFETY: a symbol of this name is the header of an abi_stable library, and the library is
    // never unloaded.
    let Ok(symbol) = (unsafe { library.get::<AbiHeaderRef>(RUST_DOOR) }) else {
        return Ok(None);
    };
    let header = match (*symbol).upgrade() {
        Ok(header) => header,
        Err(error) => {
            // Built with another abi_stable. The C door does not depend on it.
            tracing::debug!(%error, "the Rust door does not open");
            return Ok(None);
        }
    };
    check_header(header)?;
    // SAFETY: the layout of the module, and of all it refers to, was just compared with ours.
    let module = unsafe { header.unchecked_layout::<DriverModuleRef>() }
        .map_err(|error| DoorError::Refused(one_line(&format!("cannot start: {error}"))))?;
    Ok(Some(module.functions()))
}

fn check_header(header: &'static LibHeader) -> Result<(), DoorError> {
    // The name first: of a library of some other program, everything else is different too.
    let name = header.root_mod_consts().name();
    if name.as_str() != ROOT_MODULE_NAME {
        return Err(DoorError::Foreign(name.as_str().to_owned()));
    }
    let version = header.version_strings();
    let major = VersionNumber::new(version).map(|version| version.major);
    if major.ok() != Some(ABI_MAJOR) {
        return Err(DoorError::Refused(format!(
            "its function table is of driver ABI {version}; this jmp speaks {ABI_MAJOR}.x"
        )));
    }
    let Some(theirs) = header.layout() else {
        return Err(DoorError::Refused(
            "its function table says nothing about its layout".to_owned(),
        ));
    };
    check_layout(<DriverModuleRef as StableAbi>::LAYOUT, theirs)
}

/// `abi_stable` accepts a table that is longer than ours and refuses a shorter one, although a
/// shorter one is the normal case of an older plugin in a newer host: hence the second comparison.
fn check_layout(ours: &'static TypeLayout, theirs: &'static TypeLayout) -> Result<(), DoorError> {
    let Err(errors) = check_layout_compatibility(ours, theirs) else {
        return Ok(());
    };
    if check_layout_compatibility(theirs, ours).is_ok() {
        return Ok(());
    }
    tracing::debug!("{errors}");
    Err(DoorError::Refused(format!(
        "its function table does not match driver ABI {ABI_MAJOR}.{ABI_MINOR} ({}); it was built \
         with a modified jumpstarter-driver-abi",
        first_difference(&errors)
    )))
}

/// The innermost difference of the first of many pages, in one line.
fn first_difference(errors: &AbiInstabilityErrors) -> String {
    let first = errors.errors.iter().find(|error| !error.errs.is_empty());
    let trace = first.map(|error| error.stack_trace.as_slice());
    let trace = trace.unwrap_or_default();
    let of_a_function = trace
        .iter()
        .rev()
        .find_map(|step| match (&step.expected, &step.found) {
            (TLFieldOrFunction::Function(expected), TLFieldOrFunction::Function(found)) => Some(
                format!("{}: expected {expected}, found {found}", expected.name),
            ),
            _ => None,
        });
    let of_a_field = || match (&trace.last()?.expected, &trace.last()?.found) {
        (TLFieldOrFunction::Field(expected), TLFieldOrFunction::Field(found)) => Some(format!(
            "{}: expected {} of {} bytes, found {} of {} bytes",
            expected.name(),
            expected.full_type(),
            expected.layout().size(),
            found.full_type(),
            found.layout().size()
        )),
        _ => None,
    };
    of_a_function
        .or_else(of_a_field)
        .unwrap_or_else(|| "in more than one place".to_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// # Safety
/// As for [`enter`].
unsafe fn c_door(library: &Library) -> Result<Option<Functions>, DoorError> {
    // SAFETY: a symbol of this name is a function of this type.
    let Ok(entry) = (unsafe { library.get::<EntryFn>(C_DOOR) }) else {
        return Ok(None);
    };
    // SAFETY: as above; the entry function has no preconditions.
    let plugin = unsafe { entry() };
    if plugin.is_null() {
        return Err(DoorError::Refused(
            "says that it cannot be used in this process".to_owned(),
        ));
    }
    // SAFETY: the fields before the functions are the same in every version of the table, and it
    // lives for ever.
    let (size, major) = unsafe { ((*plugin).size, (*plugin).abi_major) };
    if major != ABI_MAJOR {
        return Err(DoorError::Refused(format!(
            "its function table is of driver ABI {major}; this jmp speaks {ABI_MAJOR}.x"
        )));
    }
    if size < size_of::<Plugin>() {
        return Err(DoorError::Refused(format!(
            "its function table has {size} bytes and needs {}",
            size_of::<Plugin>()
        )));
    }
    // SAFETY: the table is as long as ours. It is looked at as plain words first, because C may
    // leave a function out and a null function pointer must not exist in Rust.
    let words = unsafe {
        (&raw const (*plugin).functions)
            .cast::<[usize; FUNCTIONS.len()]>()
            .read()
    };
    if let Some(missing) = words.iter().position(|word| *word == 0) {
        return Err(DoorError::Refused(format!(
            "its function table lacks `{}`",
            FUNCTIONS[missing]
        )));
    }
    // SAFETY: as above, and no pointer is null.
    Ok(Some(unsafe { (*plugin).functions }))
}

const _: () = assert!(size_of::<Functions>() == size_of::<[usize; FUNCTIONS.len()]>());

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A table of some version of an imaginary boundary.
    macro_rules! version {
        ($name:ident { $($(#[$mark:meta])* $field:ident: $type:ty,)+ }) => {
            #[allow(dead_code, unreachable_pub)]
            mod $name {
                use abi_stable::StableAbi;

                #[repr(C)]
                #[derive(StableAbi)]
                #[sabi(kind(Prefix(prefix_ref = ModuleRef, prefix_fields = ModulePrefix)))]
                #[sabi(missing_field(panic))]
                #[allow(dead_code, unreachable_pub, missing_debug_implementations)]
                pub struct Module { $($(#[$mark])* pub $field: $type,)+ }
            }
        };
    }

    version!(short { #[sabi(last_prefix_field)] init: extern "C" fn(host: u64) -> i32, });
    version!(long {
        #[sabi(last_prefix_field)]
        init: extern "C" fn(host: u64) -> i32,
        stats: extern "C" fn() -> u64,
    });
    version!(changed { #[sabi(last_prefix_field)] init: extern "C" fn(host: u64, extra: u64) -> i32, });

    fn layout<T: StableAbi>() -> &'static TypeLayout {
        T::LAYOUT
    }

    #[test]
    fn a_table_may_be_longer_or_shorter_than_ours() {
        let (short, long) = (layout::<short::ModuleRef>(), layout::<long::ModuleRef>());
        check_layout(short, short).unwrap();
        check_layout(short, long).unwrap();
        assert!(
            check_layout_compatibility(long, short).is_err(),
            "why there is a second look"
        );
        check_layout(long, short).unwrap();
    }

    #[test]
    fn a_changed_function_is_refused_in_one_line() {
        let error = check_layout(layout::<short::ModuleRef>(), layout::<changed::ModuleRef>());
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("its function table does not match driver ABI 1.0 ("),
            "{text}"
        );
        assert!(
            text.ends_with("); it was built with a modified jumpstarter-driver-abi"),
            "{text}"
        );
        assert!(text.contains("init"), "{text}");
        assert!(!text.contains('\n') && text.len() < 400, "{text}");
    }
}
