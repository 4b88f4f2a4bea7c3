//! An exporter on a port of its own, without a controller, and people who come and go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::thread;
use std::time::{Duration, Instant};

use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use jumpstarter_proto::v1::{ExporterStatus, GetStatusRequest};
use jumpstarter_tests::{Lab, PATIENCE, free_port, run};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

#[test]
fn one_session_after_another() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    exporter.shell(["j", "power", "on"]).succeeds();
    exporter.shell(["j", "power", "off"]).succeeds();
    let log = exporter.log();
    log.wait_for("power on", PATIENCE)
        .expect("the first session");
    log.wait_for("power off", PATIENCE)
        .expect("the second session");
}

#[test]
fn two_sessions_at_once() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let inner = exporter.shell_command();
    let mut words = vec![inner.get_program().to_owned()];
    words.extend(inner.get_args().map(ToOwned::to_owned));
    words.extend(["--", "j", "power", "read"].map(Into::into));
    exporter
        .shell(words)
        .succeeds()
        .prints("voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA");
}

/// Some look only whether the port is open, and call at once.
#[test]
fn whoever_is_let_in_first_finds_the_session_ready() {
    let lab = Lab::new();
    for _ in 0..20 {
        let port = free_port();
        thread::scope(|scope| {
            let early: Vec<_> = (0..8)
                .map(|_| scope.spawn(move || first_status(port)))
                .collect();
            let _exporter = lab.exporter(POWER).port(port).start();
            for client in early {
                assert_eq!(client.join().unwrap(), ExporterStatus::LeaseReady);
            }
        });
    }
}

/// What the exporter on this port says first, asked again and again since before it was there.
fn first_status(port: u16) -> ExporterStatus {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer =
                match ExporterServiceClient::connect(format!("http://127.0.0.1:{port}")).await {
                    Ok(mut client) => client.get_status(GetStatusRequest {}).await.ok(),
                    Err(_) => None,
                };
            if let Some(answer) = answer {
                return answer.into_inner().status();
            }
            assert!(Instant::now() < until, "nobody answers");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

#[test]
fn a_client_that_expects_tls_is_told_so() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let mut jmp = lab.command("jmp");
    jmp.args([
        "shell",
        "--tls-grpc",
        &exporter.address(),
        "--",
        "j",
        "power",
        "on",
    ]);
    run(&mut jmp, PATIENCE).fails(1).complains("Error: ");
    exporter.shell(["j", "power", "on"]).succeeds();
}

#[test]
fn the_exit_code_is_the_commands() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    exporter.shell(["sh", "-c", "exit 7"]).fails(7);
    exporter.shell(["sh", "-c", "kill -9 $$"]).fails(247);
    exporter
        .shell(["no-such-program"])
        .fails(127)
        .complains("command not found: no-such-program");
    let plain = lab.file("plain", "not a program");
    exporter
        .shell([plain])
        .fails(126)
        .complains("permission denied");
}

#[test]
fn the_shell_says_where_it_is() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let environment = exporter.shell(["env"]);
    environment
        .succeeds()
        .prints(&format!("JUMPSTARTER_HOST=127.0.0.1:{}", exporter.port()))
        .prints("JMP_DRIVERS_ALLOW=UNSAFE")
        .prints("JMP_EXPORTER=direct")
        .prints("JMP_LEASE=direct")
        .prints("JMP_GRPC_INSECURE=1")
        .never_says("JMP_GRPC_PASSPHRASE");
}

#[test]
fn exporter_logs_reach_a_client_that_asks_for_them() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    // From before this client came: the session's log keeps it.
    exporter.j(["power", "on"]).succeeds();
    let mut shell = exporter.shell_command();
    // A line travels beside the command, not before its end.
    shell.args(["--exporter-logs", "--", "sh", "-c", "j power off; sleep 1"]);
    run(&mut shell, PATIENCE)
        .succeeds()
        .complains("power on")
        .complains("power off");
    exporter.shell(["j", "power", "on"]).never_says("power on");
}

#[test]
fn the_port_stops_answering_when_the_exporter_is_stopped() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let port = exporter.port();
    exporter.stop();
    let asked = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(asked.elapsed() < Duration::from_secs(10), "still answering");
    }
}

#[test]
fn nobody_at_the_port_is_said_in_one_sentence() {
    let lab = Lab::new();
    let nobody = format!("127.0.0.1:{}", jumpstarter_tests::free_port());
    lab.jmp([
        "shell",
        "--tls-grpc",
        &nobody,
        "--tls-grpc-insecure",
        "--",
        "true",
    ])
    .fails(1)
    .complains("Error: ")
    .never_says("panicked");
}
