//! What is known about a lease, and when it counts as ready.

use jumpstarter_proto::v1::ExporterStatus;

use super::{Ended, Event, LeaseId, Life, Mode, Phase, Play, WARN, When, setup};

#[test]
fn a_new_machine_is_available_and_has_nothing_to_do() {
    let life = Life::new(setup(Mode::Controller, WARN, WARN));
    assert_eq!(life.phase(), Phase::Fresh);
    assert_eq!(life.status(), (ExporterStatus::Available, ""));
}

#[test]
fn a_lease_without_a_name_is_none() {
    let mut play = Play::idle(WARN, WARN);
    play.show_to("", "desk");
    assert_eq!(play.news(), [""; 0]);
    assert_eq!(play.life.phase(), Phase::Idle);

    let mut play = Play::ready(WARN, WARN);
    play.show_to("", "desk");
    assert_eq!(play.news(), [""; 0]);
    assert_eq!(play.life.phase(), Phase::Ready);
}

#[test]
fn nothing_begins_before_the_session_serves() {
    let mut play = Play::idle(WARN, WARN);
    play.show("a");
    assert_eq!(play.news(), ["open a for desk"]);
    assert_eq!(play.life.phase(), Phase::Opening);
    play.session();
    assert_eq!(
        play.news(),
        [
            "journal a",
            "BeforeLeaseHook: Running beforeLease hook",
            "run beforeLease"
        ]
    );
}

#[test]
fn the_client_may_become_known_late_and_change() {
    let mut play = Play::idle(None, WARN);
    play.show_to("a", "");
    play.session();
    play.show_to("a", "desk");
    play.show_to("a", "desk");
    assert_eq!(
        play.news(),
        [
            "open a for ",
            "journal a",
            "LeaseReady: Ready for commands",
            "client desk",
            "journal a"
        ]
    );
    play.free();
    assert_eq!(play.count("run afterLease"), 1);
}

#[test]
fn a_client_that_goes_has_no_hook_run_after_it() {
    let mut play = Play::ready(WARN, WARN);
    play.show_to("a", "");
    play.free();
    assert_eq!(
        play.news(),
        [
            "client ",
            "journal a",
            "forget",
            "Available: Available for new lease"
        ]
    );
}

#[test]
fn a_status_said_before_the_session_exists_is_the_first_of_the_session() {
    let mut play = Play::idle(WARN, WARN);
    let registered = (
        ExporterStatus::Available,
        "Exporter registered and available",
    );
    assert_eq!(play.life.status(), registered);
    play.show("a");
    assert_eq!(play.life.status(), registered);
    play.session();
    assert_eq!(play.life.status().0, ExporterStatus::BeforeLeaseHook);
}

#[test]
fn drivers_are_ready_only_when_the_hook_before_is_over() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.show("a");
    assert_eq!(play.count("LeaseReady"), 0);
    play.hook(When::Before, Ended::Ok);
    assert_eq!(play.count("LeaseReady"), 1);
}

#[test]
fn repeated_statuses_are_harmless() {
    let mut play = Play::ready(WARN, WARN);
    for _ in 0..3 {
        play.show("a");
    }
    assert_eq!(play.news(), [""; 0]);
}

#[test]
fn what_belongs_to_no_lease_changes_nothing() {
    let mut play = Play::idle(WARN, WARN);
    let id = LeaseId(7);
    for event in [
        Event::SessionReady(id),
        Event::SessionFailed(id, "late".into()),
        Event::HookEnded(id, When::After, Ended::Ok),
        Event::EndSession(id),
        Event::Seen(id),
        Event::Released(id),
        Event::Closed(id),
        Event::Gone,
        Event::Start,
    ] {
        play.on(event);
    }
    assert_eq!(play.news(), [""; 0]);
    assert_eq!(play.life.phase(), Phase::Idle);
}
