//! What could stand in a place of a command line.

use clap::{Arg, ArgAction, Command, ValueHint};

/// One thing that could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The value itself.
    Plain,
    /// The shell knows files better.
    File,
    /// And folders.
    Folder,
}

/// Where the words before lead.
struct Place<'a> {
    command: &'a Command,
    /// The option whose value comes next.
    option: Option<&'a Arg>,
    /// After `--`, nothing is an option.
    only_arguments: bool,
    /// How many arguments were given.
    arguments: usize,
}

/// What could stand behind `before`, beginning with `incomplete`.
pub(super) fn find(command: &Command, before: &[String], incomplete: &str) -> Vec<Candidate> {
    let place = Place::find(command, before);
    if let Some(option) = place.option {
        return values(option, incomplete);
    }
    if !place.only_arguments && incomplete.starts_with('-') {
        if let Some((name, value)) = incomplete.split_once('=') {
            let option = option_called(place.command, name);
            return option.map_or_else(Vec::new, |option| values(option, value));
        }
        return options(place.command, incomplete);
    }
    let mut found = if place.only_arguments || place.arguments > 0 {
        Vec::new()
    } else {
        commands(place.command, incomplete)
    };
    if let Some(argument) = place.argument() {
        found.extend(values(argument, incomplete));
    }
    found
}

// === impl Place ===

impl<'a> Place<'a> {
    fn find(command: &'a Command, before: &[String]) -> Self {
        let mut place = Self {
            command,
            option: None,
            only_arguments: false,
            arguments: 0,
        };
        for word in before {
            place.step(word);
        }
        place
    }

    fn step(&mut self, word: &str) {
        if self.option.take().is_some() {
            return;
        }
        if self.only_arguments {
            self.arguments += 1;
        } else if word == "--" {
            self.only_arguments = true;
        } else if word.starts_with('-') && word != "-" {
            self.option = option_called(self.command, word)
                .filter(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append));
        } else if let (0, Some(command)) = (self.arguments, self.command.find_subcommand(word)) {
            self.command = command;
        } else {
            self.arguments += 1;
        }
    }

    /// The argument whose turn it is.
    fn argument(&self) -> Option<&'a Arg> {
        let mut arguments = self.command.get_positionals().enumerate();
        let turn = arguments.find(|(place, arg)| {
            let many = arg
                .get_num_args()
                .is_some_and(|range| range.max_values() > 1);
            *place == self.arguments || (many && *place < self.arguments)
        });
        turn.map(|(_, arg)| arg)
    }
}

fn option_called<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .find(|arg| names(arg).any(|name| name == word))
}

fn names(arg: &Arg) -> impl Iterator<Item = String> {
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    long.into_iter().chain(short)
}

fn options(command: &Command, incomplete: &str) -> Vec<Candidate> {
    let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut found: Vec<Candidate> = visible
        .flat_map(|arg| names(arg).map(|name| plain(name, arg.get_help())))
        .collect();
    if option_called(command, "--help").is_none() && !command.is_disable_help_flag_set() {
        found.push(plain("--help".to_owned(), None));
    }
    found.retain(|candidate| candidate.value.starts_with(incomplete));
    found
}

fn commands(group: &Command, incomplete: &str) -> Vec<Candidate> {
    let fits =
        |command: &&Command| !command.is_hide_set() && command.get_name().starts_with(incomplete);
    let mut found: Vec<Candidate> = group
        .get_subcommands()
        .filter(fits)
        .map(|command| plain(command.get_name().to_owned(), command.get_about()))
        .collect();
    found.sort_by(|a, b| a.value.cmp(&b.value));
    found
}

fn values(arg: &Arg, incomplete: &str) -> Vec<Candidate> {
    let kind = match arg.get_value_hint() {
        ValueHint::FilePath | ValueHint::AnyPath => Some(Kind::File),
        ValueHint::DirPath => Some(Kind::Folder),
        _ => None,
    };
    if let Some(kind) = kind {
        return vec![Candidate {
            kind,
            value: incomplete.to_owned(),
            help: None,
        }];
    }
    arg.get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && value.get_name().starts_with(incomplete))
        .map(|value| plain(value.get_name().to_owned(), value.get_help()))
        .collect()
}

fn plain(value: String, help: Option<&clap::builder::StyledStr>) -> Candidate {
    let help = help.map(ToString::to_string);
    Candidate {
        kind: Kind::Plain,
        value,
        help: help.and_then(|text| text.lines().next().map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Command {
        Command::new("j")
            .arg(
                Arg::new("level")
                    .long("log-level")
                    .value_parser(["DEBUG", "INFO"]),
            )
            .subcommand(
                Command::new("power")
                    .about("Generic power")
                    .subcommand(Command::new("on"))
                    .subcommand(Command::new("off"))
                    .subcommand(
                        Command::new("cycle").arg(Arg::new("wait").short('w').long("wait")),
                    ),
            )
            .subcommand(Command::new("pdu").arg(Arg::new("state").value_parser(["on", "off"])))
            .subcommand(Command::new("flash").arg(Arg::new("file").value_hint(ValueHint::FilePath)))
    }

    fn complete(before: &[&str], incomplete: &str) -> Vec<String> {
        let before: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        find(&sample(), &before, incomplete)
            .into_iter()
            .map(|candidate| candidate.value)
            .collect()
    }

    #[test]
    fn commands_options_and_values() {
        assert_eq!(complete(&[], "p"), ["pdu", "power"]);
        assert_eq!(complete(&["power"], "o"), ["off", "on"]);
        assert_eq!(complete(&["power", "cycle"], "--"), ["--wait", "--help"]);
        assert_eq!(complete(&["--log-level"], ""), ["DEBUG", "INFO"]);
        assert_eq!(complete(&["--log-level", "INFO"], "po"), ["power"]);
        assert_eq!(complete(&[], "--log-level=D"), ["DEBUG"]);
        assert_eq!(complete(&["pdu"], "of"), ["off"]);
        assert_eq!(complete(&["pdu", "off"], ""), [""; 0]);
        assert_eq!(complete(&["power", "--"], "o"), [""; 0]);
    }

    #[test]
    fn files_are_left_to_the_shell() {
        let found = find(&sample(), &["flash".to_owned()], "im");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].value.as_str()), (Kind::File, "im"));
    }
}
