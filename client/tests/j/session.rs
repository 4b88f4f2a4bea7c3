//! Who may do what, and how it ends.

use std::fs;
use std::time::{Duration, Instant};

use tonic::Status;

use crate::{at, lab, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_allowed_drivers_counts() {
    let exporter = lab().serve().await;
    let allow = "jumpstarter_driver_*,vendor_old.*";
    let help = at(&exporter)
        .env("JMP_DRIVERS_ALLOW", allow)
        .words("--help")
        .run()
        .await;
    help.succeeds()
        .says("Driver client 'vendor_pdu.client.Pdu' is not available.\n");
    assert!(!help.stdout.contains("pdu"), "{help:?}");
    let silent = at(&exporter)
        .env("JMP_DRIVERS_ALLOW", allow)
        .env("_JMP_SUPPRESS_DRIVER_WARNINGS", "1")
        .words("pdu text")
        .run()
        .await;
    silent.fails(1).complains("Error: No such command 'pdu'.\n");
    assert!(!silent.stderr.contains("not available"), "{silent:?}");
    let root = at(&exporter)
        .env("JMP_DRIVERS_ALLOW", "vendor_*")
        .words("--help")
        .run()
        .await;
    root.fails(1).complains(
        "Error: Driver 'jumpstarter_driver_composite.client.CompositeClient' is not installed.",
    );
    let any = at(&exporter)
        .env("JMP_DRIVERS_ALLOW", "")
        .env("JMP_DRIVERS_UNSAFE", "yes")
        .words("pdu text")
        .run()
        .await;
    any.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_a_shell_the_current_client_says_what_is_allowed() {
    let exporter = lab().serve().await;
    let home = tempfile::tempdir().unwrap();
    let ask = |words: &'static str| {
        at(&exporter)
            .env("JMP_DRIVERS_ALLOW", "")
            .env("JMP_CLIENT_CONFIG_HOME", home.path())
            .words(words)
            .run()
    };
    ask("power on")
        .await
        .fails(1)
        .complains("is not installed.");
    fs::write(
        home.path().join("config.yaml"),
        "config: {current-client: me}\n",
    )
    .unwrap();
    fs::create_dir(home.path().join("clients")).unwrap();
    let client = home.path().join("clients/me.yaml");
    let rest = "metadata: {namespace: lab, name: me}\n";
    let config = format!("{rest}drivers: {{allow: ['jumpstarter_driver_*']}}\n");
    fs::write(&client, config).unwrap();
    ask("power on").await.succeeds();
    fs::write(&client, format!("{rest}drivers: {{allow: 7}}\n")).unwrap();
    let outcome = ask("power on").await;
    outcome
        .fails(1)
        .complains("Error: Failed to load config: ")
        .complains("clients/me.yaml");
}

#[tokio::test(flavor = "multi_thread")]
async fn passphrases_and_errors_of_the_exporter() {
    let exporter = lab().passphrase("open").serve().await;
    let right = at(&exporter)
        .env("JMP_GRPC_PASSPHRASE", "open")
        .words("power on")
        .run()
        .await;
    right.succeeds();
    run(&exporter, "power on").await.fails(1).says(
        "Error: Authentication or authorization failed. Verify the passphrase and access \
         permissions. Details: invalid or missing passphrase\n",
    );
    let broken = lab()
        .broken(Status::unavailable("no drivers today"))
        .serve()
        .await;
    run(&broken, "power on").await.fails(1).says(
        "Error: Exporter did not respond to initial connection (Caused by: no drivers today)\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_it_at_once() {
    let exporter = lab().serve().await;
    for (signal, text) in [
        (
            nix::sys::signal::Signal::SIGINT,
            "SIGINT pressed, terminating\n",
        ),
        (
            nix::sys::signal::Signal::SIGTERM,
            "SIGTERM received, terminating\n",
        ),
    ] {
        let before = exporter.calls().len();
        let mut program = at(&exporter).words("old call slow");
        program.0.stderr(std::process::Stdio::piped());
        let child = program.0.spawn().unwrap();
        while exporter.calls().len() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let started = Instant::now();
        let id = nix::unistd::Pid::from_raw(child.id().unwrap().try_into().unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), text);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
