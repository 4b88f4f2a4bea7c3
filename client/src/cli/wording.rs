//! clap's errors in the reference's sentences.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::{aliases, usage};

/// What to print after `Error: ` for an error that parsing below `command` made.
pub(super) fn sentence(command: &Command, error: &clap::Error) -> String {
    match error.kind() {
        ErrorKind::UnknownArgument => unknown(command, error),
        ErrorKind::InvalidSubcommand => {
            no_such_command(command, &text(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => "Missing command.".to_owned(),
        ErrorKind::MissingRequiredArgument => missing(command, error),
        ErrorKind::InvalidValue => invalid_value(command, error),
        ErrorKind::ValueValidation => {
            let why = error.source().map_or_else(String::new, ToString::to_string);
            format!("Invalid value for {}: {why}", hint(command, error))
        }
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("Option {} requires an argument.", name(command, error))
        }
        ErrorKind::TooManyValues => {
            format!("Option {} does not take a value.", name(command, error))
        }
        ErrorKind::ArgumentConflict => conflict(command, error),
        _ => plain(error),
    }
}

/// The argument that the error is about, as clap shows it.
pub(super) fn subject(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(shown) => Some(shown.clone()),
        ContextValue::Strings(all) => all.first().cloned(),
        _ => None,
    }
}

fn unknown(command: &Command, error: &clap::Error) -> String {
    let typed = text(error, ContextKind::InvalidArg);
    if typed.starts_with('-') {
        let mut sentence = format!("No such option '{typed}'.");
        if let Some(ContextValue::String(near)) = error.get(ContextKind::SuggestedArg) {
            sentence.push_str(&format!(" Did you mean '{near}'?"));
        }
        sentence
    } else if command.has_subcommands() {
        no_such_command(command, &typed)
    } else {
        format!("Got unexpected extra argument ({typed})")
    }
}

fn no_such_command(group: &Command, typed: &str) -> String {
    let candidates = aliases::candidates(group, typed);
    if candidates.len() > 1 {
        format!("Too many matches: {}", candidates.join(", "))
    } else {
        format!("No such command '{typed}'.")
    }
}

fn missing(command: &Command, error: &clap::Error) -> String {
    let shown = subject(error).unwrap_or_default();
    match find(command, &shown) {
        Some(arg) if arg.is_positional() => format!("Missing argument '{}'.", usage::metavar(arg)),
        Some(arg) => format!("Missing option {}.", option_names(arg)),
        None => format!("Missing argument '{}'.", shown.trim_matches(['<', '>'])),
    }
}

fn invalid_value(command: &Command, error: &clap::Error) -> String {
    let value = text(error, ContextKind::InvalidValue);
    let choices = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(choices)) => choices.as_slice(),
        _ => &[],
    };
    // clap reports an option without its value as an empty value.
    if value.is_empty() {
        return format!("Option {} requires an argument.", name(command, error));
    }
    let quoted: Vec<String> = choices.iter().map(|choice| format!("'{choice}'")).collect();
    let why = match quoted.as_slice() {
        [] => format!("'{value}' is not valid."),
        [only] => format!("'{value}' is not {only}."),
        several => format!("'{value}' is not one of {}.", several.join(", ")),
    };
    format!("Invalid value for {}: {why}", hint(command, error))
}

fn conflict(command: &Command, error: &clap::Error) -> String {
    let first = hint(command, error);
    let others = match error.get(ContextKind::PriorArg) {
        Some(ContextValue::Strings(all)) => all.clone(),
        Some(ContextValue::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let others: Vec<String> = others
        .iter()
        .map(|shown| find(command, shown).map_or_else(|| format!("'{shown}'"), option_names))
        .collect();
    format!(
        "Option {first} cannot be combined with {}.",
        others.join(", ")
    )
}

/// The option as typed: `'--wait'`.
fn name(command: &Command, error: &clap::Error) -> String {
    let shown = text(error, ContextKind::InvalidArg);
    match find(command, &shown).and_then(Arg::get_long) {
        Some(long) => format!("'--{long}'"),
        None => format!("'{shown}'"),
    }
}

/// All names of the option, or the argument's name: `'-w' / '--wait'`, `'NAME'`.
fn hint(command: &Command, error: &clap::Error) -> String {
    let shown = text(error, ContextKind::InvalidArg);
    match find(command, &shown) {
        Some(arg) if arg.is_positional() => format!("'{}'", usage::metavar(arg)),
        Some(arg) => option_names(arg),
        None => format!("'{shown}'"),
    }
}

fn option_names(arg: &Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("'-{short}' / '--{long}'"),
        (Some(short), None) => format!("'-{short}'"),
        (None, Some(long)) => format!("'--{long}'"),
        (None, None) => format!("'{}'", usage::metavar(arg)),
    }
}

/// Finds an argument by the way clap shows it in errors: `--wait <INT>`, `<NAME>`, `[NAME]...`.
pub(super) fn find<'a>(command: &'a Command, shown: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| {
        arg.to_string() == shown
            || arg
                .get_long()
                .is_some_and(|long| shown.split([' ', '=']).next() == Some(&format!("--{long}")))
    })
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(all)) => all.join(", "),
        _ => String::new(),
    }
}

/// For kinds that our commands cannot cause: clap's first line, without its `error: `.
fn plain(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let first = rendered.lines().next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}
