//! What `jmp` and `j` say without an exporter.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use program::{Program, j, jmp};

#[tokio::test]
async fn help_teaches_with_examples() {
    let help = jmp().words("--help").run().await;
    assert!(help.succeeds().stderr.is_empty());
    for text in [
        "Usage: jmp [OPTIONS] COMMAND [ARGS]...",
        "jmp shell --tls-grpc",
        "  shell ",
        "  run ",
        "  driver ",
        "  version ",
        "  completion ",
    ] {
        assert!(help.stdout.contains(text), "{text}: {}", help.stdout);
    }
    let shell = jmp().words("shell --help").run().await;
    assert!(
        shell
            .succeeds()
            .stdout
            .contains("Usage: jmp shell [OPTIONS] [COMMAND]...")
    );
    assert!(shell.stdout.contains("-- j power on"));
    let short = jmp().words("sh --help").run().await;
    assert_eq!(short.succeeds().stdout, shell.stdout);
}

#[tokio::test]
async fn nothing_to_do_shows_the_help_on_stderr() {
    let outcome = jmp().run().await;
    outcome
        .fails(2)
        .prints("")
        .complains("Usage: jmp [OPTIONS] COMMAND [ARGS]...");
}

#[tokio::test]
async fn usage_errors_have_three_parts() {
    let outcome = jmp().words("shell --speed 3").run().await;
    outcome.fails(2).prints("").says(
        "Usage: jmp shell [OPTIONS] [COMMAND]...\n\
         Try 'jmp shell --help' for help.\n\
         \n\
         Error: No such option '--speed'.\n",
    );
    let outcome = jmp().words("frobnicate").run().await;
    outcome.fails(2).says(
        "Usage: jmp [OPTIONS] COMMAND [ARGS]...\n\
         Try 'jmp --help' for help.\n\
         \n\
         Error: No such command 'frobnicate'.\n",
    );
    let outcome = jmp().words("--log-level LOUD version").run().await;
    outcome.fails(2).complains(
        "Error: Invalid value for '--log-level': 'LOUD' is not one of \
         'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'.\n",
    );
}

#[tokio::test]
async fn a_shell_needs_to_know_where() {
    let outcome = jmp().words("shell -- j power on").run().await;
    outcome.fails(2).complains(
        "Error: Specify one of: --client / --client-config, --exporter / --exporter-config, or --tls-grpc HOST:PORT\n",
    );
    let outcome = jmp()
        .words("shell --exporter a --exporter-config b")
        .run()
        .await;
    outcome.fails(2).complains(
        "Error: Invalid value: only one of --client, --client-config, --exporter, \
         --exporter-config should be specified\n",
    );
    let outcome = jmp()
        .words("shell --tls-grpc h:1 --tls-grpc-insecure --tls-ca f")
        .run()
        .await;
    outcome
        .fails(2)
        .complains("Error: --tls-grpc-insecure cannot be combined with --tls-ca\n");
}

#[tokio::test]
async fn a_missing_exporter_configuration_is_named() {
    let home = tempfile::tempdir().unwrap();
    let outcome = jmp()
        .words("shell --exporter-config nowhere.yaml -- true")
        .run()
        .await;
    outcome.fails(1).says(
        "Error: Failed to load config: [Errno 2] No such file or directory: 'nowhere.yaml'\n",
    );
    let outcome = jmp()
        .words("shell --exporter board -- true")
        .env("JMP_CLIENT_CONFIG_HOME", home.path())
        .run()
        .await;
    outcome.fails(1).says(&format!(
        "Error: Failed to load config: Exporter config '{}/exporters/board.yaml' does not exist.\n",
        home.path().display()
    ));
    let outcome = jmp().words("shell --exporter ../board").run().await;
    outcome
        .fails(1)
        .complains("must not contain path separators or be '.' / '..'");
}

#[tokio::test]
async fn versions() {
    let version = env!("CARGO_PKG_VERSION");
    let plain = jmp().words("version").run().await;
    let start = format!("Jumpstarter v{version} from /");
    assert!(plain.succeeds().stdout.starts_with(&start), "{plain:?}");
    let name = jmp().words("ver -o name").run().await;
    assert_eq!(name.succeeds().stdout, plain.stdout);
    let json = jmp().words("version -o json").run().await;
    let parsed: serde_json::Value = serde_json::from_str(&json.succeeds().stdout).unwrap();
    assert_eq!(parsed["gitVersion"], version);
    assert!(json.stdout.starts_with("{\n    \"gitVersion\""), "{json:?}");
    let yaml = jmp().words("version -o yaml").run().await;
    let line = format!("gitVersion: {version}\n");
    assert!(yaml.succeeds().stdout.starts_with(&line), "{yaml:?}");
    assert!(yaml.stdout.ends_with("\n\n"), "{yaml:?}");
    let other = jmp().words("version -o xml").run().await;
    other.fails(2).complains(
        "Error: Invalid value for '-o' / '--output': 'xml' is not one of 'json', 'yaml', 'name'.\n",
    );
}

