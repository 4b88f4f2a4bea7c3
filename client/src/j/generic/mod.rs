//! Commands of a device that this program knows nothing about.
//!
//! ```text
//! interface in the report     j pdu set-outlet 3 true        parsed by type, with --help
//! only descriptions           j pdu set-outlet 3 true        parsed as JSON, else text
//! neither                     j pdu call set_outlet 3 true   the same
//! ```

mod argument;
mod show;

use bytes::Bytes;
use clap::{Arg, ArgMatches, Command};
use jumpstarter_proto::descriptor::{Interface, Kind, Method, Type};
use serde_json::Value;
use tonic::Code;

use super::commands::explain;
use crate::Device;
use crate::cli::printable;
use crate::device::{CallError, RawItems};
use crate::ui::{Failure, Outcome, tell};

const ARGS: &str = "args";
const METHOD: &str = "method";

/// A command, and what it calls.
struct Callable {
    name: String,
    action: Action,
}

enum Action {
    /// A method with an interface.
    Method(Method),
    /// A method of which only the description is known.
    Described(String),
    /// `call METHOD ARGS`, `stream METHOD ARGS`.
    Named(Kind),
}

/// Sets the help of a device: the configuration's words, else the driver's, else its class.
pub(super) fn describe(command: Command, device: &Device) -> Command {
    let node = device.node();
    let interface = node.interface().and_then(Result::ok);
    let doc = interface.map(|interface| interface.doc).unwrap_or_default();
    let text = match (node.description(), doc.trim()) {
        (Some(text), _) => text.to_owned(),
        (None, "") => format!("Methods of {}", node.class()),
        (None, doc) => doc.to_owned(),
    };
    explain(command, &text)
}

pub(super) fn command(group: Command, device: &Device) -> Command {
    if let Some(Err(error)) = device.node().interface() {
        tell(&format!(
            "the interface of `{}` is not readable: {}",
            device.name(),
            printable(&error.to_string())
        ));
    }
    let commands = callables(device).into_iter().map(|callable| {
        let described = description(device, &callable.name);
        callable.command(described)
    });
    describe(group, device).subcommands(commands)
}

/// A command for each method that the exporter tells.
///
/// For devices with commands of their own, whose drivers may have more to offer than those.
pub(super) fn methods(device: &Device) -> Vec<Command> {
    let interface = device.node().interface().and_then(Result::ok);
    let callables = interface.map(known).unwrap_or_default();
    let commands = callables.into_iter().map(|callable| {
        let described = description(device, &callable.name);
        callable.command(described)
    });
    commands.collect()
}

/// Whether `name` is a command of the device itself.
pub(super) fn has(device: &Device, name: &str) -> bool {
    callables(device)
        .iter()
        .any(|callable| callable.name == name)
}

pub(super) async fn run(device: &Device, name: &str, matches: &ArgMatches) -> Outcome {
    let found = callables(device)
        .into_iter()
        .find(|callable| callable.name == name);
    let Some(callable) = found else {
        return Err(Failure::Error(format!("No such command '{name}'.")));
    };
    callable.run(device, matches).await
}

/// What the configuration says about a command; keys may be written either way.
fn description<'a>(device: &'a Device, name: &str) -> Option<&'a str> {
    let all = device.node().methods_description();
    let text = all.get(name).or_else(|| all.get(&name.replace('-', "_")));
    text.map(String::as_str)
}

fn callables(device: &Device) -> Vec<Callable> {
    match device.node().interface() {
        Some(Ok(interface)) => known(interface),
        _ => guessed(device.node().methods_description().keys()),
    }
}

fn known(interface: Interface) -> Vec<Callable> {
    let mut callables: Vec<Callable> = Vec::new();
    for method in interface.methods {
        if method.kind == Kind::Bytes {
            continue;
        }
        let dashed = method.name.replace('_', "-");
        // Of `a_b` and `a-b`, the second keeps its own spelling.
        let taken = callables.iter().any(|callable| callable.name == dashed);
        let name = if taken { method.name.clone() } else { dashed };
        if callables.iter().all(|callable| callable.name != name) {
            let action = Action::Method(method);
            callables.push(Callable { name, action });
        }
    }
    callables
}

