//! What a hook finds around itself: everything that the exporter has, and this.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, iter};

use super::Job;

/// A variable and its value, or that it is not to be there.
pub(super) type Variable = (&'static str, Option<OsString>);

/// Where the hook may leave a greeting.
const MOTD: &str = "JMP_MOTD_FILE";

/// What differs from the exporter's own environment.
pub(super) fn variables(job: &Job, motd: Option<&Path>) -> [Variable; 10] {
    [
        // `j` finds the exporter and trusts whatever drivers it has: they are the hook's own bench.
        ("JUMPSTARTER_HOST", Some(job.socket.clone().into())),
        ("JMP_DRIVERS_ALLOW", Some("UNSAFE".into())),
        ("LEASE_NAME", Some((&job.lease).into())),
        ("CLIENT_NAME", Some((&job.client).into())),
        // Nobody is there to answer questions or to look at colours.
        ("TERM", Some("dumb".into())),
        ("DEBIAN_FRONTEND", Some("noninteractive".into())),
        ("GIT_TERMINAL_PROMPT", Some("0".into())),
        ("PS1", None),
        // Also one that the exporter was started with: that file is somebody else's.
        (MOTD, motd.map(Into::into)),
        (
            "PATH",
            search_path(env::var_os("PATH"), our_folder().as_deref()),
        ),
    ]
}

/// Where our own program is, and beside it `j`, unless somebody has put it elsewhere.
fn our_folder() -> Option<PathBuf> {
    let folder = env::current_exe().ok()?.parent()?.to_owned();
    folder.join("j").is_file().then_some(folder)
}

/// Programs are looked for in this folder last: what the exporter was started with wins.
fn search_path(found: Option<OsString>, last: Option<&Path>) -> Option<OsString> {
    let Some(last) = last else {
        return found;
    };
    let found_in = found.iter().flat_map(env::split_paths);
    // A folder with a colon in its name cannot be in a search path.
    match env::join_paths(found_in.chain(iter::once(last.to_owned()))) {
        Ok(joined) => Some(joined),
        Err(_) => found,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Job;
    use super::{search_path, variables};
    use crate::config::{Hook, OnFailure};
    use crate::lease::When;

    #[test]
    fn a_hook_knows_its_lease_and_how_to_reach_the_exporter() {
        let job = Job {
            hook: Hook {
                script: "env".into(),
                exec: None,
                timeout: Hook::TIMEOUT,
                on_failure: OnFailure::Warn,
            },
            when: When::Before,
            lease: "lease-1".into(),
            client: String::new(),
            socket: "/run/hook.sock".into(),
        };
        let shown = |motd: Option<&Path>| {
            variables(&job, motd).map(|(name, value)| match value {
                Some(value) => format!("{name}={}", value.display()),
                None => format!("no {name}"),
            })
        };
        assert_eq!(
            shown(Some(Path::new("/tmp/m")))[..9],
            [
                "JUMPSTARTER_HOST=/run/hook.sock",
                "JMP_DRIVERS_ALLOW=UNSAFE",
                "LEASE_NAME=lease-1",
                "CLIENT_NAME=",
                "TERM=dumb",
                "DEBIAN_FRONTEND=noninteractive",
                "GIT_TERMINAL_PROMPT=0",
                "no PS1",
                "JMP_MOTD_FILE=/tmp/m",
            ]
        );
        assert_eq!(shown(None)[8], "no JMP_MOTD_FILE");
    }

    #[test]
    fn programs_beside_ours_are_found_last() {
        let found = |path: Option<&str>, last: Option<&str>| {
            let joined = search_path(path.map(Into::into), last.map(Path::new));
            joined.map(|joined| joined.into_string().unwrap_or_default())
        };
        let (bin, ours) = (Some("/usr/bin:/bin"), Some("/opt/jmp"));
        assert_eq!(found(bin, ours).as_deref(), Some("/usr/bin:/bin:/opt/jmp"));
        assert_eq!(found(bin, None).as_deref(), bin);
        assert_eq!(found(bin, Some("/a:b")).as_deref(), bin);
        assert_eq!(found(None, ours).as_deref(), ours);
        assert_eq!(found(None, None), None);
    }
}
