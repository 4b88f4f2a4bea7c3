//! Usage lines: `jmp shell [OPTIONS] [COMMAND]...`.

use clap::{Arg, Command};

/// Gives `command` and everything below it the reference's usage lines and parsing rules.
///
/// Options may stand between arguments, a repeated option replaces the earlier one, and there is no
/// `help` command, because a driver may be called that.
pub(super) fn shape(command: Command, path: &str) -> Command {
    let usage = line(&command, path);
    let group = command.has_subcommands();
    let command = command
        .override_usage(usage)
        .disable_help_subcommand(true)
        .args_override_self(true)
        .mut_subcommands(|sub| {
            let path = format!("{path} {}", sub.get_name());
            shape(sub, &path)
        });
    if group {
        command
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommand_value_name("COMMAND")
            .subcommand_help_heading("Commands")
    } else {
        command
    }
}

/// The usage line of one command, without the leading `Usage: `.
pub(super) fn line(command: &Command, path: &str) -> String {
    let mut line = format!("{path} [OPTIONS]");
    for argument in command.get_positionals() {
        line.push(' ');
        line.push_str(&placeholder(argument));
    }
    if command.has_subcommands() {
        line.push_str(" COMMAND [ARGS]...");
    }
    line
}

/// `NAME`, `[NAME]`, `NAME...` or `[NAME]...`.
fn placeholder(argument: &Arg) -> String {
    let name = metavar(argument);
    let many = argument
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1)
        || matches!(argument.get_action(), clap::ArgAction::Append);
    let dots = if many { "..." } else { "" };
    if argument.is_required_set() {
        format!("{name}{dots}")
    } else {
        format!("[{name}]{dots}")
    }
}

/// The name of an argument in sentences and usage lines.
pub(super) fn metavar(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => argument.get_id().as_str().to_uppercase(),
    }
}
