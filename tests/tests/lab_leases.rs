//! Leases at our controller: who gets what and when, and who may do what with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use jumpstarter_tests::{
    Account, Cast, Controller, Lab, Make, PATIENCE, Person, Standalone, Station, Visitor,
    both_clients, run, three_ways,
};
use nix::sys::signal::Signal;

const LONG: Duration = Duration::from_secs(600);

three_ways![
    three_clients_get_one_exporter_in_the_order_they_came,
    a_client_that_came_first_is_served_when_the_exporter_comes,
    a_session_is_over_when_the_lease_changes_hands,
];

both_clients![
    a_lease_is_made_longer_while_it_is_used,
    a_lease_is_made_shorter_than_it_was,
    a_client_that_is_killed_keeps_its_lease_until_its_time_is_over,
];

fn board(lab: &Lab, controller: &Standalone, make: Make) -> Station {
    Station::start(lab, make, controller, "")
}

/// What somebody does who waits for a file in between.
fn script(gate: &Path, then: &str) -> String {
    let gate = gate.display();
    format!("echo ready; until [ -e {gate} ]; do sleep 0.05; done; {then}")
}

/// A shell of this client, with a lease of any board of the story.
fn starts(lab: &Lab, make: Make, account: &Account, duration: &str, script: &str) -> Person {
    let mut shell = account.shell(lab, make);
    // Lines are not to be broken.
    shell.env("COLUMNS", "500");
    shell.args(["--selector", "board=story", "--duration", duration]);
    shell.args(["--retry-timeout", "0", "--", "sh", "-c", script]);
    Person::starts(&mut shell)
}

/// The lease of a client, once it has one, as administrators see it.
#[track_caller]
fn lease_of(controller: &Standalone, client: &str) -> serde_json::Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let all = controller.about("/leases?ended=false").unwrap();
        let all = all.as_array().unwrap();
        if let Some(lease) = all.iter().find(|lease| lease["client"] == client) {
            return lease.clone();
        }
        assert!(Instant::now() < until, "{client} has no lease: {all:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for something that happens by itself.
#[track_caller]
fn until(what: &str, is: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "not yet: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn three_clients_get_one_exporter_in_the_order_they_came(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, cast.exporter);
    let first = controller.lease(LONG);
    let diary = lab.file("diary", "");
    let mut people = Vec::new();
    for (name, place) in [
        ("alice", "this lease is next in the queue"),
        ("bob", "this lease is number 2 in the queue"),
        ("carol", "this lease is number 3 in the queue"),
    ] {
        let account = controller.client(&lab, name, &["--unsafe"]);
        let script = format!("j power on && echo {name} >>{}", diary.display());
        let person = starts(&lab, cast.client, &account, "10m", &script);
        let lease = lease_of(&controller, name);
        let told = lease["conditions"][0]["message"].as_str().unwrap();
        assert!(told.contains(place), "{name}: {told}");
        if cast.client == Make::Ours {
            person.is_told(place);
        }
        people.push(person);
    }
    controller.end_lease(&first);
    for person in &mut people {
        assert_eq!(person.ends(), 0, "{}", person.said());
    }
    let order = fs::read_to_string(&diary).unwrap();
    assert_eq!(order, "alice\nbob\ncarol\n");
    controller.wait_free();
    assert!(controller.open_leases().is_empty());
}

fn a_client_that_came_first_is_served_when_the_exporter_comes(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let mut person = starts(&lab, cast.client, controller.tester(), "10m", "j power on");
    let lease = lease_of(&controller, "tester");
    assert_eq!(lease["conditions"][0]["reason"], "Offline", "{lease}");
    let make = cast.exporter;
    let _station = Station::launch(make, &mut Station::command(&lab, make, &controller, ""));
    assert_eq!(person.ends(), 0, "{}", person.said());
    controller.wait_free();
}

fn a_session_is_over_when_the_lease_changes_hands(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, cast.exporter);
    let bob = controller.client(&lab, "bob", &["--unsafe"]);
    let tester = controller.tester();
    let gate = lab.folder("go");
    let script = script(&gate, "j power on");
    let mut person = starts(&lab, cast.client, tester, "10m", &script);
    person.sees("ready");
    let lease = controller.seen().lease.unwrap();
    let words = ["update", "lease", &lease, "--to-client", "bob"];
    tester
        .jmp(&lab, cast.client, words)
        .succeeds()
        .prints("bob");
    fs::write(&gate, "").unwrap();
    assert_ne!(person.ends(), 0, "{}", person.said());
    let said = person.said();
    assert!(said.contains("transferred to another client"), "{said}");
    // It is still his who got it, and good for something.
    assert_eq!(controller.open_leases(), [&*lease]);
    // The last thing the reference's client does is to end the session, whosever it is by now.
    if cast.client == Make::Ours {
        let mut shell = bob.shell(&lab, cast.client);
        shell.args(["--lease", &lease, "--", "j", "power", "on"]);
        run(&mut shell, PATIENCE).succeeds();
        assert_eq!(controller.seen().lease.as_deref(), Some(&*lease));
    }
    bob.jmp(&lab, cast.client, ["delete", "leases", &lease])
        .succeeds();
    controller.wait_free();
}

