//! `j` and the devices it meets.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;
mod program;

use std::fs;
use std::time::{Duration, Instant};

use fake::{DriverReport, Fake, Serving, driver};
use jumpstarter_proto::descriptor::{Interface, Kind, Method, Param, Type};
use program::{Outcome, Program, j};
use tonic::Status;

const PDU: &str = "vendor_pdu.client.Pdu";

fn at(exporter: &Serving) -> Program {
    j().env("JUMPSTARTER_HOST", &exporter.address)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
}

async fn run(exporter: &Serving, words: &str) -> Outcome {
    at(exporter).words(words).run().await
}

fn param(name: &str, ty: Type, optional: bool, doc: &str) -> Param {
    Param {
        name: name.to_owned(),
        ty,
        optional,
        doc: doc.to_owned(),
    }
}

fn method(name: &str, kind: Kind, doc: &str, params: Vec<Param>, result: Type) -> Method {
    Method {
        name: name.to_owned(),
        kind,
        doc: doc.to_owned(),
        params,
        result,
    }
}

fn pdu() -> Interface {
    let mode = Type::Enum(vec!["fast".to_owned(), "slow".to_owned()]);
    let point = Type::Struct(vec![
        param("x", Type::Int, false, ""),
        param("y", Type::Number, false, ""),
    ]);
    Interface {
        package: "vendor.pdu.v1".to_owned(),
        name: "Pdu".to_owned(),
        doc: "Outlets that can be switched.\n\nUp to eight of them.".to_owned(),
        methods: vec![
            method(
                "all",
                Kind::Call,
                "Switch one outlet",
                vec![
                    param("outlet", Type::Int, false, "from 1"),
                    param("on", Type::Bool, false, ""),
                    param("mode", mode, true, ""),
                    param("label", Type::String, true, ""),
                ],
                Type::List(Box::new(Type::Any)),
            ),
            method(
                "echo",
                Kind::Call,
                "Give back",
                vec![param("point", point.clone(), false, "where")],
                point,
            ),
            method("text", Kind::Call, "", vec![], Type::String),
            method("nothing", Kind::Call, "", vec![], Type::Null),
            method("refuse", Kind::Call, "", vec![], Type::Null),
            method("not_there", Kind::Call, "", vec![], Type::Null),
            method("items", Kind::Stream, "Count", vec![], Type::Any),
            method("breaks", Kind::Stream, "", vec![], Type::Any),
            method("connect", Kind::Bytes, "", vec![], Type::Null),
        ],
    }
}

