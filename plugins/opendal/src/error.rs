//! What clients are told when a storage fails: OpenDAL's words, without its backtraces.

use std::io;

use jumpstarter_driver::Error;
use opendal::raw::new_std_io_error;
use opendal::{Error as StorageError, ErrorKind};

/// Passes on what OpenDAL says.
pub(crate) fn told(error: &StorageError) -> Error {
    // `Debug` is the form that clients know, with the context on lines of its own. It may have a
    // backtrace at its end, if the exporter runs with RUST_BACKTRACE.
    let text = format!("{error:?}");
    let text = text.split("\nBacktrace:\n").next().unwrap_or(&text);
    Error::unknown(text.trim_end())
}

/// The same about a path of a directory, as OpenDAL would put it.
pub(crate) fn refused(
    operation: &'static str,
    kind: ErrorKind,
    text: &str,
    paths: &[(&'static str, &str)],
) -> Error {
    told(&in_context(StorageError::new(kind, text), operation, paths))
}

/// What the system says about a path of a directory, as OpenDAL would put it.
pub(crate) fn failed(
    operation: &'static str,
    error: io::Error,
    paths: &[(&'static str, &str)],
) -> Error {
    told(&in_context(new_std_io_error(error), operation, paths))
}

fn in_context(
    error: StorageError,
    operation: &'static str,
    paths: &[(&'static str, &str)],
) -> StorageError {
    let error = error
        .with_operation(operation)
        .with_context("service", "fs");
    paths
        .iter()
        .fold(error, |error, (key, path)| error.with_context(key, *path))
}

#[cfg(test)]
mod tests {
    use super::{StorageError, told};
    use jumpstarter_driver::Code;
    use opendal::ErrorKind;
    use std::io;

    #[test]
    fn the_text_is_the_one_clients_know() {
        let error = super::failed(
            "stat",
            io::Error::from_raw_os_error(2),
            &[("path", "missing")],
        );
        assert_eq!(error.code(), Code::Unknown);
        assert_eq!(
            error.message(),
            "NotFound (permanent) at stat => entity not found\n\n\
             Context:\n   service: fs\n   path: missing\n\n\
             Source:\n   No such file or directory (os error 2)"
        );
    }

    #[test]
    fn what_looks_like_a_backtrace_is_cut_off() {
        let cause = io::Error::other("cause\n\nBacktrace:\n   0: main");
        let error = told(&StorageError::new(ErrorKind::Unexpected, "broken").set_source(cause));
        assert!(error.message().ends_with("cause"), "{error:?}");
    }
}
