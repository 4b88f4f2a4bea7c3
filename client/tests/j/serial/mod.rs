//! `j` and serial ports: pipes for scripts, and a console on a terminal.

mod console;
mod pipe;

use std::process::Output;
use std::time::Duration;

use jumpstarter_proto::descriptor::{Interface, Kind, Method, Param, Type};
use tokio::process::Child;
use tokio::time::timeout;

use crate::fake::{Fake, driver};
use crate::{at, run};

/// Far more than anything here needs.
const PATIENCE: Duration = Duration::from_secs(60);

const SERIAL: &str = "jumpstarter_driver_pyserial.client.PySerialClient";

fn interface() -> Interface {
    let method = |name: &str, kind, params| Method {
        name: name.to_owned(),
        kind,
        doc: format!("Do {name}"),
        params,
        result: Type::Null,
    };
    let value = Param {
        name: "value".to_owned(),
        ty: Type::Bool,
        optional: false,
        doc: String::new(),
    };
    Interface {
        package: "serial.v1".to_owned(),
        name: "Serial".to_owned(),
        doc: String::new(),
        methods: vec![
            method("connect", Kind::Bytes, Vec::new()),
            method("nothing", Kind::Call, Vec::new()),
            method("set_dtr", Kind::Call, vec![value]),
            method("pipe", Kind::Call, Vec::new()),
        ],
    }
}

/// A port that echoes, and some that behave otherwise.
fn lab() -> Fake {
    Fake::new([
        driver("serial", SERIAL).describes("pipe", "Our pipe"),
        driver("full", SERIAL).interface(&interface()),
        driver("as-breaks", SERIAL),
        driver("as-late", SERIAL),
        driver("as-refuses", SERIAL),
        driver("as-deaf", SERIAL),
        driver("as-flood", SERIAL),
    ])
}

/// What is left of a program when it has ended.
async fn ends(child: Child) -> Output {
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    output.expect("it ends in time").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_commands_are_known() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "serial --help").await;
    let text = &help.succeeds().stdout;
    assert!(text.starts_with("Serial port client\n\nUsage: j serial [OPTIONS] COMMAND [ARGS]..."));
    let list = "Commands:\n\
                \x20 pipe           Our pipe\n\
                \x20 start-console  Start serial port console\n\
                \n";
    assert!(text.contains(list), "{text}");
    // What else the driver can do comes with its interface.
    let help = run(&exporter, "full --help").await;
    let list = "Commands:\n\
                \x20 nothing        Do nothing\n\
                \x20 pipe           Pipe serial port data to stdout or file\n\
                \x20 set-dtr        Do set_dtr\n\
                \x20 start-console  Start serial port console\n\
                \n";
    assert!(help.succeeds().stdout.contains(list), "{help:?}");
    run(&exporter, "full nothing").await.succeeds().prints("");
    run(&exporter, "full set-dtr maybe")
        .await
        .fails(1)
        .complains("Error: Invalid value for 'VALUE': 'maybe' is not a valid boolean.\n");
    let completion = at(&exporter)
        .env("_J_COMPLETE", "bash_complete")
        .env("COMP_WORDS", "j serial pipe --no")
        .env("COMP_CWORD", "3")
        .run()
        .await;
    completion.prints("plain,--no-input\nplain,--no-output\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_show_the_usage() {
    let exporter = lab().serve().await;
    run(&exporter, "serial pipe -i --no-input")
        .await
        .fails(1)
        .says(
            "Usage: j serial pipe [OPTIONS]\n\
         Try 'j serial pipe --help' for help.\n\
         \n\
         Error: Cannot use both --input and --no-input\n",
        );
    run(&exporter, "serial start-console").await.fails(1).says(
        "Error: start-console needs a terminal, and stdin is none; to send and receive from a \
         script, use `pipe`\n",
    );
    run(&exporter, "serial start-console --escape m")
        .await
        .fails(1)
        .complains("Error: Invalid value for '--escape': 'm' with CTRL is what another key sends.");
    assert_eq!(exporter.calls(), [""; 0], "nobody has opened the port");
}
