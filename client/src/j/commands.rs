//! The tree of devices as a tree of commands.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command};

use super::farewell::Farewell;
use super::{flasher, generic, mux, network, policy, power, serial, shell, storage};
use crate::logs::Severity;
use crate::ui::{Failure, Outcome, tell};
use crate::{Allow, Device, Session, env};

const LOG_LEVEL: &str = "log_level";

/// The devices of an exporter, as commands.
#[derive(Debug)]
pub(super) struct Commands {
    root: Device,
    allow: Allow,
    shells: shell::Methods,
}

/// What is known about a device's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has none of its own, only those of its children.
    Composite,
    /// It switches power.
    Power(power::Flavour),
    /// It is a network connection.
    Network,
    /// It takes images.
    Flasher(flasher::Family),
    /// It is switched between exporter and board.
    Mux(mux::Flavour),
    /// It holds files.
    Storage,
    /// It is a serial port.
    Serial,
    /// It runs scripts of the exporter's configuration.
    Shell,
    /// Whatever its interface says.
    Generic,
}

// === impl Kind ===

impl Kind {
    fn of(device: &Device) -> Self {
        match device.node().class() {
            "jumpstarter_driver_composite.client.CompositeClient"
            | "jumpstarter_driver_corellium.client.CorelliumClient"
            | "jumpstarter_driver_androidemulator.client.AndroidEmulatorClient" => Self::Composite,
            "jumpstarter_driver_power.client.PowerClient" => Self::Power(power::Flavour::Real),
            "jumpstarter_driver_power.client.VirtualPowerClient" => {
                Self::Power(power::Flavour::Virtual)
            }
            "jumpstarter_driver_network.client.NetworkClient"
            | "jumpstarter_driver_network.client.DbusNetworkClient" => Self::Network,
            "jumpstarter.client.flasher.FlasherClient" => Self::Flasher(flasher::Family::Core),
            "jumpstarter_driver_opendal.client.FlasherClient" => {
                Self::Flasher(flasher::Family::Opendal)
            }
            "jumpstarter_driver_opendal.client.StorageMuxClient" => Self::Mux(mux::Flavour::Plain),
            "jumpstarter_driver_opendal.client.StorageMuxFlasherClient" => {
                Self::Mux(mux::Flavour::Flasher)
            }
            "jumpstarter_driver_opendal.client.OpendalClient" => Self::Storage,
            serial::CLASS => Self::Serial,
            shell::CLASS => Self::Shell,
            _ => Self::Generic,
        }
    }
}

// === impl Commands ===

impl Commands {
    /// The devices of `session` that `allow` permits; the first one must be among them.
    ///
    /// Those that `words` may lead to are asked for what the report does not say.
    pub(super) async fn new(
        session: Session,
        allow: Allow,
        words: &[OsString],
    ) -> Result<Self, Failure> {
        let root = session.root();
        if !allow.permits(root.node().class()) {
            return Err(policy::refused(root.node().class()));
        }
        let shells = shell::Methods::ask(&root, &allow, words).await;
        Ok(Self {
            root,
            allow,
            shells,
        })
    }

    /// Says which devices are left out, unless the shell around us has said it already.
    pub(super) fn warn(&self) {
        if env::text(env::SUPPRESS_DRIVER_WARNINGS).is_some() {
            return;
        }
        let mut open = vec![self.root.clone()];
        while let Some(device) = open.pop() {
            let class = device.node().class();
            if !self.allow.permits(class) {
                tell(&format!("Driver client '{class}' is not available."));
            }
            open.extend(device.children());
        }
    }

    /// All commands on the way that `words` go; of others, only what a list of commands shows.
    pub(super) fn command(&self, words: &[OsString]) -> Command {
        self.of(&self.root, "j", words)
    }

    fn of(&self, device: &Device, name: &str, words: &[OsString]) -> Command {
        let group = Command::new(name.to_owned());
        match Kind::of(device) {
            Kind::Power(flavour) => power::command(group, device, flavour),
            Kind::Network => network::command(group, device),
            Kind::Flasher(_) => flasher::command(group, device),
            Kind::Mux(flavour) => mux::command(group, device, flavour),
            Kind::Storage => storage::command(group, device),
            Kind::Serial => serial::command(group, device),
            Kind::Shell => shell::command(group, device, &self.shells),
            Kind::Composite => {
                let level = Arg::new(LOG_LEVEL)
                    .long("log-level")
                    .value_name("LEVEL")
                    .value_parser(Severity::NAMES)
                    .help("Show log lines of at least this level");
                let group = describe(group, device, "Generic composite device").arg(level);
                self.with_children(group, device, words)
            }
            Kind::Generic => {
                let group = generic::command(group, device);
                self.with_children(group, device, words)
            }
        }
    }