fn guessed<'a>(described: impl Iterator<Item = &'a String>) -> Vec<Callable> {
    let mut callables: Vec<Callable> = described
        .map(|key| Callable {
            name: key.clone(),
            action: Action::Described(key.replace('-', "_")),
        })
        .collect();
    for (name, kind) in [("call", Kind::Call), ("stream", Kind::Stream)] {
        if callables.iter().all(|callable| callable.name != name) {
            let action = Action::Named(kind);
            let name = name.to_owned();
            callables.push(Callable { name, action });
        }
    }
    callables
}

// === impl Callable ===

impl Callable {
    fn command(self, described: Option<&str>) -> Command {
        let command = Command::new(self.name);
        match self.action {
            Action::Method(method) => {
                let command = explain(command, described.unwrap_or(&method.doc));
                command.args(argument::all(&method.params))
            }
            Action::Described(method) => {
                let text = described.map_or_else(|| format!("Call {method}"), str::to_owned);
                explain(command, &text).arg(argument::rest(ARGS))
            }
            Action::Named(kind) => {
                let text = match kind {
                    Kind::Call => "Call a method by its name",
                    _ => "Call a method by its name and print each of its results",
                };
                let method = Arg::new(METHOD)
                    .value_name("METHOD")
                    .required(true)
                    .help("Name of the method");
                command.about(text).arg(method).arg(argument::rest(ARGS))
            }
        }
    }

    async fn run(self, device: &Device, matches: &ArgMatches) -> Outcome {
        match self.action {
            Action::Method(method) => {
                let args = encode(&method.name, argument::given(&method.params, matches))?;
                if method.kind == Kind::Stream {
                    let items = device.stream_raw(&method.name, args).await;
                    print_all(items.map_err(failed)?, &method.result).await
                } else {
                    let result = device.call_raw(&method.name, args).await;
                    show::result(&result.map_err(failed)?, &method.result)
                }
            }
            Action::Described(method) => {
                let args = encode(&method, argument::given_rest(ARGS, matches))?;
                match device.call_raw(&method, args.clone()).await {
                    Ok(result) => show::result(&result, &Type::Any),
                    Err(error) if is_stream(&error) => {
                        let items = device.stream_raw(&method, args).await;
                        print_all(items.map_err(failed)?, &Type::Any).await
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            Action::Named(kind) => {
                let method = matches
                    .get_one::<String>(METHOD)
                    .cloned()
                    .unwrap_or_default();
                let args = encode(&method, argument::given_rest(ARGS, matches))?;
                if kind == Kind::Stream {
                    let items = device.stream_raw(&method, args).await;
                    print_all(items.map_err(failed)?, &Type::Any).await
                } else {
                    let result = device.call_raw(&method, args).await;
                    show::result(&result.map_err(failed)?, &Type::Any)
                }
            }
        }
    }
}

/// Whether the method exists, but gives a stream.
fn is_stream(error: &CallError) -> bool {
    error.status().is_some_and(|status| {
        status.code() == Code::NotFound
            && status
                .message()
                .ends_with("missing marker marker_drivercall")
    })
}

async fn print_all(mut items: RawItems, ty: &Type) -> Outcome {
    while let Some(item) = items.next().await.map_err(failed)? {
        show::item(&item, ty)?;
    }
    Ok(0)
}

/// Encodes the arguments of a call.
pub(super) fn encode(method: &str, values: Vec<Value>) -> Result<Vec<Bytes>, Failure> {
    let mut encoded = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let bytes = jumpstarter_value::to_vec(value).map_err(|source| {
            failed(CallError::Argument {
                method: method.to_owned(),
                position: index + 1,
                source,
            })
        })?;
        encoded.push(Bytes::from(bytes));
    }
    Ok(encoded)
}

fn failed(error: CallError) -> Failure {
    Failure::Error(error.to_string())
}
