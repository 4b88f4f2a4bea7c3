//! Which lease a shell uses, and how somebody at a terminal chooses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{process::Command, time::Duration};

use jumpstarter_tests::{
    Controller, Double, Lab, Make, PATIENCE, Rpc, Station, Terminal, Visitor, run,
};

const LONG: Duration = Duration::from_secs(600);
const WAITS: &str =
    "Waiting for lease: There is 1 exporter (`board`), but all of them are already leased";

/// `jmp shell` as the client of this controller.
fn shell(lab: &Lab, args: &[&str]) -> Command {
    let mut command = lab.command("jmp");
    command.args(["shell", "--client", "story"]).args(args);
    command
}

#[test]
fn among_several_one_must_be_named() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _visitor = Visitor::new(&lab, &controller, Make::Ours);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let first = controller.lease(LONG);
    let second = controller.ask_for_lease(LONG);
    let outcome = run(&mut shell(&lab, &["--", "true"]), PATIENCE);
    println!("{outcome}");
    outcome
        .fails(2)
        .complains("Error: multiple active leases found:\n")
        .complains(&format!(
            "  {first} (exporter=board, selector=board=story, expires 20"
        ))
        .complains(&format!("  {second} (selector=board=story)\n"))
        .complains("Use --lease to specify one, or run interactively to select.");
    let show = ["--", "sh", "-c", "echo $JMP_LEASE"];
    let named = run(shell(&lab, &["--lease", &first]).args(show), PATIENCE);
    named.succeeds().prints(&first);
    let listed = controller.calls(Rpc::ListLeases).len();
    let by_variable = run(
        shell(&lab, &[]).args(show).env("JMP_LEASE", &first),
        PATIENCE,
    );
    by_variable.succeeds().prints(&first);
    assert_eq!(
        controller.calls(Rpc::ListLeases).len(),
        listed,
        "a named lease is not looked for"
    );
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 0);
    assert_eq!(
        controller.open_leases(),
        [first, second],
        "what was there is left alone"
    );
}

#[test]
fn somebody_at_a_terminal_picks_one() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _visitor = Visitor::new(&lab, &controller, Make::Ours);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let first = controller.lease(LONG);
    let second = controller.ask_for_lease(LONG);
    let command = shell(&lab, &["--", "sh", "-c", "echo uses $JMP_LEASE"]);
    let mut terminal = Terminal::start(&command);
    terminal
        .shows("Multiple active leases found:", PATIENCE)
        .shows(&format!("  1) {first}"), PATIENCE)
        .shows(&format!("  2) {second}"), PATIENCE)
        .shows("Select a lease [1-2]: ", PATIENCE)
        .types("3\r")
        .shows("Error: 3 is not in the range 1<=x<=2.", PATIENCE)
        .types("first\r")
        .shows("Error: 'first' is not a valid integer range.", PATIENCE)
        .types("1\r")
        .shows(&format!("uses {first}"), PATIENCE);
    assert_eq!(terminal.ends(PATIENCE), 0);
    let mut terminal = Terminal::start(&command);
    terminal
        .shows("Select a lease [1-2]: ", PATIENCE)
        .types("\x03")
        .shows("Aborted by user.", PATIENCE);
    assert_eq!(terminal.ends(PATIENCE), 1);
    assert_eq!(controller.open_leases().len(), 2);
}

#[test]
fn somebody_at_a_terminal_sees_what_is_waited_for() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let other = controller.lease(LONG);
    let mut command = visitor.leased(LONG);
    command.env("SHELL", "/bin/bash");
    let mut terminal = Terminal::start(&command);
    terminal
        .shows(&format!("{WAITS} (0:00:0"), PATIENCE)
        .shows("(0:00:02)", PATIENCE);
    controller.end_lease(&other);
    terminal
        .shows("acquired successfully!", PATIENCE)
        .shows("board", PATIENCE)
        .shows("➤", PATIENCE)
        .types("j power on && exit 4\r");
    assert_eq!(terminal.ends(PATIENCE), 4);
    assert_eq!(controller.open_leases(), [""; 0]);
    // Who says that nobody is there sees lines.
    let other = controller.lease(LONG);
    command.env("NONINTERACTIVE", "True").args(["--", "true"]);
    let mut terminal = Terminal::start(&command);
    terminal
        .shows(&format!("INFO     {WAITS}"), PATIENCE)
        .types("\x03");
    assert_eq!(terminal.ends(PATIENCE), 2);
    assert_eq!(controller.open_leases(), [other]);
}

#[test]
fn a_lease_of_something_else_is_not_taken() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _visitor = Visitor::new(&lab, &controller, Make::Ours);
    let lease = controller.ask_for_lease(LONG);
    let other = [
        "--lease",
        &lease,
        "--selector",
        "board=other",
        "--acquisition-timeout",
        "5",
        "--",
        "true",
    ];
    let outcome = run(&mut shell(&lab, &other), PATIENCE);
    println!("{outcome}");
    outcome.fails(1).complains(&format!(
        "WARNING  Existing lease from env or flag {lease} has selector 'board=story' but requested \
         selector is 'board=other'. Creating a new lease instead"
    ));
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 1);
    assert_eq!(
        controller.open_leases(),
        std::slice::from_ref(&lease),
        "the new one is released"
    );
    controller.transfer(&lease, "somebody-else");
    run(
        &mut shell(&lab, &["--lease", &lease, "--", "true"]),
        PATIENCE,
    )
    .fails(1)
    .complains(&format!(
        "Error: lease {lease} belongs to client 'somebody-else', not the current client 'tester'"
    ));
    run(&mut shell(&lab, &["--", "true"]), PATIENCE)
        .fails(2)
        .complains("no active leases found");
    run(
        &mut shell(&lab, &["--lease", "gone", "--", "true"]),
        PATIENCE,
    )
    .fails(1)
    .complains("Error: grpc controller responded: leases.jumpstarter.dev \"gone\" not found");
}

#[test]
fn options_are_checked_before_anything_is_asked() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _visitor = Visitor::new(&lab, &controller, Make::Ours);
    for (args, code, text) in [
        (
            &["--acquisition-timeout", "4s"][..],
            2,
            "'4s' must be at least 5 seconds",
        ),
        (
            &["--dial-timeout", "1"],
            2,
            "'1' must be at least 5 seconds",
        ),
        (
            &["--retry-timeout", "-1"],
            2,
            "'-1' must be at least 0 seconds",
        ),
        (&["--duration", "soon"], 2, "'soon' is not a valid duration"),
        (
            &["--client-config", "x.yaml"],
            2,
            "only one of --client, --client-config, --exporter",
        ),
    ] {
        let outcome = run(
            shell(&lab, args).args(["-l", "a=b", "--", "true"]),
            PATIENCE,
        );
        outcome.fails(code).complains(text);
    }
    let outcome = run(
        shell(&lab, &["-l", "a=b", "true"]).env("JMP_DIAL_TIMEOUT", "5m"),
        PATIENCE,
    );
    outcome.fails(1).complains("JMP_DIAL_TIMEOUT");
    let mut nobody = lab.command("jmp");
    run(nobody.args(["shell", "--", "true"]), PATIENCE)
        .fails(2)
        .complains("Specify one of: --client");
    assert!(
        controller.journal().is_empty(),
        "{:#?}",
        controller.journal()
    );
}
