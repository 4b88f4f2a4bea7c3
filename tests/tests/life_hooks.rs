//! Hooks of an exporter at a controller, as somebody with a lease sees them: with the reference's
//! client, and with ours, at the stand-in; and all ways at our controller.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Cast, Double, Lab, Make, Outcome, Programs, Stage, Standalone, Station, Visitor,
};

/// The ways in which a client may say that a session cannot be had.
const REFUSALS: [&str; 5] = [
    "beforeLease hook fail",
    "Exporter shutting down",
    "Connection to exporter lost",
    "did not respond to initial",
    "unreachable after",
];

const OVERTAKEN: &str =
    "OFFLINE overtakes the failure, and a client that is connected waits for 300 s";

/// Both clients live through the story.
macro_rules! with_both_clients {
    ($($story:ident),* $(,)?) => {
        mod the_reference_client {
            use super::{Cast, Double, Make};
            $(#[test] fn $story() { super::$story::<Double>(Cast::with(Make::Reference)); })*
        }
        mod our_client {
            use super::{Cast, Double, Make};
            $(#[test] fn $story() { super::$story::<Double>(Cast::with(Make::Ours)); })*
        }
    };
}

/// Everybody does, at our controller.
macro_rules! at_our_controller {
    ($($story:ident),* $(,)?) => {
        mod at_our_controller {
            use super::{Cast, Standalone};
            $(fn $story(cast: Cast) { super::$story::<Standalone>(cast); })*
            jumpstarter_tests::three_ways![$($story),*];
        }
    };
}

with_both_clients![
    output_of_the_first_hook_reaches_a_client_that_comes_after_it,
    output_of_the_second_hook_comes_before_the_end,
    the_first_hook_comes_before_the_second,
    a_first_hook_that_fails_may_be_a_warning,
    a_first_hook_that_fails_may_end_the_lease_every_time,
    a_first_hook_that_fails_may_end_the_exporter,
    a_second_hook_that_fails_may_be_a_warning,
    a_second_hook_that_fails_may_end_the_exporter,
    a_hook_that_takes_too_long_is_ended,
    hooks_use_the_drivers_and_know_the_lease,
    hooks_run_in_any_interpreter,
    a_lease_that_ends_by_itself_is_no_error,
    a_lease_that_ends_during_the_first_hook_is_no_error,
    a_lease_that_ends_soon_after_the_first_hook_is_no_error,
    hooks_that_misbehave_cost_nobody_the_lease,
];

at_our_controller![
    output_of_the_first_hook_reaches_a_client_that_comes_after_it,
    output_of_the_second_hook_comes_before_the_end,
    the_first_hook_comes_before_the_second,
    a_first_hook_that_fails_may_be_a_warning,
    a_first_hook_that_fails_may_end_the_lease_every_time,
    a_first_hook_that_fails_may_end_the_exporter,
    a_second_hook_that_fails_may_be_a_warning,
    a_second_hook_that_fails_may_end_the_exporter,
    a_hook_that_takes_too_long_is_ended,
    hooks_use_the_drivers_and_know_the_lease,
    hooks_run_in_any_interpreter,
    a_lease_that_ends_by_itself_is_no_error,
    a_lease_that_ends_during_the_first_hook_is_no_error,
    a_lease_that_ends_soon_after_the_first_hook_is_no_error,
];

/// A station with these hooks, and a visitor.
fn scene<At: Stage>(hooks: &str, cast: Cast, story: impl FnOnce(Station, &At, &Visitor<'_, At>)) {
    let lab = Lab::new();
    let controller = At::start(&lab);
    let make = cast.exporter;
    let mut command = Station::command(&lab, make, &controller, &format!("hooks:\n{hooks}"));
    command.env("PATH", search_path(&command));
    let mut station = Station::launch(make, &mut command);
    station.wait_free(&controller);
    let visitor = Visitor::new(&lab, &controller, cast.client);
    story(station, &controller, &visitor);
}

/// The exporter's own, and after it that of the reference: `.py` hooks use its library.
fn search_path(command: &std::process::Command) -> String {
    let python = Lab::new()
        .programs()
        .python("python3")
        .expect("`make venv`");
    let own = command.get_envs().find(|(name, _)| *name == "PATH");
    let own = own
        .and_then(|(_, value)| value)
        .expect("every program has one");
    let (first, rest) = own.to_str().unwrap().split_once(':').unwrap();
    format!("{first}:{}:{rest}", python.parent().unwrap().display())
}

fn words(outcome: &Outcome) -> String {
    format!("{}\n{}", outcome.stdout, outcome.stderr)
}

#[track_caller]
fn says(outcome: &Outcome, text: &str) {
    assert!(words(outcome).contains(text), "no `{text}` said: {outcome}");
}

#[track_caller]
fn is_refused(outcome: &Outcome) {
    assert_ne!(outcome.code, 0, "{outcome}");
    let said = words(outcome);
    let known = REFUSALS.iter().any(|text| said.contains(text));
    assert!(known, "none of {REFUSALS:?}: {outcome}");
}

/// What happens inside the exporter is not for clients.
fn keeps_its_internals(outcome: &Outcome) {
    outcome
        .never_says("Starting hook subprocess")
        .never_says("Creating PTY")
        .never_says("Hook executed successfully");
}

/// The exporter is gone within half a minute, as the hook's mode says, and said good-bye.
#[track_caller]
fn has_gone(station: Station, controller: &impl Stage, cast: Cast) -> String {
    let (code, log) = station.wait(Duration::from_secs(30));
    if cast.exporter == Make::Ours {
        assert_eq!(code, 1, "{log}");
    }
    controller.wait_offline();
    log
}

fn output_of_the_first_hook_reaches_a_client_that_comes_after_it<At: Stage>(cast: Cast) {
    let hooks = "  beforeLease: {script: 'echo BEFORE: executed', timeout: 10}\n";
    scene::<At>(hooks, cast, |_station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        says(&outcome, "BEFORE: executed");
        keeps_its_internals(&outcome);
        controller.wait_free();
    });
}

fn output_of_the_second_hook_comes_before_the_end<At: Stage>(cast: Cast) {
    let hooks = "  afterLease: {script: 'echo AFTER: executed', timeout: 10}\n";
    scene::<At>(hooks, cast, |station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        says(&outcome, "AFTER: executed");
        keeps_its_internals(&outcome);
        controller.wait_free();
        assert!(station.log().text().contains("AFTER: executed"));
    });
}

fn the_first_hook_comes_before_the_second<At: Stage>(cast: Cast) {
    let hooks = "  beforeLease: {script: 'echo BEFORE: executed', timeout: 10}\n  \
                 afterLease: {script: 'echo AFTER: executed', timeout: 10}\n";
    scene::<At>(hooks, cast, |_station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        controller.wait_free();
        let said = words(&outcome);
        let place = |text| {
            said.find(text)
                .unwrap_or_else(|| panic!("no `{text}`: {said}"))
        };
        assert!(
            place("BEFORE: executed") < place("AFTER: executed"),
            "{said}"
        );
        let Some(statuses) = controller.reported() else {
            return;
        };
        let statuses: Vec<_> = statuses.into_iter().map(|s| s.0).collect();
        use ExporterStatus::*;
        let expected = [
            Available,
            BeforeLeaseHook,
            LeaseReady,
            AfterLeaseHook,
            Available,
        ];
        let mut left = statuses.iter();
        for status in expected {
            assert!(
                left.any(|s| *s == status),
                "{status:?} is not in {statuses:?}"
            );
        }
    });
}

