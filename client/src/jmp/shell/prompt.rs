//! Interactive shells whose prompt says which exporter they use: `~ ⚡direct ➤ `.

use std::ffi::OsStr;
use std::path::Path;

use tokio::process::Command;

/// The user's shell, ready to start.
///
/// A shell we do not know keeps its own prompt. Without `profiles` the user's own files are not read,
/// because they would set another one.
pub(super) fn interactive(shell: &OsStr, context: &str, profiles: bool) -> Command {
    let mut command = Command::new(shell);
    let name = Path::new(shell)
        .file_name()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default();
    if name.ends_with("bash") {
        if !profiles {
            command.args(["--norc", "--noprofile"]);
        }
        command.env(
            "PS1",
            format!(r"\[\e[90m\]\W \[\e[93m\]⚡\[\e[97m\]{context} \[\e[93m\]➤\[\e[0m\] "),
        );
    } else if name == "zsh" {
        if !profiles {
            command.arg("--no-rcs");
        }
        command.args(["-o", "inc_append_history", "-o", "share_history"]);
        command.env(
            "PS1",
            format!("%F{{8}}%1~ %F{{yellow}}⚡%F{{white}}{context} %F{{yellow}}➤%f "),
        );
        if std::env::var_os("HISTFILE").is_none()
            && let Some(home) = std::env::home_dir()
        {
            command.env("HISTFILE", home.join(".zsh_history"));
        }
    } else if name == "fish" {
        command.args(["--init-command", &fish_prompt(context)]);
    }
    command
}

fn fish_prompt(context: &str) -> String {
    let parts = [
        ("grey", "(basename $PWD)' '".to_owned()),
        ("yellow", "'⚡'".to_owned()),
        ("white", format!("'{context} '")),
        ("yellow", "'➤ '".to_owned()),
    ];
    let mut function = "function fish_prompt;".to_owned();
    for (colour, text) in parts {
        function.push_str(&format!(" set_color {colour}; printf '%s' {text};"));
    }
    function + " set_color normal; end"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(shell: &str) -> (Vec<String>, Option<String>) {
        shown(shell, false)
    }

    fn shown(shell: &str, profiles: bool) -> (Vec<String>, Option<String>) {
        let command = interactive(OsStr::new(shell), "direct", profiles);
        let command = command.as_std();
        let args = command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned());
        let ps1 = command.get_envs().find(|(name, _)| *name == "PS1");
        let ps1 = ps1.and_then(|(_, value)| Some(value?.to_string_lossy().into_owned()));
        (args.collect(), ps1)
    }

    #[test]
    fn each_shell_has_its_own_way() {
        let (args, ps1) = prompt("/usr/local/bin/rbash");
        assert_eq!(args, ["--norc", "--noprofile"]);
        let expected = r"\[\e[90m\]\W \[\e[93m\]⚡\[\e[97m\]direct \[\e[93m\]➤\[\e[0m\] ";
        assert_eq!(ps1.as_deref(), Some(expected));

        let (args, ps1) = prompt("zsh");
        assert_eq!(args[0], "--no-rcs");
        let expected = "%F{8}%1~ %F{yellow}⚡%F{white}direct %F{yellow}➤%f ";
        assert_eq!(ps1.as_deref(), Some(expected));

        let (args, ps1) = prompt("/usr/bin/fish");
        assert_eq!(args[0], "--init-command");
        assert!(args[1].contains("'direct '"), "{}", args[1]);
        assert_eq!(ps1, None);

        assert_eq!(prompt("/bin/ksh"), (vec![], None));
    }

    #[test]
    fn profiles_are_read_where_they_are_wanted() {
        assert_eq!(shown("bash", true).0, Vec::<String>::new());
        assert_eq!(shown("zsh", true).0[0], "-o");
    }
}
