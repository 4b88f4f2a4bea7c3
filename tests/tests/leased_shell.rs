//! Our client takes leases: `jmp shell` from the first question to the released lease.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Duration;

use jumpstarter_tests::{
    Controller, Double, Hooks, Lab, Make, PATIENCE, Person, Rpc, Station, Visitor, run,
};

const LONG: Duration = Duration::from_secs(600);

fn station(lab: &Lab, controller: &Double, more: &str) -> Station {
    Station::start(lab, Make::of_exporter(), controller, more)
}

#[test]
fn a_command_with_a_lease() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = station(&lab, &controller, &hooks.yaml());
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let outcome = visitor.shell(["j", "power", "on"]);
    println!("{outcome}");
    outcome.succeeds();
    assert_eq!(outcome.stdout, "", "data only");
    outcome
        .complains("INFO     Acquiring lease ")
        .complains(" for selector board=story for duration 0:10:00")
        .complains("acquired successfully! (0:00:0")
        .complains("INFO     Waiting for beforeLease hook to complete...")
        .complains("before hook: executed")
        .complains("INFO     Running afterLease hook (Ctrl+C to skip)...")
        .complains("after hook: executed")
        .complains("INFO     afterLease hook completed")
        .never_says("interrupted")
        .never_says("Error");
    controller.wait_free();
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 1);
    assert_eq!(controller.calls(Rpc::DeleteLease).len(), 1);
    assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
}

#[test]
fn what_the_child_finds() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = station(&lab, &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let script = "echo $JMP_EXPORTER,$JMP_EXPORTER_LABELS,$JMP_DRIVERS_ALLOW,$JMP_LEASE; \
                  stat -c %a $(dirname $JUMPSTARTER_HOST); echo $JUMPSTARTER_HOST; exit 7";
    let outcome = visitor.shell(["sh", "-c", script]);
    outcome.fails(7);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    let labels = "board=story,jumpstarter.dev/name=board";
    assert!(
        lines[0].starts_with(&format!("board,{labels},UNSAFE,")),
        "{outcome}"
    );
    let lease = lines[0].rsplit(',').next().unwrap();
    outcome.complains(&format!("Releasing Lease {lease}"));
    assert_eq!(lines[1], "700");
    let run_folder = lab.folder("run");
    assert!(
        lines[2].starts_with(&format!("{}/jumpstarter-", run_folder.display())),
        "{outcome}"
    );
    assert!(
        !std::path::Path::new(lines[2]).parent().unwrap().exists(),
        "{outcome}"
    );
    controller.wait_free();
}

/// A shell whose lease ends while `script` runs: its exit code, and what was said.
///
/// On a busy machine a short lease may be over before the script has begun, and then the next one is
/// longer.
fn outlived(visitor: &Visitor<'_, Double>, controller: &Double, script: &str) -> (i32, String) {
    let script = format!("echo ready; {script}");
    for seconds in [6, 12, 24, 48] {
        let mut shell = visitor.leased(Duration::from_secs(seconds));
        let mut person = Person::starts(shell.args(["--", "sh", "-c", &script]));
        let code = person.ends();
        controller.wait_free();
        if person.said().contains("ready") {
            return (code, person.said());
        }
        assert_eq!(code, 0, "{}", person.said());
        println!("{seconds} seconds were not enough:\n{}", person.said());
    }
    panic!("the script never began");
}

#[test]
fn a_lease_that_ends_hangs_up() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = station(&lab, &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let (code, said) = outlived(&visitor, &controller, "exec sleep 600");
    println!("{said}");
    assert_eq!(code, 255, "{said}");
    assert!(said.contains(" ended at "), "{said}");
    assert!(!said.contains("Error:"), "{said}");
    assert!(!said.contains("afterLease"), "{said}");
    let trap = "trap 'exit 9' HUP; while :; do sleep 0.1; done";
    assert_eq!(outlived(&visitor, &controller, trap).0, 9);
}

#[test]
fn a_lease_that_somebody_ends_hangs_up() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = station(&lab, &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let mut shell = visitor.leased(LONG);
    let mut person = Person::starts(shell.args(["--", "sh", "-c", "echo ready; exec sleep 600"]));
    person.sees("ready");
    controller.end_lease(&controller.seen().lease.unwrap());
    assert_eq!(person.ends(), 255, "{}", person.said());
    person.is_told(" ended at ");
    assert!(!person.said().contains("Error:"), "{}", person.said());
    controller.wait_free();
}

#[test]
fn a_lease_that_is_there_is_used_and_kept() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = station(&lab, &controller, &hooks.yaml());
    let _visitor = Visitor::new(&lab, &controller, Make::Ours);
    let mut bare = lab.command("jmp");
    bare.args(["shell", "--client", "story", "j", "power", "on"]);
    run(&mut bare, PATIENCE).fails(2).complains(
        "Error: no active leases found. Use --selector/-l or --name/-n to create one, or create a \
         lease with 'jmp create lease'.",
    );
    let lease = controller.lease(LONG);
    for _ in 0..2 {
        run(&mut bare, PATIENCE)
            .succeeds()
            .never_says("Releasing")
            .never_says("afterLease hook");
    }
    assert_eq!(controller.seen().lease.as_ref(), Some(&lease));
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 0);
    controller.end_lease(&lease);
    let mut late = lab.command("jmp");
    late.args([
        "shell", "--client", "story", "--lease", &lease, "--", "true",
    ]);
    run(&mut late, PATIENCE)
        .fails(1)
        .complains(&format!("Error: lease {lease} has already ended"));
    controller.wait_free();
}