fn a_first_hook_that_fails_may_be_a_warning<At: Stage>(cast: Cast) {
    let hooks =
        "  beforeLease: {script: 'echo BEFORE: failing; exit 1', timeout: 10, onFailure: warn}\n";
    scene::<At>(hooks, cast, |_station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        says(&outcome, "BEFORE: failing");
        says(&outcome, "Warning: beforeLease hook warning: ");
        controller.wait_free();
    });
}

fn a_first_hook_that_fails_may_end_the_lease_every_time<At: Stage>(cast: Cast) {
    let hooks = "  beforeLease: {script: 'echo BEFORE: failing; exit 1', timeout: 10, onFailure: endLease}\n  \
                 afterLease: {script: 'echo AFTER: executed', timeout: 10}\n";
    scene::<At>(hooks, cast, |station, controller, visitor| {
        for _ in 0..2 {
            let outcome = visitor.shell(["j", "power", "on"]);
            is_refused(&outcome);
            outcome.never_says("AFTER: executed");
            controller.wait_free();
        }
        assert!(!station.log().text().contains("AFTER: executed"));
    });
}

fn a_first_hook_that_fails_may_end_the_exporter<At: Stage>(cast: Cast) {
    if !cast.holds_for_exporter(OVERTAKEN) {
        return;
    }
    let hooks = "  beforeLease: {script: 'echo BEFORE: failing; exit 1', timeout: 10, onFailure: exit}\n  \
                 afterLease: {script: 'echo AFTER: executed', timeout: 10}\n";
    scene::<At>(hooks, cast, |station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        is_refused(&outcome);
        outcome.never_says("AFTER: executed");
        let log = has_gone(station, controller, cast);
        assert!(!log.contains("AFTER: executed"), "{log}");
    });
}