    /// Adds the commands of the children, and sorts them all by name.
    fn with_children(&self, group: Command, device: &Device, words: &[OsString]) -> Command {
        let taken: Vec<String> = group
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        let children = device.children().filter(|child| {
            self.allow.permits(child.node().class())
                && !taken.iter().any(|name| name == child.name())
        });
        let children: Vec<Command> = children
            .map(|child| {
                let name = child.name();
                if words.iter().any(|word| word == name) {
                    self.of(&child, name, words)
                } else {
                    outline(&child)
                }
            })
            .collect();
        let mut names: Vec<String> = taken;
        names.extend(children.iter().map(|child| child.get_name().to_owned()));
        names.sort();
        group.subcommands(children).mut_subcommands(|command| {
            let place = names.binary_search_by(|name| name.as_str().cmp(command.get_name()));
            command.display_order(place.unwrap_or(names.len()))
        })
    }

    /// Does what the words say.
    pub(super) async fn run(&self, matches: &ArgMatches, farewell: &Farewell) -> Outcome {
        let mut device = self.root.clone();
        let mut matches = matches;
        while let Some((name, below)) = matches.subcommand() {
            match Kind::of(&device) {
                Kind::Power(flavour) => return power::run(&device, flavour, name, below).await,
                Kind::Network => return network::run(&device, name, below).await,
                Kind::Flasher(family) => return flasher::run(&device, family, name, below).await,
                Kind::Mux(_) => return mux::run(&device, name, below, farewell).await,
                Kind::Storage => return storage::run(&device, name, below, farewell).await,
                Kind::Serial => return serial::run(&device, name, below).await,
                Kind::Shell => return shell::run(&device, &self.shells, name, below).await,
                Kind::Generic if generic::has(&device, name) => {
                    return generic::run(&device, name, below).await;
                }
                Kind::Generic | Kind::Composite => {}
            }
            match device.child(name) {
                Some(child) => device = child,
                None => break,
            }
            matches = below;
        }
        // The commands were made from the same tree, so they lead to a device.
        Err(Failure::Error("there is nothing to do".to_owned()))
    }
}

/// A command of a device that we know, with the help of the exporter's configuration if it has one.
pub(super) fn own(device: &Device, name: &'static str, about: &str) -> Command {
    let text = device.node().methods_description().get(name);
    explain(Command::new(name), text.map_or(about, String::as_str))
}

/// Sets the help of a device: what the exporter's configuration says, else `fallback`.
pub(super) fn describe(command: Command, device: &Device, fallback: &str) -> Command {
    explain(command, device.node().description().unwrap_or(fallback))
}

/// Sets the help of a command: in lists the first line, with `--help` all of it.
pub(super) fn explain(command: Command, text: &str) -> Command {
    let text = text.trim();
    match text.split_once('\n') {
        Some((first, _)) => command.about(first.to_owned()).long_about(text.to_owned()),
        None => command.about(text.to_owned()),
    }
}

/// A device as it stands in a list.
fn outline(device: &Device) -> Command {
    let command = Command::new(device.name().to_owned());
    match Kind::of(device) {
        Kind::Composite => describe(command, device, "Generic composite device"),
        Kind::Power(_) => describe(command, device, power::ABOUT),
        Kind::Network => describe(command, device, network::ABOUT),
        Kind::Flasher(_) => describe(command, device, flasher::ABOUT),
        Kind::Mux(flavour) => describe(command, device, flavour.about()),
        Kind::Storage => describe(command, device, storage::ABOUT),
        Kind::Serial => describe(command, device, serial::ABOUT),
        Kind::Shell => describe(command, device, shell::ABOUT),
        Kind::Generic => generic::describe(command, device),
    }
}

/// The level asked for, at whatever depth.
pub(super) fn log_level(matches: &ArgMatches) -> Option<&str> {
    let below = matches.subcommand().and_then(|(_, below)| log_level(below));
    below.or_else(|| {
        let level = matches.try_get_one::<String>(LOG_LEVEL).ok().flatten();
        level.map(String::as_str)
    })
}
