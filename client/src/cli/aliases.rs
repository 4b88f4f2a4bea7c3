//! The short and plural spellings of commands: `jmp sh`, `jmp get exporter`.
//!
//! One table serves every group. A spelling counts only where it is no command of its own and only
//! one command of that group claims it.

use clap::Command;

/// Command name, other spellings.
const TABLE: &[(&str, &[&str])] = &[
    ("admin", &["a"]),
    ("client", &["clients", "c"]),
    ("clients", &["client"]),
    ("cluster", &["clusters"]),
    ("clusters", &["cluster"]),
    ("config", &["conf"]),
    ("create", &["c"]),
    ("delete", &["del", "d"]),
    ("exporter", &["exporters", "e"]),
    ("exporters", &["exporter"]),
    ("get", &["g"]),
    ("import", &["i"]),
    ("lease", &["leases", "l"]),
    ("leases", &["lease"]),
    ("list", &["ls"]),
    ("move", &["mv"]),
    ("remove", &["rm"]),
    ("shell", &["sh", "s"]),
    ("version", &["ver", "v"]),
];

/// Groups whose commands, at any depth, answer to their own names only.
const PLAIN: &[&str] = &["auth", "config"];

/// Gives the commands of `group`, and of the groups below it, their other spellings.
pub(super) fn add(group: Command) -> Command {
    let names: Vec<String> = group
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    group.mut_subcommands(|command| {
        let own: Vec<&'static str> = spellings(command.get_name())
            .iter()
            .copied()
            .filter(|spelling| {
                !names.iter().any(|name| name == spelling) && claimants(&names, spelling).len() == 1
            })
            .collect();
        let command = command.aliases(own);
        if PLAIN.contains(&command.get_name()) {
            command
        } else {
            add(command)
        }
    })
}

/// The commands of `group` that claim `typed`, sorted; more than one makes it ambiguous.
pub(super) fn candidates(group: &Command, typed: &str) -> Vec<String> {
    let names: Vec<String> = group
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let mut found: Vec<String> = claimants(&names, typed)
        .into_iter()
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

fn claimants<'a>(names: &'a [String], spelling: &str) -> Vec<&'a str> {
    names
        .iter()
        .map(String::as_str)
        .filter(|name| spellings(name).contains(&spelling))
        .collect()
}

fn spellings(name: &str) -> &'static [&'static str] {
    TABLE
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(&[], |(_, spellings)| spellings)
}
