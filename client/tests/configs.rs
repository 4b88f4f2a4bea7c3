//! `jmp config`: files of clients and exporters.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use program::{Outcome, Program, jmp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn jmp(&self, words: &str) -> Program {
        let program = jmp().env("JMP_CLIENT_CONFIG_HOME", self.0.path());
        program.env("COLUMNS", "300").words(words)
    }

    async fn run(&self, words: &str) -> Outcome {
        self.jmp(words).run().await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A client of which nothing has to be asked.
    async fn create(&self, alias: &str) {
        let words = format!("config client create {alias} {GIVEN} --allow a.*,b");
        self.run(&words).await.succeeds().prints("").says("");
    }
}

const GIVEN: &str = "--namespace default --name me --endpoint grpc.lab:8082 --token abc";

/// Runs a program that reads `answers`.
async fn answer(mut program: Program, answers: &str) -> Outcome {
    program
        .0
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = program.0.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(answers.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn the_first_client_becomes_the_current_one() {
    let home = Home::new();
    home.create("lab1").await;
    let mode = home
        .path("clients/lab1.yaml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(home.read("config.yaml").ends_with("current-client: lab1\n"));
    let words = format!("config client create lab2 {GIVEN} --unsafe -k --nointeractive -o path");
    let path = home.path("clients/lab2.yaml");
    let outcome = home.jmp(&words).arg("--allow").arg("").run().await;
    outcome.succeeds().prints(&format!("{}\n", path.display()));
    let text = home.read("clients/lab2.yaml");
    assert!(
        text.contains("drivers:\n  allow:\n  - ''\n  unsafe: true\n"),
        "{text}"
    );
    assert!(
        text.contains("tls:\n  ca: ''\n  insecure: true\n"),
        "{text}"
    );
    assert!(home.read("config.yaml").ends_with("current-client: lab1\n"));
    let outcome = home
        .run(&format!("config client create lab1 {GIVEN} --allow x"))
        .await;
    outcome
        .fails(1)
        .says("Error: A client with the name 'lab1' already exists.\n");
    let outcome = home
        .run(&format!("config client create ../x {GIVEN} --allow x"))
        .await;
    outcome
        .fails(1)
        .complains("must not contain path separators");
}

#[tokio::test]
async fn what_is_not_given_is_asked() {
    let home = Home::new();
    let program = home.jmp("config client create p1");
    let outcome = answer(program, "ns\n\nnm\nep\ntok\n\n").await;
    outcome.succeeds().prints(
        "Enter a valid Jumpstarter client namespace: Enter a valid Jumpstarter client name: \
         Enter a valid Jumpstarter client name: Enter a valid Jumpstarter service endpoint: \
         Enter a Jumpstarter auth token (hidden): \
         Enter a comma-separated list of allowed driver packages (optional) []: ",
    );
    let text = home.read("clients/p1.yaml");
    assert!(
        text.contains("namespace: ns\n  name: nm\nendpoint: ep\n"),
        "{text}"
    );
    assert!(text.contains("\ntoken: tok\n"), "{text}");
    let outcome = home.run("config client create p2 --nointeractive").await;
    outcome
        .fails(1)
        .prints("Enter a valid Jumpstarter client namespace: ")
        .says("Aborted!\n");
}

#[tokio::test]
async fn turning_verification_off_is_confirmed() {
    let home = Home::new();
    let question = "Insecure TLS mode is enabled. Certificate verification will be disabled for \
                    HTTPS connections. Continue? [y/N]: ";
    let words = format!("config client create p -k {GIVEN} --allow x");
    let outcome = answer(home.jmp(&words), "n\n").await;
    outcome.fails(1).prints(&format!("{question}Aborting.\n"));
    let outcome = answer(home.jmp(&words), "").await;
    outcome
        .fails(1)
        .prints(question)
        .says("Error: Aborted by user.\n");
    assert!(!home.path("clients").exists());
    answer(home.jmp(&words), "maybe\ny\n").await.succeeds();
    assert!(home.path("clients/p.yaml").exists());
}

#[tokio::test]
async fn clients_are_listed_used_and_deleted() {
    let home = Home::new();
    for alias in ["b", "a", "c"] {
        home.create(alias).await;
    }
    home.run("config client use b").await.succeeds().prints("");
    let path = |alias: &str| {
        home.path(&format!("clients/{alias}.yaml"))
            .display()
            .to_string()
    };
    let list = home.run("config client list").await;
    let lines: Vec<&str> = list.succeeds().stdout.lines().map(str::trim_end).collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["CURRENT", "ALIAS", "ENDPOINT", "PATH"]
    );
    assert_eq!(
        lines[1],
        format!("         a      grpc.lab:8082  {}", path("a"))
    );
    assert_eq!(
        lines[2],
        format!("*        b      grpc.lab:8082  {}", path("b"))
    );
    home.run("config client list -o name")
        .await
        .prints("a\nb\nc\n");

    let json = home.run("config client list -o json").await;
    let json: Value = serde_json::from_str(&json.succeeds().stdout).unwrap();
    assert_eq!(
        (&json["currentConfig"], &json["items"][0]["token"]),
        (&"b".into(), &"abc".into())
    );
    let keys: Vec<&String> = json["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "alias",
            "path",
            "apiVersion",
            "kind",
            "metadata",
            "endpoint",
            "tls",
            "token",
            "refresh_token",
            "grpcOptions",
            "drivers",
            "shell",
            "leases",
        ]
    );

    home.run("config client delete b -o path")
        .await
        .prints(&format!("{}\n", path("b")));
    assert!(home.read("config.yaml").ends_with("current-client: a\n"));
    home.run("config client delete c").await.succeeds();
    home.run("config client delete a").await.succeeds();
    assert!(home.read("config.yaml").ends_with("current-client: null\n"));
    for command in ["use", "delete"] {
        let outcome = home.run(&format!("config client {command} a")).await;
        outcome.fails(1).says(&format!(
            "Error: File not found. Verify the path and retry. Details: Client config '{}' does \
             not exist.\n",
            path("a")
        ));
    }
    home.run("config client list")
        .await
        .succeeds()
        .prints("No resources found.\n");
}

#[tokio::test]
async fn one_bad_file_does_not_hide_the_others() {
    let home = Home::new();
    home.create("good").await;
    fs::write(home.path("clients/bad.yaml"), "tokn: x\n").unwrap();
    let outcome = home.run("config client list -o name").await;
    outcome
        .succeeds()
        .prints("good\n")
        .complains("Warning: ")
        .complains("bad.yaml");
    let outcome = home.run("config client use bad").await;
    outcome.fails(1).complains("bad.yaml");
    assert!(home.read("config.yaml").ends_with("current-client: good\n"));
}

#[tokio::test]
async fn exporters_have_files_too() {
    let home = Home::new();
    let words = format!("config exporter create e1 {GIVEN} -o path");
    let path = home.path("exporters/e1.yaml");
    let shown = format!("{}\n", path.display());
    home.run(&words).await.succeeds().prints(&shown);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    home.run(&words)
        .await
        .fails(1)
        .says("Error: exporter \"e1\" exists\n");
    let outcome = answer(home.jmp("config exporter create"), "n\nm\ne\nt\n").await;
    outcome
        .succeeds()
        .prints("Namespace: Name: Endpoint: Token: ");
    home.run("config exporter list -o name")
        .await
        .prints("default\ne1\n");
    let json = home.run("config exporter list -o json").await;
    let json: Value = serde_json::from_str(&json.succeeds().stdout).unwrap();
    let item = json["items"][1].as_object().unwrap();
    let keys: Vec<&String> = item.keys().collect();
    assert_eq!(
        (keys[0].as_str(), keys[keys.len() - 1].as_str()),
        ("alias", "path")
    );

    let program = home
        .jmp("config exporter edit e1")
        .env("EDITOR", "sh -c 'echo \"# new\" >>\"$0\"'");
    program.run().await.succeeds();
    assert!(home.read("exporters/e1.yaml").ends_with("# new\n"));
    let program = home.jmp("config exporter edit e1").env("EDITOR", "false");
    program
        .run()
        .await
        .fails(1)
        .complains("Error: false: Editing failed: ");

    home.run("config exporter delete e1 -o path")
        .await
        .succeeds()
        .prints(&shown);
    for command in ["delete", "edit"] {
        let outcome = home.run(&format!("config exporter {command} e1")).await;
        outcome
            .fails(1)
            .says("Error: exporter \"e1\" does not exist\n");
        let outcome = home.run(&format!("config exporter {command} ../x")).await;
        outcome.fails(2).complains(
            "Error: Invalid value for '[ALIAS]': Invalid exporter alias '../x': must not contain \
             path separators or be '.' / '..'\n",
        );
    }
}

#[tokio::test]
async fn groups_and_their_names() {
    let home = Home::new();
    let outcome = home.run("config client").await;
    outcome
        .fails(2)
        .prints("")
        .complains("Usage: jmp config client [OPTIONS] COMMAND [ARGS]...");
    home.run("config client ls")
        .await
        .fails(2)
        .complains("No such command 'ls'.");
    home.run("conf client list").await.succeeds();
    home.run("auth")
        .await
        .fails(2)
        .complains("Usage: jmp auth [OPTIONS] COMMAND [ARGS]...");
}
