//! Power: on, off, cycle, read.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Deserialize;
use tokio::time::sleep;
use tracing::info;

use super::commands::{describe, own};
use crate::Device;
use crate::cli::{float, integer};
use crate::device::CallError;
use crate::ui::{Failure, Outcome, print};

pub(super) const ABOUT: &str = "Generic power";

/// What is switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// A power supply.
    Real,
    /// A virtual machine, which can also be destroyed.
    Virtual,
}

/// One measurement.
#[derive(Deserialize)]
struct Reading {
    voltage: f64,
    current: f64,
}

pub(super) fn command(group: Command, device: &Device, flavour: Flavour) -> Command {
    let own = |name, about| own(device, name, about);
    let mut off = own("off", "Power off");
    if flavour == Flavour::Virtual {
        off = off.arg(
            Arg::new("destroy")
                .long("destroy")
                .action(ArgAction::SetTrue)
                .help("Destroy the instance after powering it off"),
        );
    }
    let cycle = own("cycle", "Power cycle").arg(
        Arg::new("wait")
            .short('w')
            .long("wait")
            .value_name("INTEGER")
            .value_parser(integer)
            .default_value("2")
            .help("Seconds between off and on"),
    );
    let read = own("read", "Read power measurements")
        .arg(
            Arg::new("count")
                .short('n')
                .long("count")
                .value_name("INTEGER")
                .value_parser(integer)
                .default_value("1")
                .help("How often to read, 0 for ever"),
        )
        .arg(
            Arg::new("interval")
                .short('i')
                .long("interval")
                .value_name("FLOAT")
                .value_parser(float)
                .default_value("1.0")
                .help("Seconds between two reads"),
        );
    describe(group, device, ABOUT)
        .subcommand(cycle)
        .subcommand(off)
        .subcommand(own("on", "Power on"))
        .subcommand(read)
}

pub(super) async fn run(
    device: &Device,
    flavour: Flavour,
    name: &str,
    matches: &ArgMatches,
) -> Outcome {
    match name {
        "on" => call(device.call_raw("on", ()).await)?,
        "off" if flavour == Flavour::Virtual => {
            call(device.call_raw("off", (matches.get_flag("destroy"),)).await)?;
        }
        "off" => call(device.call_raw("off", ()).await)?,
        "cycle" => cycle(device, number(matches, "wait")).await?,
        _ => {
            let interval = matches.get_one::<f64>("interval").copied();
            let interval = Duration::try_from_secs_f64(interval.unwrap_or_default());
            read(
                device,
                number(matches, "count"),
                interval.unwrap_or_default(),
            )
            .await?;
        }
    }
    Ok(0)
}

async fn cycle(device: &Device, wait: i64) -> Result<(), Failure> {
    print(&format!("Power cycling with {wait} seconds wait time..."))?;
    info!("Starting power cycle sequence");
    call(device.call_raw("off", ()).await)?;
    info!("Waiting {wait} seconds...");
    sleep(Duration::from_secs(u64::try_from(wait).unwrap_or_default())).await;
    call(device.call_raw("on", ()).await)?;
    info!("Power cycle sequence complete");
    Ok(())
}

async fn read(device: &Device, count: i64, interval: Duration) -> Result<(), Failure> {
    let mut done = 0;
    loop {
        let mut readings = device.stream::<Reading>("read", ()).await.map_err(failed)?;
        while let Some(Reading { voltage, current }) = readings.next().await.map_err(failed)? {
            print(&format!(
                "voltage={} V  current={} A  apparent_power={} VA",
                float_text(voltage),
                float_text(current),
                float_text(voltage * current)
            ))?;
        }
        done += 1;
        if done == count {
            return Ok(());
        }
        sleep(interval).await;
    }
}

/// As Python writes a float, because scripts read it: `5.0`, `1e-05`.
fn float_text(value: f64) -> String {
    let text = format!("{value:?}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

fn number(matches: &ArgMatches, name: &str) -> i64 {
    matches.get_one::<i64>(name).copied().unwrap_or_default()
}

/// The result says nothing.
fn call(result: Result<bytes::Bytes, CallError>) -> Result<(), Failure> {
    result.map(drop).map_err(failed)
}

fn failed(error: CallError) -> Failure {
    Failure::Error(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::float_text;

    #[test]
    fn floats_look_as_ever() {
        for (value, text) in [
            (5.0, "5.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.5e-7, "-1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e300, "1.25e+300"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }
}
