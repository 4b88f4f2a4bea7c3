//! Environment variables that a caller must not set.
//!
//! A script is what the lab's owner wrote; these variables would make other code of it: another
//! program of the same name, another library in the same program, another start-up file.

const NAMES: [&str; 7] = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "BASH_ENV",
    "KUBECONFIG",
    "HOME",
];

const PREFIXES: [&str; 2] = ["LD_", "BASH_FUNC_"];

/// Whether a variable changes what a script means.
pub(crate) fn is_blocked(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether it is a name at all: a letter or an underscore, then the same or digits.
pub(crate) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next();
    first.is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{is_blocked, is_name};

    #[test]
    fn what_loads_other_code_is_blocked() {
        for name in [
            "PATH",
            "HOME",
            "LD_AUDIT",
            "LD_",
            "BASH_FUNC_ls%%",
            "BASH_ENV",
        ] {
            assert!(is_blocked(name), "{name}");
        }
        for name in ["PATHS", "LDFLAGS", "path", "BASH_VERSION", "XLD_PRELOAD"] {
            assert!(!is_blocked(name), "{name}");
        }
    }

    #[test]
    fn names_are_identifiers() {
        for name in ["A", "_", "a1", "größe"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "a-b", "a b", "a=b", "a\0"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
