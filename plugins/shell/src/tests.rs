//! What the Python client expects, and that no process stays behind.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use jumpstarter_driver::test::{Host, Opened, Values};
use jumpstarter_driver::{Code, Error};
use serde_json::{Value, json};

use crate::shell::Shell;

type Item = (String, String, Option<f64>);

fn open(config: Value) -> (Host, Opened) {
    let host = Host::new();
    let shell = host.open::<Shell>(config).unwrap();
    (host, shell)
}

fn script(script: &str) -> (Host, Opened) {
    open(json!({"methods": {"run": script}}))
}

fn start(shell: &Opened, args: &[Value]) -> Values<Item> {
    match args {
        [] => shell.stream("call_method", ("run", ())),
        [env] => shell.stream("call_method", ("run", env)),
        [env, one] => shell.stream("call_method", ("run", env, one)),
        [env, one, two, ..] => shell.stream("call_method", ("run", env, one, two)),
    }
    .unwrap()
}

/// Runs it to its end: all it wrote, and its code.
fn run(shell: &Opened, args: &[Value]) -> (String, String, f64) {
    let (mut stdout, mut stderr, mut code) = (String::new(), String::new(), None);
    for item in start(shell, args) {
        let (out, err, last) = item.unwrap();
        assert_eq!(code, None, "there was an item after the last");
        stdout += &out;
        stderr += &err;
        code = last;
    }
    (stdout, stderr, code.expect("a return code"))
}

fn refusal(shell: &Opened, args: &[Value]) -> Error {
    start(shell, args).next().unwrap().unwrap_err()
}

