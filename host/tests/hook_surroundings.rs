//! What a hook finds around itself, and what it may leave: variables, the file for a greeting, a
//! Python, and a system that has nothing left.
//!
//! What an exporter was started with cannot be changed within a test, so such tests start themselves
//! again as another process.

#![allow(clippy::unwrap_used)]

mod hook_support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use hook_support::{Bench, run};
use jumpstarter_host::config::OnFailure;
use jumpstarter_host::lease::{Ended, When};

/// Says to a test that it is the other process.
const INSIDE: &str = "HOOK_TEST_INSIDE";

/// Runs one test of this file in a process with these variables, and a limit of open files.
fn again(test: &str, variables: &[(&str, &str)]) {
    let mut shell = Command::new("sh");
    let limited = "ulimit -n 80; exec \"$0\" --exact \"$1\" --nocapture";
    shell
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap());
    let variables = variables.iter().copied();
    let output = shell
        .arg(test)
        .env(INSIDE, "1")
        .envs(variables)
        .output()
        .unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}\n{err}"
    );
}

fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[tokio::test]
async fn variables_are_the_exporters_and_the_leases() {
    if !inside() {
        let found = [
            ("PS1", "$ "),
            ("TERM", "xterm"),
            ("CLIENT_NAME", "somebody else"),
            ("JMP_MOTD_FILE", "/tmp/another"),
            ("OF_THE_EXPORTER", "kept"),
        ];
        return again("variables_are_the_exporters_and_the_leases", &found);
    }
    let names = "OF_THE_EXPORTER JUMPSTARTER_HOST JMP_DRIVERS_ALLOW LEASE_NAME CLIENT_NAME TERM \
                 DEBIAN_FRONTEND GIT_TERMINAL_PROMPT PS1";
    let script = format!(
        "import os\nfor name in '{names}'.split(): print(name, os.environ.get(name))\n\
         print('motd', 'JMP_MOTD_FILE' in os.environ, os.environ.get('JMP_MOTD_FILE'))"
    );
    for when in [When::Before, When::After] {
        let bench = Bench::new();
        let mut job = bench.job(&script);
        job.hook.exec = Some("python3".into());
        job.when = when;
        assert_eq!(run(job).await.ended, Ended::Ok);
        let printed = bench.printed();
        let (motd, rest) = printed.split_last().unwrap();
        assert_eq!(
            rest,
            [
                "OF_THE_EXPORTER kept",
                "JUMPSTARTER_HOST /run/none.sock",
                "JMP_DRIVERS_ALLOW UNSAFE",
                "LEASE_NAME lease-1",
                "CLIENT_NAME alice",
                "TERM dumb",
                "DEBIAN_FRONTEND noninteractive",
                "GIT_TERMINAL_PROMPT 0",
                "PS1 None",
            ]
        );
        match when {
            When::Before => assert!(motd.contains("/jmp-motd-"), "{motd}"),
            When::After => assert_eq!(motd, "motd False None"),
        }
    }
}

#[tokio::test]
async fn python_files_are_run_by_the_python_that_was_asked_for() {
    if !inside() {
        let bench = Bench::new();
        let python = bench.file("python", "#!/bin/sh\necho \"another python: $1\"\n");
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        for python in [&*python, "/no/such/python"] {
            let test = "python_files_are_run_by_the_python_that_was_asked_for";
            again(test, &[("JMP_PYTHON", python)]);
        }
        return;
    }
    let bench = Bench::new();
    let file = bench.file("hook.py", "print('the usual python')\n");
    let ended = bench.run(&file).await.ended;
    if std::env::var("JMP_PYTHON").unwrap().starts_with("/no") {
        let text = "Error executing hook: cannot start `/no/such/python`: No such file or directory \
                    (os error 2); set `JMP_PYTHON` to the Python to use";
        assert_eq!(ended, Ended::Failed(text.into()));
    } else {
        assert_eq!(ended, Ended::Ok);
        assert_eq!(bench.printed(), [format!("another python: {file}")]);
    }
}

#[tokio::test]
async fn without_a_terminal_it_is_not_the_hook_that_failed() {
    if !inside() {
        return again("without_a_terminal_it_is_not_the_hook_that_failed", &[]);
    }
    let bench = Bench::new();
    let job = bench.job("echo never");
    let mut open = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    let ran = run(job).await;
    drop(open);
    let why = "Too many open files (os error 24)";
    let text = format!("cannot get a terminal for the hook: {why}");
    assert_eq!(ran.ended, Ended::Unexpected(text.clone()));
    let complaints = bench.complaints();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].starts_with("WARN : the hook cannot leave a message of the day"));
    assert_eq!(complaints[1], format!("ERROR hook.beforeLease: {text}"));
}