fn a_second_hook_that_fails_may_be_a_warning<At: Stage>(cast: Cast) {
    let hooks =
        "  afterLease: {script: 'echo AFTER: failing; exit 1', timeout: 10, onFailure: warn}\n";
    scene::<At>(hooks, cast, |station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        says(&outcome, "AFTER: failing");
        says(&outcome, "Warning: afterLease hook warning: ");
        controller.wait_free();
        assert!(station.log().text().contains("AFTER: failing"));
        let warned = |(status, message): &(ExporterStatus, String)| {
            *status == ExporterStatus::Available && message.starts_with("[HOOK_WARNING] ")
        };
        if let Some(statuses) = controller.reported() {
            assert_eq!(
                statuses.iter().filter(|s| warned(s)).count(),
                1,
                "{statuses:?}"
            );
        }
    });
}

fn a_second_hook_that_fails_may_end_the_exporter<At: Stage>(cast: Cast) {
    if !cast.holds_for_exporter(OVERTAKEN) {
        return;
    }
    let hooks =
        "  afterLease: {script: 'echo AFTER: failing; exit 1', timeout: 10, onFailure: exit}\n";
    scene::<At>(hooks, cast, |station, controller, visitor| {
        visitor.shell(["j", "power", "on"]);
        has_gone(station, controller, cast);
        let Some(statuses) = controller.reported() else {
            return;
        };
        let last = statuses.last().map(|s| s.0);
        assert_eq!(last, Some(ExporterStatus::Offline), "{statuses:?}");
        let free = |s: &&(ExporterStatus, String)| s.0 == ExporterStatus::Available;
        // The one from the beginning.
        assert_eq!(statuses.iter().filter(free).count(), 1, "{statuses:?}");
    });
}

fn a_hook_that_takes_too_long_is_ended<At: Stage>(cast: Cast) {
    let hooks = "  beforeLease: {script: 'echo BEFORE: sleeping; sleep 3600', timeout: 5, onFailure: warn}\n";
    scene::<At>(hooks, cast, |_station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        says(&outcome, "BEFORE: sleeping");
        controller.wait_free();
    });
}

fn hooks_use_the_drivers_and_know_the_lease<At: Stage>(cast: Cast) {
    let hooks = "  beforeLease:\n    timeout: 30\n    script: |\n      \
                 j power on && echo BEFORE: lease=$LEASE_NAME client=$CLIENT_NAME\n  \
                 afterLease:\n    timeout: 30\n    script: |\n      \
                 j power off && echo AFTER: lease=$LEASE_NAME client=$CLIENT_NAME\n";
    scene::<At>(hooks, cast, |station, controller, visitor| {
        let outcome = visitor.shell(["j", "power", "on"]);
        outcome.succeeds();
        controller.wait_free();
        let log = station.log().text();
        for hook in ["BEFORE", "AFTER"] {
            let start = format!("{hook}: lease=");
            let line = log.lines().find(|line| line.contains(&start));
            let line = line.unwrap_or_else(|| panic!("no `{start}`:\n{log}"));
            let rest = line.split(&start).nth(1).unwrap();
            let (lease, rest) = rest.split_once(' ').unwrap();
            assert_eq!(lease.len(), 36, "a lease has a UUID for a name: {line}");
            assert!(rest.starts_with("client=tester"), "{line}");
        }
        assert!(log.contains("power off"), "{log}");
    });
}

