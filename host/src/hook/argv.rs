//! Which command a hook is.
//!
//! | `exec` | the script is        | command                             |
//! |--------|----------------------|-------------------------------------|
//! | no     | text                 | `/bin/sh -c TEXT`                   |
//! | yes    | text                 | `EXEC -c TEXT`                      |
//! | no     | a file `*.py`        | `python3 FILE`, or `$JMP_PYTHON FILE` |
//! | no     | any other file       | `/bin/sh FILE`                      |
//! | yes    | a file               | `EXEC FILE`                         |
//!
//! A file's first line and its x-bit do not matter.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::config::Hook;

const SHELL: &str = "/bin/sh";
const PYTHON: &str = "python3";
/// Names another Python, for example the one of the environment that has the `jumpstarter` package.
pub(super) const JMP_PYTHON: &str = "JMP_PYTHON";

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argv {
    pub(super) program: OsString,
    pub(super) args: Vec<String>,
    /// The program is [`JMP_PYTHON`]'s business.
    pub(super) python: bool,
}

// === impl Argv ===

impl Argv {
    /// None if there is nothing to run.
    pub(super) fn of(hook: &Hook) -> Option<Self> {
        let python = std::env::var_os(JMP_PYTHON).filter(|name| !name.is_empty());
        Self::choose(hook, python, |path| path.is_file())
    }

    fn choose(
        hook: &Hook,
        python: Option<OsString>,
        is_file: impl Fn(&Path) -> bool,
    ) -> Option<Self> {
        let text = hook.script.trim();
        if text.is_empty() {
            return None;
        }
        let exec = hook.exec.as_deref().map(OsStr::new);
        if text.contains('\n') || !is_file(Path::new(text)) {
            return Some(Self {
                program: exec.unwrap_or(SHELL.as_ref()).to_owned(),
                args: vec!["-c".into(), hook.script.clone()],
                python: false,
            });
        }
        let suffix = Path::new(text).extension();
        let is_python = suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("py"));
        let program = match exec {
            Some(exec) => exec.to_owned(),
            None if is_python => python.unwrap_or_else(|| PYTHON.into()),
            None => SHELL.into(),
        };
        Some(Self {
            program,
            args: vec![text.to_owned()],
            python: exec.is_none() && is_python,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::Argv;
    use crate::config::{Hook, OnFailure};

    fn choose(script: &str, exec: Option<&str>, python: Option<&str>) -> Option<String> {
        let hook = Hook {
            script: script.into(),
            exec: exec.map(Into::into),
            timeout: 1,
            on_failure: OnFailure::Warn,
        };
        let is_file = |path: &Path| path.starts_with("/opt") || path == Path::new("on.sh");
        let argv = Argv::choose(&hook, python.map(Into::into), is_file)?;
        let program = argv.program.into_string().unwrap();
        Some([vec![program], argv.args].concat().join("|"))
    }

    #[test]
    fn blank_scripts_run_nothing() {
        for script in ["", " ", "\n\t \n"] {
            assert_eq!(choose(script, None, None), None);
            assert_eq!(choose(script, Some("bash"), None), None);
        }
    }

    #[test]
    fn text_goes_to_the_shell_or_to_exec_as_it_is() {
        let argv = choose(" echo 1\n", None, None).unwrap();
        assert_eq!(argv, "/bin/sh|-c| echo 1\n");
        let argv = choose("print(1)", Some("python3"), Some("/ignored")).unwrap();
        assert_eq!(argv, "python3|-c|print(1)");
        // Two words are the name of a program with a blank in it, not a program and an option.
        let argv = choose("x", Some("/bin/bash -e"), None).unwrap();
        assert_eq!(argv, "/bin/bash -e|-c|x");
        // A path that is not there is text.
        let argv = choose("/missing.py", None, None).unwrap();
        assert_eq!(argv, "/bin/sh|-c|/missing.py");
        let argv = choose("/opt/a\n/opt/b", None, None).unwrap();
        assert_eq!(argv, "/bin/sh|-c|/opt/a\n/opt/b");
    }

    #[test]
    fn files_go_to_what_their_name_asks_for() {
        for (script, exec, python, expected) in [
            ("/opt/a.sh", None, None, "/bin/sh|/opt/a.sh"),
            ("  /opt/a b \n", None, None, "/bin/sh|/opt/a b"),
            ("on.sh", None, None, "/bin/sh|on.sh"),
            ("/opt/a.py", None, None, "python3|/opt/a.py"),
            ("/opt/a.PY", None, Some("/venv/py"), "/venv/py|/opt/a.PY"),
            ("/opt/py", None, Some("/venv/py"), "/bin/sh|/opt/py"),
            ("/opt/a.py", Some("bash"), Some("p"), "bash|/opt/a.py"),
        ] {
            assert_eq!(choose(script, exec, python).unwrap(), expected);
        }
    }
}
