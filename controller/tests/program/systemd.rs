//! What systemd does for a controller, and sees of it.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Lab, PATIENCE};

/// A child that ends with the story.
struct Held(Child);

// === impl Held ===

impl Held {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn connections_wait_in_the_sockets_of_systemd_until_the_controller_is_there() {
    let lab = Lab::new();
    let program = lab.program();
    let log = std::fs::File::create(lab.path("log")).unwrap();
    let mut activate = Command::new("systemd-socket-activate");
    for port in [lab.ports.grpc, lab.ports.router, lab.ports.health] {
        activate.arg(format!("--listen=127.0.0.1:{port}"));
    }
    let environment = program
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    for (key, value) in environment {
        let mut pair = key.to_owned();
        pair.push("=");
        pair.push(value);
        activate.arg("--setenv").arg(pair);
    }
    activate.arg(program.get_program()).arg("run").stderr(log);
    let activate = Held(activate.spawn().unwrap());
    // It is started by the first who comes, and nobody is refused meanwhile.
    wait("systemd-socket-activate listens", || {
        std::net::TcpStream::connect(("127.0.0.1", lab.ports.grpc)).is_ok()
    });
    wait("the controller is ready", || lab.is_ready());
    let log = lab.log();
    assert!(!log.contains("does not mention"), "{log}");
    assert!(log.contains("\"what\":\"router\""), "{log}");
    assert!(lab.works(&["client", "create", "alice"]).contains("alice"));
    // The program has taken the place of what started it.
    activate.signal(Signal::SIGTERM);
    let mut activate = activate;
    assert!(activate.0.wait().unwrap().success());
}

#[test]
fn systemd_learns_how_it_is() {
    let lab = Lab::new();
    let path = lab.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let hears = |wanted: &str| loop {
        let mut text = [0; 1024];
        let length = socket.recv(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text[..length]).into_owned();
        if text.lines().any(|line| line.starts_with(wanted)) {
            break text;
        }
    };
    let log = std::fs::File::create(lab.path("log")).unwrap();
    let mut program = lab.program();
    program
        .arg("run")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .stderr(log);
    let mut controller = Held(program.spawn().unwrap());
    assert!(hears("READY=1").contains("STATUS=grpc on "));
    hears("WATCHDOG=1");
    hears("WATCHDOG=1");
    controller.signal(Signal::SIGHUP);
    assert!(hears("RELOADING=1").contains("MONOTONIC_USEC="));
    hears("READY=1");
    controller.signal(Signal::SIGTERM);
    hears("STOPPING=1");
    assert!(controller.0.wait().unwrap().success());
}

#[test]
fn systemd_understands_the_units() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/systemd");
    let units = tempfile::tempdir().unwrap();
    for name in [
        "jmp-controller.service",
        "jmp-controller.socket",
        "jmp-router.service",
    ] {
        std::fs::copy(ours.join(name), units.path().join(name)).unwrap();
    }
    let verify = || {
        let checked = Command::new("systemd-analyze")
            .arg("verify")
            .args([
                "jmp-controller.service",
                "jmp-controller.socket",
                "jmp-router.service",
            ])
            .current_dir(units.path())
            .env("SYSTEMD_UNIT_PATH", format!("{}:", units.path().display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let about_us = said.lines().any(|line| {
            (line.contains("jmp-controller") || line.contains("jmp-router"))
                // Which program it is depends on PATH.
                && !line.contains("not executable")
        });
        (checked.status.success() && !about_us, said)
    };
    let (good, said) = verify();
    assert!(good, "{said}");
    for name in ["jmp-controller.service", "jmp-controller.socket"] {
        let drop_ins = units.path().join(format!("{name}.d"));
        std::fs::create_dir(&drop_ins).unwrap();
        let ending = name.rsplit('.').next().unwrap();
        let file = format!("split-router.{ending}.conf");
        std::fs::copy(ours.join(file), drop_ins.join("split-router.conf")).unwrap();
    }
    let (good, said) = verify();
    assert!(good, "{said}");
    std::fs::write(
        units.path().join("jmp-controller.service.d/typo.conf"),
        "[Service]\nType=nonsense\n",
    )
    .unwrap();
    assert!(!verify().0, "it looks at drop-ins");
}