/// Waits until `ready`, within reason.
fn eventually(what: &str, ready: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the process whose number stands in the file runs.
fn runs(file: &Path) -> bool {
    let number = fs::read_to_string(file).unwrap_or_default();
    let stat = fs::read_to_string(format!("/proc/{}/stat", number.trim()));
    // A zombie has ended.
    !number.is_empty() && stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_short_command_makes_one_item() {
    let (_host, shell) = script("echo \"$0 $1\"; echo oops >&2; exit 3");
    let items: Vec<_> = start(&shell, &[json!(null), json!("hi")])
        .map(Result::unwrap)
        .collect();
    let expected = ("run hi\n".to_owned(), "oops\n".to_owned(), Some(3.0));
    assert_eq!(items, [expected]);
}

#[test]
fn arguments_and_environment_reach_the_script() {
    let (_host, shell) = script("echo \"$1\"\necho \"$2\"\necho $GREETING");
    let env = json!({"GREETING": "ahoj"});
    let (stdout, _, code) = run(&shell, &[env, json!("a  b"), json!("")]);
    assert_eq!((stdout.as_str(), code), ("a  b\n\nahoj\n", 0.0));
}

#[test]
fn output_comes_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let (_host, shell) = script("echo one; until [ -e \"$1\" ]; do sleep 0.02; done; echo two");
    let mut items = start(&shell, &[json!({}), json!(go)]);
    assert_eq!(
        items.next().unwrap().unwrap(),
        ("one\n".into(), String::new(), None)
    );
    fs::write(&go, "").unwrap();
    let rest: String = items.map(|item| item.unwrap().0).collect();
    assert_eq!(rest, "two\n");
}

#[test]
fn a_signal_is_a_negative_code() {
    let (_host, shell) = script("kill -TERM $$");
    assert_eq!(run(&shell, &[]).2, -15.0);
    let (_host, shell) = script("kill -9 $$");
    assert_eq!(run(&shell, &[]).2, -9.0);
}

#[test]
fn the_last_item_comes_without_output_too() {
    let (_host, shell) = script("exit 42");
    let items: Vec<_> = start(&shell, &[]).map(Result::unwrap).collect();
    assert_eq!(items, [(String::new(), String::new(), Some(42.0))]);
}

#[test]
fn there_is_nothing_to_read_from() {
    let (_host, shell) = script("cat; echo done");
    assert_eq!(run(&shell, &[]).0, "done\n");
}

#[test]
fn characters_are_never_cut() {
    let (_host, shell) = script("printf '\\342\\202'; sleep 0.1; printf '\\254 \\377'");
    assert_eq!(run(&shell, &[]).0, "\u{20ac} \u{fffd}");
}

#[test]
fn configured_shell_folder_and_default_command() {
    let config = json!({
        "methods": {"run": {"description": "Says hello"}, "where": "pwd"},
        "shell": ["sh", "-e", "-c"],
        "cwd": "/",
    });
    let (_host, shell) = open(config);
    assert_eq!(run(&shell, &[]).0, "Hello\n");
    let items = shell.stream::<Item>("call_method", ("where", ())).unwrap();
    let stdout: String = items.map(|item| item.unwrap().0).collect();
    assert_eq!(stdout, "/\n");
    assert_eq!(
        shell.call::<Vec<String>>("get_methods", ()).unwrap(),
        ["run", "where"]
    );
    let described = &shell.added()["methods_description"];
    assert_eq!(described, &json!({"run": "Says hello"}));
}

#[test]
fn calls_are_refused_in_order() {
    let config = json!({"methods": {"run": " \n"}, "cwd": "/nowhere"});
    let (_host, shell) = open(config);
    let text = |args: &[Value]| {
        let error = refusal(&shell, args);
        assert_eq!(error.code(), Code::InvalidArgument);
        error.message().to_owned()
    };
    let blocked = json!({"LD_DEBUG": 1});
    assert_eq!(
        text(&[blocked, json!(1)]),
        "Environment variable 'LD_DEBUG' is blocked for security reasons"
    );
    assert_eq!(
        text(&[json!({"a-b": "1"})]),
        "Invalid environment variable name: a-b"
    );
    assert_eq!(
        text(&[json!({"A": 1})]),
        "Environment variable 'A' must be a string, got <class 'float'>"
    );
    assert_eq!(
        text(&[json!([])]),
        "The environment must be an object or null, got <class 'list'>"
    );
    assert_eq!(
        text(&[json!(null), json!(1)]),
        "Shell script must be a non-empty string"
    );
    let items = shell.stream::<Item>("call_method", ("walk", json!({"PATH": ""})));
    let error = items.unwrap().next().unwrap().unwrap_err();
    assert_eq!(
        error.message(),
        "Method 'walk' not found in available methods: ['run']"
    );

    let (_host, shell) = open(json!({"methods": {"run": "true"}, "cwd": "/nowhere"}));
    let error = refusal(&shell, &[json!(null), json!(5)]);
    assert_eq!(
        error.message(),
        "All arguments must be strings, got <class 'float'>"
    );
    let error = refusal(&shell, &[]);
    assert_eq!(
        error.message(),
        "Working directory does not exist: /nowhere"
    );
    let error = refusal(&shell, &[json!(null), json!("a\0b")]);
    assert_eq!(error.code(), Code::InvalidArgument);
    for args in [0, 1] {
        let items = match args {
            0 => shell.stream::<Item>("call_method", ()),
            _ => shell.stream::<Item>("call_method", ("run",)),
        };
        let error = items.unwrap().next().unwrap().unwrap_err();
        assert_eq!(error.code(), Code::Unknown, "{}", error.message());
    }
}

#[test]
fn a_shell_that_is_not_there_is_an_error_of_the_system() {
    let (_host, shell) = open(json!({"methods": {"run": "true"}, "shell": ["no-such-shell"]}));
    let error = refusal(&shell, &[]);
    assert_eq!(error.code(), Code::Internal);
    let text = "[Errno 2] No such file or directory: 'no-such-shell'";
    assert_eq!(error.message(), text);
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let refusal = |config: Value| {
        let error = Host::new().open::<Shell>(config).unwrap_err();
        error.message().to_owned()
    };
    assert_eq!(
        refusal(json!({"methods": {}, "timeout": 0})),
        "timeout: must be a positive number of seconds"
    );
    assert_eq!(
        refusal(json!({"methods": {"a": {"timeout": -1}}})),
        "methods.a.timeout: must be a positive number of seconds"
    );
    assert!(refusal(json!({"methods": {"a": 1}})).contains("expected a script"));
    assert!(refusal(json!({"methods": {"a": {"comand": ""}}})).contains("unknown field `comand`"));
    assert_eq!(refusal(json!({})), "missing field `methods`");
}

#[test]
fn time_runs_out_with_199() {
    let config = json!({"methods": {"run": {"command": "echo a; sleep 60", "timeout": 0.3}}});
    let (host, shell) = open(config);
    let (stdout, stderr, code) = run(&shell, &[json!(null), json!("it's")]);
    assert_eq!((stdout.as_str(), code), ("a\n", 199.0));
    let text = "\nTimeout expired while running run: Command '['bash', '-c', 'echo a; sleep 60', \
                'run', \"it's\"]' timed out after 0.3 seconds\n";
    assert_eq!(stderr, text);
    assert!(
        host.messages()
            .contains(&"Timeout expired while running run".to_owned())
    );
}

/// Notes its number and that of a child, and neither wants to end.
const STUBBORN: &str = "trap '' TERM; echo $$ > $1; (echo $BASHPID > $2; while :; do sleep 1; done) & \
                        while :; do sleep 1; done";

#[test]
fn who_ignores_sigterm_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let config = json!({"methods": {"run": STUBBORN}, "timeout": 0.3});
    let (_host, shell) = open(config);
    let begun = Instant::now();
    let code = run(&shell, &[json!(null), json!(one), json!(two)]).2;
    assert_eq!(code, 199.0);
    assert!(
        begun.elapsed() >= Duration::from_secs(5),
        "SIGKILL came too early"
    );
    assert!(!runs(&one) && !runs(&two));
}