#[tokio::test]
async fn completion_scripts() {
    for (shell, texts) in [
        ("bash", ["complete", "jmp"]),
        ("zsh", ["compdef", "jmp"]),
        ("fish", ["complete", "--command jmp"]),
    ] {
        let script = jmp().words("completion").arg(shell).run().await;
        for text in texts {
            assert!(script.succeeds().stdout.contains(text), "{shell}: {text}");
        }
    }
    let nothing = jmp().words("completion").run().await;
    nothing
        .fails(2)
        .complains("Error: Missing argument '{bash|zsh|fish}'.\n");
    let other = jmp().words("completion tcsh").run().await;
    other.fails(2).complains("Invalid value");
}

#[tokio::test]
async fn shells_are_told_what_could_come_next() {
    let ask = |words: &'static str, place: &'static str| {
        jmp()
            .env("_JMP_COMPLETE", "bash_complete")
            .env("COMP_WORDS", words)
            .env("COMP_CWORD", place)
            .run()
    };
    ask("jmp v", "1").await.succeeds().prints("plain,version\n");
    ask("jmp completion ", "2")
        .await
        .prints("plain,bash\nplain,zsh\nplain,fish\n");
    ask("jmp shell --tls-grpc-", "2")
        .await
        .prints("plain,--tls-grpc-insecure\n");
    ask("jmp shell --exporter-config ", "3")
        .await
        .prints("file,\n");
    let zsh = jmp()
        .env("_JMP_COMPLETE", "zsh_complete")
        .env("COMP_WORDS", "jmp ver")
        .env("COMP_CWORD", "1")
        .run()
        .await;
    zsh.prints("plain\nversion\nShow the version of this program\n");
}

/// The script itself, in the shell it is for.
#[tokio::test]
async fn bash_completes() {
    let folder = Path::new(env!("CARGO_BIN_EXE_jmp")).parent().unwrap();
    let script = r#"
        source <(jmp completion bash)
        COMP_WORDS=(jmp ver) COMP_CWORD=1
        _jmp_complete
        echo "${COMPREPLY[@]}"
        complete -p jmp j"#;
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let outcome = Program::new("bash")
        .arg("-c")
        .arg(script)
        .env("PATH", path)
        .run()
        .await;
    let mut lines = outcome.succeeds().stdout.lines();
    assert_eq!(lines.next(), Some("version"), "{outcome:?}");
    assert!(
        lines.all(|line| line.contains("_complete j")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn j_belongs_into_a_shell() {
    let outcome = j().words("power on").run().await;
    outcome.fails(1).prints("").says(
        "Error: Error: the j command must be used inside a jmp shell: JUMPSTARTER_HOST not set\n",
    );
}

#[tokio::test]
async fn an_exporter_that_is_gone() {
    let outcome = j()
        .words("power on")
        .env("JUMPSTARTER_HOST", "/nowhere/socket")
        .run()
        .await;
    outcome.fails(1).says(
        "Error: Exporter did not respond to initial connection (Caused by: \
         there is no socket `/nowhere/socket`; the shell or exporter it belonged to has ended)\n",
    );
    let outcome = jmp()
        .words("shell --tls-grpc 127.0.0.1:1 --tls-grpc-insecure -- true")
        .run()
        .await;
    outcome.fails(1).complains(
        "Error: Exporter did not respond to initial connection (Caused by: connection to \
         `127.0.0.1:1` was refused; check the port and that the exporter is running)\n",
    );
    let outcome = jmp()
        .words("shell --tls-grpc host.invalid:1 -- true")
        .run()
        .await;
    outcome
        .fails(1)
        .complains("could not resolve `host.invalid:1`");
}

/// `jmp` alone in a folder, as a package without the exporter installs it.
fn installed(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let jmp = bin.join("jmp");
    let built = env!("CARGO_BIN_EXE_jmp");
    if fs::hard_link(built, &jmp).is_err() {
        fs::copy(built, &jmp).unwrap();
    }
    jmp
}

#[tokio::test]
async fn without_the_exporter_it_is_said_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let jmp = installed(folder.path());
    for command in ["run --exporter x", "driver list"] {
        let outcome = Program::new(&jmp)
            .words(command)
            .env("PATH", "/nowhere")
            .run()
            .await;
        outcome
            .fails(1)
            .complains("`make build` makes it, put it beside `jmp`\n");
    }
}

#[tokio::test]
async fn run_and_driver_become_the_exporter() {
    let folder = tempfile::tempdir().unwrap();
    let jmp = installed(folder.path());
    let libexec = folder.path().join("libexec/jumpstarter");
    fs::create_dir_all(&libexec).unwrap();
    let exporter = libexec.join("jmp-exporter");
    fs::write(&exporter, "#!/bin/sh\necho \"$$ $@\"; exit 7\n").unwrap();
    fs::set_permissions(&exporter, fs::Permissions::from_mode(0o755)).unwrap();

    let words =
        "--log-level DEBUG --log-format json run --exporter-config x.yaml --nonsense --help";
    let mut program = Program::new(&jmp).words(words);
    let child = program
        .0
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(7));
    // The same process, the same words.
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("{id} {words}\n")
    );

    let outcome = Program::new(&jmp).words("driver list").run().await;
    assert!(outcome.fails(7).stdout.ends_with(" driver list\n"));
}
