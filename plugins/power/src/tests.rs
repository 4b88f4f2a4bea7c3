//! What the Python client expects of both.

#![allow(clippy::unwrap_used)]

use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{Code, Result};
use serde_json::{Value, json};
use tracing::Level;

use crate::{MockPower, READINGS, Reading, SyncMockPower};

/// The two drivers, opened with a configuration that neither knows.
fn both(host: &Host) -> [Opened; 2] {
    let config = json!({"log_level": "INFO", "anything": [1]});
    [
        host.open::<MockPower>(config.clone()).unwrap(),
        host.open::<SyncMockPower>(config).unwrap(),
    ]
}

#[test]
fn switching_logs_a_line_and_returns_nothing() {
    for index in 0..2 {
        let host = Host::new();
        let power = &both(&host)[index];
        assert_eq!(power.call::<Value>("on", ()).unwrap(), Value::Null);
        assert_eq!(power.call::<Value>("off", ()).unwrap(), Value::Null);
        assert_eq!(host.messages(), ["power on", "power off"]);
        assert!(host.lines().iter().all(|line| line.level == Level::INFO));
    }
}

#[test]
fn reading_yields_two_readings_every_time() {
    let host = Host::new();
    for power in both(&host) {
        for _ in 0..2 {
            let readings = power.stream::<Reading>("read", ()).unwrap();
            let readings: Result<Vec<_>> = readings.collect();
            assert_eq!(readings.unwrap(), READINGS);
        }
    }
}

#[test]
fn wrong_calls_are_refused_as_clients_expect() {
    let host = Host::new();
    for power in both(&host) {
        let error = power.call::<()>("cycle", ()).unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error.message(), "method cycle not found on driver");
        let error = power.call::<()>("read", ()).unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        let text = "method read missing marker marker_drivercall";
        assert_eq!(error.message(), text);
        let error = power.call::<()>("on", (1,)).unwrap_err();
        assert_eq!(error.code(), Code::Unknown);
        assert_eq!(error.message(), "on() takes 0 arguments, got 1");
    }
}

#[test]
fn example_yaml_uses_both() {
    let example = include_str!("../example.yaml");
    for class in ["MockPower", "SyncMockPower"] {
        assert!(example.contains(&format!("jumpstarter_driver_power.driver.{class}\n")));
    }
}