fn a_lease_is_made_longer_while_it_is_used(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, Make::Ours);
    let tester = controller.tester();
    let gate = lab.folder("go");
    let script = script(&gate, "j power on && echo still here");
    let mut person = starts(&lab, client, tester, "10s", &script);
    person.sees("ready");
    let lease = controller.seen().lease.unwrap();
    let began = Instant::now();
    let words = ["update", "lease", &lease, "--duration", "1h"];
    tester.jmp(&lab, client, words).succeeds();
    until("the end that the lease had at first", || {
        began.elapsed().as_secs() >= 11
    });
    assert_eq!(controller.seen().lease.as_deref(), Some(&*lease));
    fs::write(&gate, "").unwrap();
    person.sees("still here");
    assert_eq!(person.ends(), 0, "{}", person.said());
    controller.wait_free();
}

fn a_lease_is_made_shorter_than_it_was(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, Make::Ours);
    let lease = controller.lease(LONG);
    let words = ["update", "lease", &lease, "--duration", "1s"];
    controller.tester().jmp(&lab, client, words).succeeds();
    controller.wait_free();
    let ended = controller.about(&format!("/leases/{lease}")).unwrap();
    let last = ended["conditions"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["type"], &last["reason"]),
        (&"Ready".into(), &"Expired".into()),
        "{ended}"
    );
    let again = ["update", "lease", &lease, "--duration", "1h"];
    let refused = controller.tester().jmp(&lab, client, again);
    assert_ne!(refused.code, 0, "{refused}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("ended"), "{refused}");
}

fn a_client_that_is_killed_keeps_its_lease_until_its_time_is_over(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, Make::Ours);
    let mut person = starts(
        &lab,
        client,
        controller.tester(),
        "10s",
        "echo ready; sleep 60",
    );
    person.sees("ready");
    let lease = controller.seen().lease.unwrap();
    person.signal(Signal::SIGKILL);
    assert_eq!(person.ends(), 128 + Signal::SIGKILL as i32);
    assert_eq!(controller.seen().lease.as_deref(), Some(&*lease));
    controller.wait_free();
    let ended = controller.about(&format!("/leases/{lease}")).unwrap();
    assert_eq!(ended["state"], "Ended", "{ended}");
    let visitor = Visitor::new(&lab, &controller, client);
    visitor.shell(["j", "power", "on"]).succeeds();
}

/// Nobody has to wait for exporters that somebody else has forbidden him.
#[test]
fn policies_decide_who_gets_what() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, Make::Ours);
    let team = controller.client(&lab, "team", &["--unsafe", "--label", "team=kernel"]);
    let policy = "apiVersion: jumpstarter.dev/v1alpha1\n\
                  kind: ExporterAccessPolicy\n\
                  metadata: {name: kernel}\n\
                  spec:\n  exporterSelector: {matchLabels: {board: story}}\n  policies:\n  \
                  - description: for the kernel team\n    priority: 5\n    maximumDuration: 1h\n    \
                  from:\n    - clientSelector: {matchLabels: {team: kernel}}\n";
    let file = lab.file("policy.yaml", policy);
    controller
        .admin(["policy", "apply", file.to_str().unwrap()])
        .succeeds();
    for make in [Make::Ours, Make::Reference] {
        let shell = |account: &Account, duration: &str| {
            let mut shell = account.shell(&lab, make);
            shell.args([
                "--selector",
                "board=story",
                "--duration",
                duration,
                "--",
                "true",
            ]);
            run(&mut shell, PATIENCE)
        };
        let refused = shell(controller.tester(), "10m");
        assert_ne!(refused.code, 0, "{refused}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("none of them are approved by any policy"),
            "{refused}"
        );
        assert!(said.contains("for the kernel team"), "{refused}");
        shell(&team, "10m").succeeds();
        controller.wait_free();
        assert_ne!(shell(&team, "2h").code, 0);
    }
}
