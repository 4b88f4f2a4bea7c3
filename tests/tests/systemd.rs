//! What systemd sees of an exporter: the units, and the signs of life.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use jumpstarter_tests::{Lab, PATIENCE};
use nix::sys::signal::Signal;

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

/// Where systemd would listen.
struct Supervisor(UnixDatagram);

impl Supervisor {
    fn new(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        Self(socket)
    }

    /// Waits until the exporter has said this.
    fn hears(&self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        while Instant::now() < until {
            let mut text = [0; 1024];
            let Ok(length) = self.0.recv(&mut text) else {
                continue;
            };
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return;
            }
            heard.push(text);
        }
        panic!("systemd waits for {wanted}, heard {heard:?}");
    }
}

#[test]
fn systemd_learns_that_it_serves_lives_and_stops() {
    let lab = Lab::new();
    let socket = lab.folder("notify");
    let supervisor = Supervisor::new(&socket);
    let exporter = lab
        .exporter(POWER)
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "200000")
        .start();
    supervisor.hears("READY=1");
    // Twice, since the first could have been for good measure.
    supervisor.hears("WATCHDOG=1");
    supervisor.hears("WATCHDOG=1");
    exporter.signal(Signal::SIGTERM);
    supervisor.hears("STOPPING=1");
    assert_eq!(exporter.wait(PATIENCE).0, 143);
}

#[test]
fn systemd_understands_the_units() {
    let lab = Lab::new();
    let units = lab.folder("units");
    fs::create_dir(&units).unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/systemd");
    // As an instance, because a template by itself is not looked at.
    let instance = units.join("jmp-exporter@lab.service");
    fs::copy(ours.join("jmp-exporter@.service"), &instance).unwrap();
    let verify = |what: &str| {
        let checked = Command::new("systemd-analyze")
            .arg("verify")
            .arg(&instance)
            .env("SYSTEMD_UNIT_PATH", format!("{}:", units.display()))
            .output()
            .expect("systemd-analyze runs; `make deps` installs it");
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let about_us: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("jmp-exporter"))
            .collect();
        assert!(
            checked.status.success() && about_us.is_empty(),
            "{what}: {said}"
        );
    };
    verify("plain");
    let drop_ins = units.join("jmp-exporter@lab.service.d");
    fs::create_dir(&drop_ins).unwrap();
    fs::copy(ours.join("hardened.conf"), drop_ins.join("hardened.conf")).unwrap();
    verify("hardened");
    fs::write(
        drop_ins.join("typo.conf"),
        "[Service]\nTypo=yes\nType=nonsense\n",
    )
    .unwrap();
    assert!(
        std::panic::catch_unwind(|| verify("with a mistake")).is_err(),
        "it looks at drop-ins"
    );
}
