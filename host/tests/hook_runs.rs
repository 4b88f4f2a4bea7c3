//! Hooks that come to an end by themselves: what is run, what is heard of it, and how it ended.

#![allow(clippy::unwrap_used)]

mod hook_support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use hook_support::{Bench, failed, lives, run, wait_for};
use jumpstarter_host::config::OnFailure;
use jumpstarter_host::lease::{Ended, When};

#[tokio::test]
async fn an_empty_script_succeeds_and_nothing_is_run() {
    for script in ["", " \n\t\n"] {
        let bench = Bench::new();
        let ran = bench.run(script).await;
        assert_eq!((ran.ended, ran.motd), (Ended::Ok, None));
        assert_eq!(bench.said(), []);
    }
}

#[tokio::test]
async fn lines_are_heard_in_order_while_the_hook_runs() {
    let bench = Bench::new();
    let pause = wait_for("go");
    let job = bench.job(&format!(
        "echo one\nprintf 'ha'\n{pause}\necho lf\n\necho three >&2"
    ));
    let running = tokio::spawn(run(job));
    // Had it come only at the end, this would wait for ever: the script waits for us.
    bench.hears("one").await;
    assert_eq!(bench.printed(), ["one"]);
    bench.touch("go");
    assert_eq!(running.await.unwrap().ended, Ended::Ok);
    assert_eq!(bench.printed(), ["one", "half", "three"]);
}

#[tokio::test]
async fn blank_lines_are_dropped_and_the_last_line_needs_no_end() {
    let bench = Bench::new();
    let script = "echo; echo '   '; printf '  a\\tb \\t\\r\\n'; printf last";
    assert_eq!(bench.run(script).await.ended, Ended::Ok);
    assert_eq!(bench.printed(), ["  a\tb", "last"]);
}

#[tokio::test]
async fn what_is_not_utf_8_is_replaced() {
    let bench = Bench::new();
    let script = r"printf 'gr\374n \360\237\n\303\244\n\377\376'";
    assert_eq!(bench.run(script).await.ended, Ended::Ok);
    let expected = ["gr\u{fffd}n \u{fffd}", "ä", "\u{fffd}\u{fffd}"];
    assert_eq!(bench.printed(), expected);
}

#[tokio::test]
async fn only_the_script_and_two_plain_lines_are_heard_at_info() {
    for (when, side, logger) in [
        (When::Before, "before", "hook.beforeLease"),
        (When::After, "after", "hook.afterLease"),
    ] {
        let bench = Bench::new();
        let mut job = bench.job("echo hello; sleep 0.01 &");
        job.when = when;
        assert_eq!(run(job).await.ended, Ended::Ok);
        let said = bench.said().into_iter();
        let heard = said
            .filter(|said| said.level != "DEBUG")
            .map(|said| said.to_string());
        assert_eq!(
            heard.collect::<Vec<_>>(),
            [
                format!("INFO : Executing {side}-lease hook for lease lease-1"),
                format!("INFO {logger}: hello"),
                format!("INFO : {side}Lease hook completed successfully"),
            ]
        );
    }
}