#[tokio::test]
async fn many_hooks_leave_nothing_behind_even_where_orphans_are_the_exporters() {
    if !inside() {
        let test = "many_hooks_leave_nothing_behind_even_where_orphans_are_the_exporters";
        return again(test, &[]);
    }
    // As the first process of a container: whoever loses its parent becomes our child.
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let bench = Bench::new();
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    // Their output goes nowhere, so that nobody waits for it.
    let script =
        "(sleep 3600 & timeout 3600 sleep 3600 &) > /dev/null 2>&1 < /dev/null; echo hello";
    let mut found = Vec::new();
    for _ in 0..20 {
        assert_eq!(bench.run(script).await.ended, Ended::Ok);
        found.push((count("fd"), count("task")));
    }
    assert_eq!(found[4..], [found[4]; 16], "{found:?}");
    let any = nix::sys::wait::waitpid(None, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
    assert_eq!(any, Err(nix::errno::Errno::ECHILD));
    assert_eq!(bench.printed(), ["hello"; 20]);
}

#[tokio::test]
async fn a_greeting_is_what_the_hook_has_written_if_the_lease_goes_on() {
    use OnFailure::{EndLease, Exit, Warn};
    for (script, on_failure, expected) in [
        (
            "echo ' hello '; echo ' v1 ' > $JMP_MOTD_FILE; echo v2 >> $JMP_MOTD_FILE",
            Warn,
            Some("v1 \nv2"),
        ),
        ("echo hello", Warn, None),
        ("printf ' \\n' > $JMP_MOTD_FILE", Warn, None),
        ("echo v1 > $JMP_MOTD_FILE; exit 3", Warn, Some("v1")),
        ("echo v1 > $JMP_MOTD_FILE; exit 3", EndLease, None),
        ("echo v1 > $JMP_MOTD_FILE; exit 3", Exit, None),
        ("echo v1 > $JMP_MOTD_FILE; kill -9 $$", Warn, Some("v1")),
        ("rm $JMP_MOTD_FILE", Warn, None),
    ] {
        let bench = Bench::new();
        let mut job = bench.job(&format!("echo $JMP_MOTD_FILE > FOLDER/path; {script}"));
        job.hook.on_failure = on_failure;
        let motd = run(job).await.motd;
        assert_eq!(motd.as_deref(), expected, "{script}");
        let path = fs::read_to_string(bench.path("path")).unwrap();
        assert!(!fs::exists(path.trim()).unwrap(), "{script}");
    }
}

#[tokio::test]
async fn a_greeting_that_is_no_file_is_ignored_without_waiting() {
    for script in [
        "rm $JMP_MOTD_FILE; mkfifo $JMP_MOTD_FILE",
        "ln -sf /dev/zero $JMP_MOTD_FILE",
    ] {
        let bench = Bench::new();
        let script = format!("echo $JMP_MOTD_FILE > FOLDER/path; {script}");
        let ran = bench.run(&script).await;
        assert_eq!((ran.ended, ran.motd), (Ended::Ok, None));
        let complaints = bench.complaints();
        assert_eq!(complaints.len(), 1);
        assert!(
            complaints[0].ends_with("not a regular file"),
            "{complaints:?}"
        );
        let path = fs::read_to_string(bench.path("path")).unwrap();
        assert!(!fs::exists(path.trim()).unwrap(), "{script}");
    }
}

#[tokio::test]
async fn a_greeting_is_short() {
    let bench = Bench::new();
    let ran = bench
        .run("head -c 1000000 /dev/zero | tr '\\0' x > $JMP_MOTD_FILE")
        .await;
    assert_eq!(ran.motd.unwrap().len(), 64 * 1024);
}

#[tokio::test]
async fn a_hook_after_the_lease_has_nobody_to_greet() {
    let bench = Bench::new();
    let mut job = bench.job("echo \"motd: ${JMP_MOTD_FILE-none}\"");
    job.when = When::After;
    let ran = run(job).await;
    assert_eq!((ran.ended, ran.motd), (Ended::Ok, None));
    assert_eq!(bench.printed(), ["motd: none"]);
}
