//! `jmp shell --exporter-config`, with a script in the place of `jmp-exporter`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use program::{Outcome, Program};

/// Says that it is ready, runs until its stdin ends, and leaves a note about it.
const FAITHFUL: &str = r#"
echo "$@" > started
echo '{"socket": "/run/here/socket", "motd": "mind the cable", "name": "x"}'
cat > /dev/null
echo done > stopped"#;

/// A folder with `jmp`, `j` and this as the exporter.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(exporter: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder };
        for (name, built) in [
            ("jmp", env!("CARGO_BIN_EXE_jmp")),
            ("j", env!("CARGO_BIN_EXE_j")),
        ] {
            if fs::hard_link(built, desk.path(name)).is_err() {
                fs::copy(built, desk.path(name)).unwrap();
            }
        }
        let script = desk.path("jmp-exporter");
        fs::write(&script, format!("#!/bin/sh\n{exporter}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(desk.path("lab.yaml"), "").unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn jmp(&self) -> Program {
        Program::new(self.path("jmp")).inside(self.folder.path())
    }

    async fn shell(&self, command: &str) -> Outcome {
        self.jmp()
            .words("shell --exporter-config lab.yaml -- sh -c")
            .arg(command)
            .run()
            .await
    }
}

#[tokio::test]
async fn the_exporter_lives_as_long_as_the_command() {
    let desk = Desk::new(FAITHFUL);
    let outcome = desk
        .shell("echo $JUMPSTARTER_HOST; cat stopped; exit 7")
        .await;
    outcome.fails(7).prints("/run/here/socket\n");
    assert_eq!(desk.read("stopped"), "done\n");
    let words = "--log-level WARNING --log-format text local --exporter-config lab.yaml\n";
    assert_eq!(desk.read("started"), words);
}

#[tokio::test]
async fn the_log_can_be_asked_for() {
    let desk = Desk::new(FAITHFUL);
    for (options, expected) in [
        (
            "shell --exporter-logs",
            "--log-level INFO --log-format text ",
        ),
        (
            "--log-level DEBUG shell",
            "--log-level DEBUG --log-format text ",
        ),
        (
            "--log-format json shell",
            "--log-level WARNING --log-format json ",
        ),
    ] {
        let words = format!("{options} --exporter-config lab.yaml -- true");
        desk.jmp().words(&words).run().await.succeeds();
        assert!(desk.read("started").starts_with(expected), "{options}");
    }
}

#[tokio::test]
async fn the_child_is_told_where_and_nothing_about_a_lease() {
    let desk = Desk::new(FAITHFUL);
    let outcome = desk.shell("env").await;
    let variables: Vec<&str> = outcome.succeeds().stdout.lines().collect();
    for variable in [
        "JUMPSTARTER_HOST=/run/here/socket",
        "JMP_DRIVERS_ALLOW=UNSAFE",
        "_JMP_SUPPRESS_DRIVER_WARNINGS=1",
    ] {
        assert!(variables.contains(&variable), "{variable}: {outcome:?}");
    }
    assert!(!outcome.stdout.contains("JMP_LEASE"), "{outcome:?}");
    assert!(!outcome.stdout.contains("JMP_EXPORTER"), "{outcome:?}");
    // A command is no person.
    assert!(!outcome.stdout.contains("mind the cable"), "{outcome:?}");
}

#[tokio::test]
async fn j_is_found_where_jmp_is() {
    let desk = Desk::new(FAITHFUL);
    let ours = desk.path("j");
    let path = "/usr/bin:/bin";
    let outcome = desk
        .jmp()
        .words("shell --exporter-config lab.yaml -- sh -c")
        .arg("command -v j")
        .env("PATH", path)
        .run()
        .await;
    outcome.succeeds().prints(&format!("{}\n", ours.display()));
}

#[tokio::test]
async fn an_interactive_shell_is_greeted() {
    let desk = Desk::new(FAITHFUL);
    let shell = desk.path("mysh");
    fs::write(&shell, "#!/bin/sh\necho \"in $JUMPSTARTER_HOST\"; exit 3\n").unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = desk
        .jmp()
        .words("shell --exporter-config lab.yaml")
        .env("SHELL", shell)
        .run()
        .await;
    outcome
        .fails(3)
        .prints("mind the cable\nin /run/here/socket\n");
}

#[tokio::test]
async fn an_exporter_that_does_not_start_speaks_for_itself() {
    let desk = Desk::new("echo 'lab.yaml:3: no such driver' >&2; exit 64");
    let outcome = desk.shell("touch ran").await;
    outcome
        .fails(1)
        .complains("lab.yaml:3: no such driver\n")
        .complains("Error: the exporter did not start (exit status: 64)\n");
    assert!(!desk.path("ran").exists());
    let desk = Desk::new("echo hello");
    let outcome = desk.shell("touch ran").await;
    outcome
        .fails(1)
        .complains("are jmp and jmp-exporter of the same release?");
}

#[tokio::test]
async fn a_command_that_cannot_be_started_ends_the_exporter_too() {
    let desk = Desk::new(FAITHFUL);
    let words = "shell --exporter-config lab.yaml -- no-such-program";
    let outcome = desk.jmp().words(words).run().await;
    outcome
        .fails(127)
        .says("Error: command not found: no-such-program\n");
    assert_eq!(desk.read("stopped"), "done\n");
    let words = "shell --exporter-config lab.yaml -- ./lab.yaml";
    let outcome = desk.jmp().words(words).run().await;
    outcome
        .fails(126)
        .says("Error: permission denied: ./lab.yaml\n");
}

#[tokio::test]
async fn signals_wait_for_the_child_and_for_the_exporter() {
    use nix::sys::signal::{Signal, kill};

    for (signal, text, code) in [
        (Signal::SIGTERM, "SIGTERM received, terminating\n", 2),
        // A command of the shell may have something to put in order when the terminal goes away.
        (Signal::SIGHUP, "SIGHUP received, terminating\n", 129),
    ] {
        let desk = Desk::new(FAITHFUL);
        let mut program = desk
            .jmp()
            .words("shell --exporter-config lab.yaml -- sh -c")
            .arg("touch running; while [ ! -e enough ]; do sleep 0.01; done; touch finished");
        program.0.stderr(std::process::Stdio::piped());
        let child = program.0.spawn().unwrap();
        let id = nix::unistd::Pid::from_raw(child.id().unwrap().try_into().unwrap());
        wait_for(&desk.path("running")).await;
        kill(id, signal).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(!desk.path("stopped").exists());
        fs::write(desk.path("enough"), "").unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), text);
        assert!(desk.path("finished").exists());
        assert_eq!(desk.read("stopped"), "done\n");
    }
}

async fn wait_for(file: &Path) {
    for _ in 0..3000 {
        if file.exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} did not appear", file.display());
}
