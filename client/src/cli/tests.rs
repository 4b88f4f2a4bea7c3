#![allow(clippy::unwrap_used)]

use clap::{Arg, ArgAction, Command};

use super::*;

fn sample() -> Command {
    Command::new("jmp")
        .arg(
            Arg::new("level")
                .long("log-level")
                .value_parser(["DEBUG", "INFO"]),
        )
        .subcommand(
            Command::new("create")
                .subcommand(
                    Command::new("lease")
                        .arg(Arg::new("duration").long("duration").required(true))
                        .arg(
                            Arg::new("wait")
                                .short('w')
                                .long("wait")
                                .value_parser(integer),
                        )
                        .arg(Arg::new("quick").long("quick").action(ArgAction::SetTrue)),
                )
                .subcommand(Command::new("clients")),
        )
        .subcommand(
            Command::new("get")
                .subcommand(Command::new("exporters"))
                .subcommand(Command::new("leases")),
        )
        .subcommand(
            Command::new("config")
                .subcommand(Command::new("client").subcommand(Command::new("list"))),
        )
        .subcommand(
            Command::new("version").arg(Arg::new("output").short('o').value_parser(["name"])),
        )
        .subcommand(Command::new("use").arg(Arg::new("NAME").required(true)))
        .subcommand(
            Command::new("shell")
                .arg(Arg::new("command").num_args(0..).value_name("COMMAND"))
                .arg(Arg::new("host").long("tls-grpc")),
        )
}

fn run(words: &str) -> Result<clap::ArgMatches, Refusal> {
    CommandLine::new(sample(), words.split_whitespace(), USAGE).matches()
}

fn message(words: &str) -> String {
    let text = run(words).unwrap_err().text();
    let Some((_, message)) = text.split_once("Error: ") else {
        panic!("{words}: {text}");
    };
    message.trim_end().to_owned()
}

#[test]
fn a_mistake_is_shown_with_usage_and_where_to_look() {
    let refusal = run("/usr/bin/jmp create lease").unwrap_err();
    assert_eq!(refusal.code(), 2);
    assert_eq!(
        refusal.text(),
        "Usage: jmp create lease [OPTIONS]\n\
         Try 'jmp create lease --help' for help.\n\
         \n\
         Error: Missing option '--duration'.\n"
    );
}

#[test]
fn sentences() {
    for (words, expected) in [
        ("jmp nope", "No such command 'nope'."),
        ("jmp get l", "No such command 'l'."),
        ("jmp get leases --x", "No such option '--x'."),
        ("jmp use", "Missing argument 'NAME'."),
        ("jmp use a b", "Got unexpected extra argument (b)"),
        (
            "jmp create lease --duration 1 -w soon",
            "Invalid value for '-w' / '--wait': 'soon' is not a valid integer.",
        ),
        (
            "jmp create lease --duration",
            "Option '--duration' requires an argument.",
        ),
        (
            "jmp create lease --duration 3 --quick=1",
            "Option '--quick' does not take a value.",
        ),
        (
            "jmp create lease --duratio 3",
            "No such option '--duratio'. Did you mean '--duration'?",
        ),
        (
            "jmp --log-level LOUD version",
            "Invalid value for '--log-level': 'LOUD' is not one of 'DEBUG', 'INFO'.",
        ),
        (
            "jmp version -o yaml",
            "Invalid value for '-o': 'yaml' is not 'name'.",
        ),
        ("jmp --log-level INFO", "Missing command."),
        (
            "jmp shell --tls-grpc h:1 j power cycle -w 1",
            "No such option '-w'.",
        ),
    ] {
        assert_eq!(message(words), expected, "{words}");
    }
}

#[test]
fn an_option_value_is_not_taken_for_a_command() {
    let refusal = run("jmp --log-level INFO shell --tls-grpc use --x").unwrap_err();
    assert!(
        refusal
            .text()
            .starts_with("Usage: jmp shell [OPTIONS] [COMMAND]...\n")
    );
}

#[test]
fn the_command_that_owns_the_option_is_named() {
    for (words, usage) in [
        (
            "jmp --log-level LOUD version",
            "Usage: jmp [OPTIONS] COMMAND [ARGS]...",
        ),
        (
            "jmp --nope version",
            "Usage: jmp [OPTIONS] COMMAND [ARGS]...",
        ),
        ("jmp version --nope", "Usage: jmp version [OPTIONS]"),
        ("jmp version -o yaml", "Usage: jmp version [OPTIONS]"),
    ] {
        let text = run(words).unwrap_err().text();
        assert_eq!(text.lines().next(), Some(usage), "{words}");
    }
}

#[test]
fn groups_without_a_command_print_their_help() {
    let refusal = run("jmp get").unwrap_err();
    assert_eq!(refusal.code(), 2);
    assert!(!refusal.is_help());
    assert!(
        refusal
            .text()
            .contains("Usage: jmp get [OPTIONS] COMMAND [ARGS]...")
    );
}

#[test]
fn help_is_an_answer_not_an_error() {
    let refusal = run("jmp create leases --help").unwrap_err();
    assert!(refusal.is_help());
    assert_eq!(refusal.code(), 0);
    assert_eq!(
        refusal.text(),
        run("jmp create lease --help").unwrap_err().text()
    );
}

#[test]
fn aliases_work_where_they_are_unambiguous() {
    for (words, path) in [
        ("jmp g exporter", ["get", "exporters"]),
        ("jmp create leases --duration 3", ["create", "lease"]),
        ("jmp get lease", ["get", "leases"]),
    ] {
        let matches = run(words).unwrap();
        let (group, below) = matches.subcommand().unwrap();
        assert_eq!([group, below.subcommand_name().unwrap()], path, "{words}");
    }
    assert_eq!(run("jmp ver").unwrap().subcommand_name(), Some("version"));
    assert_eq!(message("jmp config clients"), "No such command 'clients'.");
}

#[test]
fn an_alias_with_two_owners_names_them() {
    let group = Command::new("jmp")
        .subcommand(Command::new("create"))
        .subcommand(Command::new("client"));
    let refusal = CommandLine::new(group, ["jmp", "c"], USAGE)
        .matches()
        .unwrap_err();
    assert!(
        refusal
            .text()
            .ends_with("Error: Too many matches: client, create\n")
    );
}

#[test]
fn a_repeated_option_replaces_the_earlier_one() {
    let matches = run("jmp create lease --duration 1 --duration 2").unwrap();
    let lease = matches.subcommand().unwrap().1.subcommand().unwrap().1;
    assert_eq!(lease.get_one::<String>("duration").unwrap(), "2");
}

#[test]
fn mistakes_found_later_name_the_same_command() {
    let mut line = CommandLine::new(sample(), ["j", "get", "leases"], USAGE_J);
    line.matches().unwrap();
    let refusal = line.refuse("pick one");
    assert_eq!(refusal.code(), 1);
    assert_eq!(
        refusal.text(),
        "Usage: j get leases [OPTIONS]\nTry 'j get leases --help' for help.\n\nError: pick one\n"
    );
}