fn lab() -> Fake {
    Fake::new([
        DriverReport::power("power").description("The board's supply"),
        driver("pdu", PDU)
            .interface(&pdu())
            .describes("all", "Switch it, as we say here"),
        driver("old", "vendor_old.client.Thing")
            .describes("echo", "Say it again")
            .describes("items", "Count things"),
        DriverReport::group("nested")
            .with([DriverReport::group("inner").with([DriverReport::power("p2")])]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_made_from_the_report() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "--help").await;
    let text = &help.succeeds().stdout;
    assert!(text.starts_with("Generic composite device\n\nUsage: j [OPTIONS] COMMAND [ARGS]...\n"));
    let list = "Commands:\n\
                \x20 nested  Generic composite device\n\
                \x20 old     Methods of vendor_old.client.Thing\n\
                \x20 pdu     Outlets that can be switched.\n\
                \x20 power   The board's supply\n";
    assert!(text.contains(list), "{text}");
    assert!(text.contains("--log-level <LEVEL>"), "{text}");

    let power = run(&exporter, "power --help").await;
    let text = &power.succeeds().stdout;
    assert!(text.starts_with("The board's supply\n\nUsage: j power [OPTIONS] COMMAND [ARGS]...\n"));
    let list = "Commands:\n\
                \x20 cycle  Power cycle\n\
                \x20 off    Power off\n\
                \x20 on     Power on\n\
                \x20 read   Read power measurements\n";
    assert!(text.contains(list), "{text}");

    let pdu = run(&exporter, "pdu --help").await;
    let text = &pdu.succeeds().stdout;
    assert!(text.contains("Up to eight of them."), "{text}");
    assert!(
        text.contains("  all        Switch it, as we say here\n"),
        "{text}"
    );
    assert!(text.contains("  not-there"), "{text}");
    assert!(!text.contains("connect"), "{text}");

    let all = run(&exporter, "pdu all --help").await;
    let text = &all.succeeds().stdout;
    assert!(
        text.contains("Usage: j pdu all [OPTIONS] OUTLET ON [MODE] [LABEL]\n"),
        "{text}"
    );
    assert!(text.contains("from 1 (whole number)"), "{text}");
    assert!(text.contains("[possible values: fast, slow]"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn power_speaks_as_ever() {
    let exporter = lab().serve().await;
    run(&exporter, "power on")
        .await
        .succeeds()
        .prints("")
        .says("");
    run(&exporter, "power off").await.succeeds().prints("");
    run(&exporter, "power read").await.succeeds().prints(
        "voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\n\
         voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA\n",
    );
    let cycle = run(&exporter, "nested inner p2 cycle -w 0").await;
    cycle
        .succeeds()
        .prints("Power cycling with 0 seconds wait time...\n")
        .complains("Starting power cycle sequence\n")
        .complains("Waiting 0 seconds...\n")
        .complains("Power cycle sequence complete\n");
    assert_eq!(
        exporter.calls(),
        [
            "power.on []",
            "power.off []",
            "power.read []",
            "p2.off []",
            "p2.on []"
        ]
    );
    let twice = run(&exporter, "power read -n 2 -i 0").await;
    assert_eq!(twice.succeeds().stdout.lines().count(), 4);
    let quiet = run(&exporter, "--log-level ERROR power cycle -w 0").await;
    quiet.succeeds().says("");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_machine_can_be_destroyed() {
    let class = "jumpstarter_driver_power.client.VirtualPowerClient";
    let exporter = Fake::new([driver("vm", class)]).serve().await;
    run(&exporter, "vm off").await.succeeds();
    run(&exporter, "vm off --destroy").await.succeeds();
    assert_eq!(exporter.calls(), ["vm.off [false]", "vm.off [true]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_parsed_by_type() {
    let exporter = lab().serve().await;
    run(&exporter, "pdu all 3 yes")
        .await
        .succeeds()
        .prints("[3,true,null,null]\n");
    run(&exporter, "pdu all 0x10 off slow 7")
        .await
        .prints("[16,false,\"slow\",\"7\"]\n");
    run(&exporter, "pdu all -1 on")
        .await
        .prints("[-1,true,null,null]\n");
    let point = at(&exporter)
        .words("pdu echo")
        .arg(r#"{"x": 1, "y": 2}"#)
        .run()
        .await;
    point.succeeds().prints("{\"x\":1,\"y\":2.0}\n");
    assert_eq!(
        exporter.calls()[0],
        "pdu.all [3,true,null,null]",
        "omitted arguments travel as null"
    );
    for (words, expected) in [
        ("pdu all", "Error: Missing argument 'OUTLET'.\n"),
        ("pdu all 3", "Error: Missing argument 'ON'.\n"),
        (
            "pdu all 3.5 on",
            "Error: Invalid value for 'OUTLET': '3.5' is not a valid integer.\n",
        ),
        (
            "pdu all 3 maybe",
            "Error: Invalid value for 'ON': 'maybe' is not a valid boolean.\n",
        ),
        (
            "pdu all 3 on warp",
            "Error: Invalid value for 'MODE': 'warp' is not one of 'fast', 'slow'.\n",
        ),
        (
            "pdu all 3 on fast x y",
            "Error: Got unexpected extra argument (y)\n",
        ),
        (
            "pdu echo 7",
            "Error: Invalid value for 'POINT': '7' is not a JSON object.\n",
        ),
    ] {
        run(&exporter, words)
            .await
            .fails(1)
            .prints("")
            .complains(expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_printed_plainly() {
    let exporter = lab().serve().await;
    run(&exporter, "pdu text")
        .await
        .succeeds()
        .prints("plain\ntext\n");
    run(&exporter, "pdu nothing").await.succeeds().prints("");
    run(&exporter, "pdu items")
        .await
        .succeeds()
        .prints("1\ntwo\n{\"three\":3.5}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_in_full() {
    let exporter = lab().serve().await;
    let outcome = run(&exporter, "pdu refuse").await;
    outcome
        .fails(1)
        .says("Error: DriverCall 'refuse' failed with gRPC INVALID_ARGUMENT: not like this\n");
    let outcome = run(&exporter, "pdu not-there").await;
    outcome.fails(1).says(
        "Error: DriverCall 'not_there' failed with gRPC NOT_FOUND: \
         method not_there not found on driver\n",
    );
    // What came before the mistake was printed.
    let outcome = run(&exporter, "pdu breaks").await;
    outcome
        .fails(1)
        .prints("first\n")
        .says("Error: the wire came off\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_an_interface_can_still_be_called() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "old --help").await;
    for text in [
        "  call    ",
        "  echo    Say it again\n",
        "  items   Count things\n",
        "  stream  ",
    ] {
        assert!(help.succeeds().stdout.contains(text), "{text}: {help:?}");
    }
    run(&exporter, "old echo [1,2]")
        .await
        .succeeds()
        .prints("[1,2]\n");
    run(&exporter, "old echo word")
        .await
        .succeeds()
        .prints("word\n");
    // It turns out to be a stream.
    run(&exporter, "old items")
        .await
        .succeeds()
        .prints("1\ntwo\n{\"three\":3.5}\n");
    run(&exporter, "old call all 1 true x")
        .await
        .succeeds()
        .prints("[1,true,\"x\"]\n");
    run(&exporter, "old stream items")
        .await
        .succeeds()
        .prints("1\ntwo\n{\"three\":3.5}\n");
    run(&exporter, "old call")
        .await
        .fails(1)
        .complains("Error: Missing argument 'METHOD'.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_exit_with_1() {
    let exporter = lab().serve().await;
    let outcome = run(&exporter, "nothing").await;
    outcome.fails(1).says(
        "Usage: j [OPTIONS] COMMAND [ARGS]...\n\
         Try 'j --help' for help.\n\
         \n\
         Error: No such command 'nothing'.\n",
    );
    let outcome = run(&exporter, "power nonsense").await;
    outcome
        .fails(1)
        .complains("Usage: j power [OPTIONS] COMMAND [ARGS]...\n");
    let outcome = run(&exporter, "power cycle -w soon").await;
    outcome
        .fails(1)
        .complains("Error: Invalid value for '-w' / '--wait': 'soon' is not a valid integer.\n");
    let outcome = run(&exporter, "power").await;
    outcome
        .fails(1)
        .prints("")
        .complains("Usage: j power [OPTIONS] COMMAND [ARGS]...\n");
}

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
    fs::write(&client, "drivers: {allow: ['jumpstarter_driver_*']}\n").unwrap();
    ask("power on").await.succeeds();
    fs::write(&client, "drivers: {allow: 7}\n").unwrap();
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
        "Error: Authentication or authorization failed. Run 'jmp login' and verify access \
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

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_an_endless_read() {
    let exporter = lab().serve().await;
    let script = format!("{} power read -n 0 -i 0 | head -1", env!("CARGO_BIN_EXE_j"));
    let outcome = Program::new("sh")
        .arg("-c")
        .arg(script)
        .env("JUMPSTARTER_HOST", &exporter.address)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
        .run()
        .await;
    outcome
        .succeeds()
        .prints("voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\n")
        .says("");
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_knows_the_devices() {
    let exporter = lab().serve().await;
    let ask = |words: &'static str, place: &'static str| {
        at(&exporter)
            .env("_J_COMPLETE", "bash_complete")
            .env("COMP_WORDS", words)
            .env("COMP_CWORD", place)
            .run()
    };
    ask("j p", "1")
        .await
        .succeeds()
        .prints("plain,pdu\nplain,power\n");
    ask("j nested inner p2 c", "4")
        .await
        .prints("plain,cycle\n");
    ask("j pdu all 1 on ", "5")
        .await
        .prints("plain,fast\nplain,slow\n");
    let nowhere = j()
        .env("_J_COMPLETE", "bash_complete")
        .env("COMP_WORDS", "j p")
        .env("COMP_CWORD", "1")
        .run()
        .await;
    nowhere.fails(1).prints("").says("");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_driver_needs_no_name() {
    // As some tests serve one: the root is the driver itself.
    let exporter = Fake::only(DriverReport::power("power")).serve().await;
    run(&exporter, "on").await.succeeds();
    assert_eq!(exporter.calls(), ["power.on []"]);
}