#[tokio::test]
async fn a_failure_says_its_code_and_what_follows_from_it() {
    for (on_failure, complaint) in [
        (
            OnFailure::Warn,
            "WARN hook.afterLease: {} (on_failure=warn, continuing)",
        ),
        (
            OnFailure::EndLease,
            "ERROR hook.afterLease: {} (on_failure=endLease, raising exception)",
        ),
        (
            OnFailure::Exit,
            "ERROR hook.afterLease: {} (on_failure=exit, raising exception)",
        ),
    ] {
        for (script, text) in [
            ("exit 1", "Hook failed with exit code 1"),
            ("kill -KILL $$", "Hook failed with exit code -9"),
            ("kill -TERM $$", "Hook failed with exit code -15"),
            ("no-such-command-here", "Hook failed with exit code 127"),
        ] {
            let bench = Bench::new();
            let mut job = bench.job(script);
            job.when = When::After;
            job.hook.on_failure = on_failure;
            assert_eq!(run(job).await.ended, failed(text));
            assert_eq!(bench.complaints(), [complaint.replace("{}", text)]);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_started_fails_as_any_hook_does() {
    let bench = Bench::new();
    let plain = bench.file("plain", "#!/bin/sh\n");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    for (exec, why) in [
        ("/no/such/shell", "No such file or directory (os error 2)"),
        (
            "no-such-shell-here",
            "No such file or directory (os error 2)",
        ),
        (&*plain, "Permission denied (os error 13)"),
        ("/", "Permission denied (os error 13)"),
        ("", "No such file or directory (os error 2)"),
        (
            "/bin/bash -e",
            "No such file or directory (os error 2); `exec` is one program without options",
        ),
    ] {
        let bench = Bench::new();
        let mut job = bench.job("echo never");
        job.hook.exec = Some(exec.into());
        let text = format!("Error executing hook: cannot start `{exec}`: {why}");
        assert_eq!(run(job).await.ended, failed(&text));
        let warning = format!("WARN hook.beforeLease: {text} (on_failure=warn, continuing)");
        assert_eq!(bench.complaints(), [warning]);
    }
    let ended = bench.run("echo \0").await.ended;
    assert!(matches!(ended, Ended::Failed(text) if text.contains("nul byte")));
    let ended = bench.run(&format!("# {}", "x".repeat(200_000))).await.ended;
    let text = "Error executing hook: cannot start `/bin/sh`: Argument list too long (os error 7)";
    assert_eq!(ended, failed(text));
}

#[tokio::test]
async fn exec_runs_text_in_its_own_language() {
    let bench = Bench::new();
    for (exec, script) in [
        ("/bin/bash", "words=(one two); echo \"bash ${words[1]}\""),
        ("python3", "import sys\nprint('python', len(sys.argv))"),
    ] {
        let mut job = bench.job(script);
        job.hook.exec = Some(exec.into());
        assert_eq!(run(job).await.ended, Ended::Ok);
    }
    assert_eq!(bench.printed(), ["bash two", "python 1"]);
}

#[tokio::test]
async fn files_are_run_by_what_their_name_or_exec_says() {
    let bench = Bench::new();
    // Neither may be executed, and the first line of the first one lies.
    let shell = bench.file("hook.sh", "#!/usr/bin/python3\nset -e\necho \"sh $0\"\n");
    let python = bench.file("a hook.py", "import sys\nprint('python', sys.argv[0])\n");
    let bash = bench.file("other.py", "[[ a == a ]] && echo \"bash $0\"\n");
    for (script, exec) in [
        (format!(" {shell}\n"), None),
        (python.clone(), None),
        (bash.clone(), Some("bash")),
    ] {
        let mut job = bench.job(&script);
        job.hook.exec = exec.map(Into::into);
        assert_eq!(run(job).await.ended, Ended::Ok, "{:?}", bench.said());
    }
    let expected = [
        format!("sh {shell}"),
        format!("python {python}"),
        format!("bash {bash}"),
    ];
    assert_eq!(bench.printed(), expected);
}

#[tokio::test]
async fn a_hook_has_a_terminal_that_does_not_control_it_and_a_session_of_its_own() {
    let bench = Bench::new();
    let script = "
        for fd in 0 1 2; do test -t $fd || echo \"$fd is no terminal\"; done
        (: < /dev/tty) 2>/dev/null && echo 'there is a controlling terminal'
        stty size
        test \"$(ps -o sid= -p $$ | tr -d ' ')\" = $$ && echo leader
        ps -o tty= -p $$
    ";
    assert_eq!(bench.run(script).await.ended, Ended::Ok);
    assert_eq!(bench.printed(), ["0 0", "leader", "?"]);
}

#[tokio::test]
async fn a_hook_gets_no_descriptor_that_somebody_forgot_to_close() {
    let bench = Bench::new();
    let device = File::create(bench.path("device")).unwrap();
    // The way a plugin in C would open it: every new program inherits it.
    let forgotten = nix::unistd::dup(&device).unwrap();
    let inherited = std::process::Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .output();
    let inherited = String::from_utf8(inherited.unwrap().stdout).unwrap();
    assert!(inherited.contains("/device"), "{inherited}");
    assert_eq!(bench.run("ls -l /proc/self/fd").await.ended, Ended::Ok);
    let printed = bench.printed().join("\n");
    assert!(
        printed.contains("/dev/pts/") && !printed.contains("/device"),
        "{printed}"
    );
    drop(forgotten);
}

#[tokio::test]
async fn what_a_hook_leaves_in_the_background_ends_with_it() {
    let bench = Bench::new();
    // Quiet, deaf, chatty, out of its group, and out of its group by a shell with job control.
    let script = "
        sleep 3600 & echo $! > FOLDER/a
        (trap '' TERM HUP; while :; do sleep 3600; done) > /dev/null 2>&1 & echo $! > FOLDER/b
        yes & echo $! > FOLDER/c
        timeout 3600 sleep 3600 & echo $! > FOLDER/d
        bash -c 'set -m; sleep 3600 > /dev/null 2>&1 & echo $! > FOLDER/e'
        echo done
    ";
    let ran = bench.run(script).await;
    assert_eq!(ran.ended, Ended::Ok);
    assert!(bench.printed().contains(&"done".into()));
    for name in ["a", "b", "c", "d", "e"] {
        assert!(!lives(bench.process(name)), "{name}");
    }
    assert_eq!(bench.complaints(), [""; 0]);
}

#[tokio::test]
async fn what_has_left_the_session_stays_but_is_not_waited_for() {
    let bench = Bench::new();
    let script = "setsid sh -c 'echo $$ > FOLDER/daemon; exec sleep 3600' & 
        while ! [ -s FOLDER/daemon ]; do sleep 0.01; done; echo started";
    assert_eq!(bench.run(script).await.ended, Ended::Ok);
    assert_eq!(bench.printed(), ["started"]);
    let daemon = bench.process("daemon");
    assert!(lives(daemon));
    let daemon = nix::unistd::Pid::from_raw(daemon);
    nix::sys::signal::kill(daemon, nix::sys::signal::Signal::SIGKILL).unwrap();
}
