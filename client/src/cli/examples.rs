//! Examples for commands that have none of their own: those of their group that use them.

use clap::Command;

/// Where examples begin.
const HEAD: &str = "Examples:";

/// Gives every command below `group` that shows no examples those of the group that use it; all of
/// them if none does.
///
/// An example is a line that begins with `#`, and what follows it.
pub fn inherit_examples(group: Command) -> Command {
    let examples = group.get_after_help().map(ToString::to_string);
    let name = group.get_name().to_owned();
    group.mut_subcommands(|command| {
        let own = command.get_after_help().is_some();
        let inherited = match &examples {
            Some(examples) if !own => Some(using(examples, &name, command.get_name())),
            _ => None,
        };
        inherit_examples(match inherited {
            Some(examples) => command.after_help(examples),
            None => command,
        })
    })
}

/// The examples with `… group command`.
fn using(examples: &str, group: &str, command: &str) -> String {
    let Some(rest) = examples.strip_prefix(HEAD) else {
        return examples.to_owned();
    };
    let wanted = [
        format!("{group} {command} "),
        format!("{group} {command}\n"),
    ];
    let all = rest.split("\n  # ").skip(1);
    let chosen: Vec<String> = all
        .map(|example| format!("\n  # {example}"))
        .filter(|example| {
            let example = format!("{example}\n");
            wanted
                .iter()
                .any(|wanted| example.contains(wanted.as_str()))
        })
        .collect();
    match chosen.is_empty() {
        true => examples.to_owned(),
        false => format!("{HEAD}{}", chosen.concat()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn commands_show_the_examples_that_use_them() {
        let group = Command::new("token")
            .after_help("Examples:\n  # A new one\n  lab token issue x\n  # All\n  lab token list")
            .subcommand(Command::new("issue"))
            .subcommand(Command::new("list"))
            .subcommand(Command::new("revoke"))
            .subcommand(Command::new("own").after_help("Examples:\n  # Mine\n  lab token own"));
        let group = inherit_examples(group);
        let help = |name| {
            let command = group.find_subcommand(name).unwrap();
            command.get_after_help().unwrap().to_string()
        };
        assert_eq!(
            help("issue"),
            "Examples:\n  # A new one\n  lab token issue x"
        );
        assert_eq!(help("list"), "Examples:\n  # All\n  lab token list");
        assert_eq!(help("own"), "Examples:\n  # Mine\n  lab token own");
        assert!(help("revoke").contains("issue") && help("revoke").contains("list"));
    }
}