fn hooks_run_in_any_interpreter<At: Stage>(cast: Cast) {
    let lab = Lab::new();
    let python = "from jumpstarter.utils.env import env\n\
                  with env() as client:\n    client.power.on()\n    print('PYTHON: complete')\n";
    let cases = [
        (
            "exec: /bin/bash",
            "'[[ 1 == 1 ]] && echo BASH: complete'".into(),
            "BASH: complete",
        ),
        (
            "timeout: 50",
            lab.file("hook.py", python).display().to_string(),
            "PYTHON: complete",
        ),
        (
            "timeout: 10",
            lab.file("hook.sh", "echo SHELL: complete\n")
                .display()
                .to_string(),
            "SHELL: complete",
        ),
    ];
    for (how, script, marker) in cases {
        let hooks = format!("  beforeLease: {{script: {script}, {how}, onFailure: endLease}}\n");
        scene::<At>(&hooks, cast, |_station, controller, visitor| {
            let outcome = visitor.shell(["j", "power", "on"]);
            outcome.succeeds();
            says(&outcome, marker);
            controller.wait_free();
        });
    }
}

fn a_lease_ends_by_itself<At: Stage>(hooks: &str, seconds: u64, cast: Cast) {
    scene::<At>(hooks, cast, |_station, controller, visitor| {
        let outcome = visitor.shell_for(Duration::from_secs(seconds), ["sleep", "30"]);
        println!("{outcome}");
        outcome.reports_no_error();
        controller.wait_free();
    });
}

fn hooks_that_misbehave_cost_nobody_the_lease<At: Stage>(cast: Cast) {
    for hook in [
        // Not there; not a program; killed; deaf to SIGTERM.
        "script: /no/such/hook.sh, timeout: 10",
        "script: 'echo no', exec: /etc/passwd, timeout: 10",
        "script: 'kill -9 $$', timeout: 10",
        "script: 'trap \"\" TERM; while :; do sleep 1; done', timeout: 1",
        // It says much, and nothing of it is text.
        "script: 'head -c 3000000 /dev/urandom', timeout: 50",
        // It leaves somebody behind who holds its terminal.
        "script: 'sleep 600 &', timeout: 10",
    ] {
        println!("{hook}");
        let hooks = format!(
            "  beforeLease: {{{hook}, onFailure: warn}}\n  afterLease: {{{hook}, onFailure: warn}}\n"
        );
        scene::<At>(&hooks, cast, |_station, controller, visitor| {
            visitor.shell(["j", "power", "on"]).succeeds();
            controller.wait_free();
        });
    }
}

const SLOW: &str = "  beforeLease: {script: 'sleep 8', timeout: 30}\n";

fn a_lease_that_ends_by_itself_is_no_error<At: Stage>(cast: Cast) {
    a_lease_ends_by_itself::<At>("  {}\n", 10, cast);
}

fn a_lease_that_ends_during_the_first_hook_is_no_error<At: Stage>(cast: Cast) {
    let reason =
        "0.9.0 lets nobody in before the hook has ended, which its client calls unreachable";
    if cast.holds_for_exporter(reason) {
        a_lease_ends_by_itself::<At>(SLOW, 5, cast);
    }
}

fn a_lease_that_ends_soon_after_the_first_hook_is_no_error<At: Stage>(cast: Cast) {
    a_lease_ends_by_itself::<At>(SLOW, 12, cast);
}

#[test]
fn the_programs_of_the_reference_are_there() {
    assert!(Programs::find().python("jmp").is_some(), "run `make venv`");
}
