//! Scripts that the exporter's configuration names, as commands.
//!
//! ```text
//! j flasher erase -e BOARD=2 --force        script `erase`, with BOARD in its environment and
//!           │      │         └ arguments    `--force` as its first argument
//!           │      └ options stand before the first argument
//!           └ the names come from the driver
//! ```

mod code;
mod methods;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::commands::{describe, explain};
use super::generic;
use crate::Device;
use crate::device::CallError;
use crate::ui::{Failure, Outcome, Screen};

pub(super) use methods::Methods;

pub(super) const ABOUT: &str = "Shell command executor";
/// The class of a device with such commands.
pub(super) const CLASS: &str = "jumpstarter_driver_shell.client.ShellClient";

/// The method that runs a script.
const METHOD: &str = "call_method";

const ARGS: &str = "args";
const ENV: &str = "env";

/// What a script has said since the last piece, and its code after the last.
#[derive(Deserialize)]
struct Piece(Option<String>, Option<String>, Option<f64>);

/// The commands of `device`, as far as `methods` knows them.
pub(super) fn command(group: Command, device: &Device, methods: &Methods) -> Command {
    let group = describe(group, device, ABOUT);
    let names = match methods.of(device) {
        Ok(names) => names,
        // Any name will do, to be told why there are none.
        Err(why) => {
            return group
                .allow_external_subcommands(true)
                .subcommand_required(true)
                .arg_required_else_help(true)
                .after_help(format!("The exporter does not say what is there: {why}"));
        }
    };
    let texts = device.node().methods_description();
    group.subcommands(names.iter().map(|name| {
        let default = || format!("Execute the {name} shell method");
        let text = texts.get(name).cloned().unwrap_or_else(default);
        explain(Command::new(name.clone()), &text)
            // `-h` may be meant for the script.
            .disable_help_flag(true)
            .arg(
                Arg::new("help")
                    .long("help")
                    .action(ArgAction::Help)
                    .help("Print help"),
            )
            .arg(
                Arg::new(ENV)
                    .short('e')
                    .long("env")
                    .value_name("KEY=VALUE")
                    .action(ArgAction::Append)
                    .allow_hyphen_values(true)
                    .help("Set a variable of its environment; stands before the arguments"),
            )
            .arg(
                Arg::new(ARGS)
                    .value_name("ARGS")
                    .num_args(0..)
                    .trailing_var_arg(true)
                    .allow_hyphen_values(true)
                    .help("Arguments of the script, passed on as they are"),
            )
    }))
}

/// Runs the script called `name`, and shows what it says while it does.
pub(super) async fn run(
    device: &Device,
    methods: &Methods,
    name: &str,
    matches: &ArgMatches,
) -> Outcome {
    if let Err(why) = methods.of(device) {
        return Err(Failure::Error(why.to_owned()));
    }
    let mut env = Map::new();
    for setting in strings(matches, ENV) {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Failure::Usage(format!(
                "Invalid value: Invalid --env value '{setting}'. Use KEY=VALUE."
            )));
        };
        env.insert(key.to_owned(), Value::from(value));
    }
    let mut args = vec![Value::from(name), Value::Object(env)];
    args.extend(strings(matches, ARGS).map(Value::from));
    let args = generic::encode(METHOD, args)?;
    let mut pieces = device.stream::<Piece>(METHOD, args).await.map_err(failed)?;
    let (mut stdout, mut stderr) = (Screen::stdout(), Screen::stderr());
    let mut code = None;
    while let Some(Piece(said, complained, ended)) = pieces.next().await.map_err(failed)? {
        if let Some(text) = said.filter(|text| !text.is_empty()) {
            stdout.show(text.as_bytes()).await?;
        }
        if let Some(text) = complained.filter(|text| !text.is_empty()) {
            stderr.show(text.as_bytes()).await?;
        }
        code = ended.or(code);
    }
    match code {
        Some(code) => Ok(code::of(code)),
        None => Err(Failure::Error(format!(
            "the exporter did not say how `{name}` ended"
        ))),
    }
}

fn strings<'a>(matches: &'a ArgMatches, name: &str) -> impl Iterator<Item = &'a str> {
    let given = matches.get_many::<String>(name);
    given.into_iter().flatten().map(String::as_str)
}

fn failed(error: CallError) -> Failure {
    Failure::Error(error.to_string())
}