#[test]
fn a_client_that_leaves_takes_the_group_along() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let (_host, shell) = script("echo $$ > $1; sleep 60 & echo $! > $2; wait");
    let items = start(&shell, &[json!(null), json!(one), json!(two)]);
    eventually("it runs", || runs(&one) && runs(&two));
    drop(items);
    eventually("it ends", || !runs(&one) && !runs(&two));
}

#[test]
fn a_session_that_ends_leaves_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let (_host, shell) = script(STUBBORN);
    let _items = start(&shell, &[json!(null), json!(one), json!(two)]);
    eventually("it runs", || runs(&one) && runs(&two));
    let begun = Instant::now();
    shell.close().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(!runs(&one) && !runs(&two));
}

#[test]
fn a_flood_that_nobody_reads_waits() {
    let (_host, shell) = script("echo $$; exec yes");
    let mut items = start(&shell, &[]);
    let mut first = items.next().unwrap().unwrap().0;
    if !first.contains("y\n") {
        first += &items.next().unwrap().unwrap().0;
    }
    let number = first.lines().next().unwrap().to_owned();
    // Its counter of written bytes comes to rest, at what pipe and queues hold.
    let written = || {
        let io = fs::read_to_string(format!("/proc/{number}/io")).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        line.unwrap().parse::<u64>().unwrap()
    };
    eventually("it waits", || {
        let before = written();
        thread::sleep(Duration::from_millis(300));
        written() == before
    });
    let written = written();
    assert!(written < 4 << 20, "{written} bytes went somewhere");
}

#[test]
fn a_flood_that_nobody_reads_keeps_its_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one");
    let (_host, shell) = open(json!({
        "methods": {"run": "echo $$ > $1; exec yes"},
        "timeout": 0.5,
    }));
    let items = start(&shell, &[json!(null), json!(file)]);
    eventually("it runs", || runs(&file));
    eventually("it ends", || !runs(&file));
    let last = items.last().unwrap().unwrap();
    assert_eq!(last.2, Some(199.0));
}

#[test]
fn all_of_a_large_output_arrives() {
    let (_host, shell) = script("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end >&2");
    let (stdout, stderr, code) = run(&shell, &[]);
    assert_eq!(
        (stdout.len(), stderr.as_str(), code),
        (3_000_001, "end\n", 0.0)
    );
}

#[test]
fn what_a_script_leaves_in_the_background_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one");
    let (_host, shell) = script("sleep 20 >/dev/null 2>&1 & echo $! > $1");
    let begun = Instant::now();
    assert_eq!(run(&shell, &[json!(null), json!(file)]).2, 0.0);
    assert!(runs(&file));
    // Whoever moved out of the group may even keep the pipes.
    let (_host, shell) = script("setsid sleep 20 & echo done");
    assert_eq!(run(&shell, &[]), ("done\n".to_owned(), String::new(), 0.0));
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn example_yaml_uses_it() {
    let example = include_str!("../example.yaml");
    assert!(example.contains("jumpstarter_driver_shell.driver.Shell\n"));
}
