//! `j` and devices that run scripts of the exporter's configuration.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::fake::{DriverReport, Fake, driver};
use crate::{at, run};

const SHELL: &str = "jumpstarter_driver_shell.client.ShellClient";

fn lab() -> Fake {
    Fake::new([
        driver("host", SHELL).describes("a_b", "Does a\nand then b"),
        driver("broken", SHELL),
        DriverReport::power("power"),
        DriverReport::group("nested").with([driver("deep", SHELL)]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_commands() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "host --help").await;
    let text = &help.succeeds().stdout;
    assert!(
        text.starts_with("Shell command executor\n\nUsage: j host [OPTIONS] COMMAND [ARGS]...")
    );
    let list = "Commands:\n\
                \x20 a_b     Does a\n\
                \x20 breaks  Execute the breaks shell method\n\
                \x20 fails   Execute the fails shell method\n\
                \x20 killed  Execute the killed shell method\n\
                \x20 mute    Execute the mute shell method\n\
                \x20 say     Execute the say shell method\n\
                \x20 slow    Execute the slow shell method\n";
    assert!(text.contains(list), "{text}");
    let help = run(&exporter, "host a_b --help").await;
    let text = &help.succeeds().stdout;
    assert!(text.starts_with("Does a\nand then b\n"), "{text}");
    assert!(
        text.contains("Usage: j host a_b [OPTIONS] [ARGS]...\n"),
        "{text}"
    );
    assert!(text.contains("-e, --env <KEY=VALUE>"), "{text}");
    assert_eq!(exporter.calls(), ["host.get_methods []"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_meant_is_asked() {
    let exporter = lab().serve().await;
    run(&exporter, "--help").await.succeeds().says("");
    run(&exporter, "power on").await.succeeds();
    run(&exporter, "nested deep say").await.succeeds();
    assert_eq!(
        exporter.calls(),
        [
            "power.on []",
            "deep.get_methods []",
            "deep.call_method [\"say\",{}]"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_fails_is_in_nobody_elses_way() {
    let exporter = lab().serve().await;
    let why = "DriverCall 'get_methods' failed with gRPC UNKNOWN: the disk is on fire";
    run(&exporter, "--help").await.succeeds().says("");
    run(&exporter, "broken say -x")
        .await
        .fails(1)
        .says(&format!("Error: {why}\n"));
    let help = run(&exporter, "broken --help").await;
    // The help is wrapped somewhere.
    let reason = "The exporter does not say what is there: DriverCall 'get_methods' failed";
    assert!(help.succeeds().stdout.contains(reason), "{help:?}");
    run(&exporter, "broken").await.fails(1).complains(reason);
    run(&exporter, "host say broken").await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn words_after_the_first_argument_are_the_scripts() {
    let exporter = lab().serve().await;
    for (words, call) in [
        ("host say", r#"["say",{}]"#),
        (
            "host say -e A=1 --env B=x=y --env=C= one -e D=4 --help -- --",
            r#"["say",{"A":"1","B":"x=y","C":""},"one","-e","D=4","--help","--","--"]"#,
        ),
        (
            "host say --force -e A=1 -h",
            r#"["say",{},"--force","-e","A=1","-h"]"#,
        ),
        ("host say -h", r#"["say",{},"-h"]"#),
        ("host say -e A=1 -- -e", r#"["say",{"A":"1"},"-e"]"#),
        ("host say -e A=1 -e A=2", r#"["say",{"A":"2"}]"#),
        ("host say 1 -1 say", r#"["say",{},"1","-1","say"]"#),
    ] {
        run(&exporter, words)
            .await
            .succeeds()
            .prints(call)
            .says("psst");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told() {
    let exporter = lab().serve().await;
    run(&exporter, "host say -e A").await.fails(1).says(
        "Usage: j host say [OPTIONS] [ARGS]...\n\
         Try 'j host say --help' for help.\n\
         \n\
         Error: Invalid value: Invalid --env value 'A'. Use KEY=VALUE.\n",
    );
    run(&exporter, "host say -e")
        .await
        .fails(1)
        .complains("Error: Option '--env' requires an argument.\n");
    run(&exporter, "host nothing")
        .await
        .fails(1)
        .complains("Error: No such command 'nothing'.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_the_scripts() {
    let exporter = lab().serve().await;
    run(&exporter, "host fails")
        .await
        .fails(3)
        .prints("so far\n")
        .says("no good\n");
    run(&exporter, "host killed").await.fails(143).says("");
    run(&exporter, "host a_b")
        .await
        .succeeds()
        .prints("")
        .says("");
    run(&exporter, "host breaks")
        .await
        .fails(1)
        .prints("half")
        .says("Error: not like this\n");
    run(&exporter, "host mute")
        .await
        .fails(1)
        .prints("nothing")
        .says("Error: the exporter did not say how `mute` ended\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_comes_before_the_end_and_ctrl_c_ends_it() {
    let exporter = lab().serve().await;
    let mut program = at(&exporter).words("host slow");
    program.0.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.0.spawn().unwrap();
    let mut said = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"working...");
    let started = Instant::now();
    let id = Pid::from_raw(child.id().unwrap().cast_signed());
    kill(id, Signal::SIGINT).unwrap();
    let output = timeout(Duration::from_secs(60), child.wait_with_output()).await;
    let output = output.expect("it ends in time").unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"SIGINT pressed, terminating\n");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_knows_the_scripts() {
    let exporter = lab().serve().await;
    let ask = |words: &'static str, place: &'static str| {
        at(&exporter)
            .env("_J_COMPLETE", "bash_complete")
            .env("COMP_WORDS", words)
            .env("COMP_CWORD", place)
            .run()
    };
    ask("j host s", "2")
        .await
        .succeeds()
        .prints("plain,say\nplain,slow\n");
    ask("j host say --e", "3").await.prints("plain,--env\n");
    ask("j broken ", "2").await.succeeds().prints("");
}
