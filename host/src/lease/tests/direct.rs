//! Without a controller: one lease for everybody.

use super::{
    END_LEASE, EXIT, Ended, Event, Mode, OnFailure, Phase, Play, Stopping, Timer, WARN, When,
    failed, setup,
};

fn direct(before: Option<OnFailure>, after: Option<OnFailure>) -> Play {
    let mut play = Play::fresh(setup(Mode::Direct, before, after));
    play.on(Event::Start);
    play.session();
    play
}

#[test]
fn the_port_opens_before_the_hook_and_closes_after_the_other_hook() {
    let mut play = direct(WARN, WARN);
    assert_eq!(
        play.news(),
        [
            "open standalone for ",
            "BeforeLeaseHook: Running beforeLease hook",
            "run beforeLease"
        ]
    );
    assert_eq!(
        play.timers().len(),
        1,
        "drivers may take their time to open"
    );
    play.hook(When::Before, Ended::Ok);
    play.stop(Stopping::Now, 143);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(
        play.news(),
        [
            "LeaseReady: Ready for commands",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "Available: Available for new lease",
            "close",
            "exit 143"
        ]
    );
}

#[test]
fn without_hooks_it_serves_until_it_is_stopped() {
    let mut play = direct(None, None);
    play.stop(Stopping::AfterLease, 129);
    play.closed();
    assert_eq!(
        play.news(),
        [
            "open standalone for ",
            "LeaseReady: Ready for commands",
            "close",
            "exit 129"
        ]
    );
}

#[test]
fn a_client_that_ends_its_session_changes_nothing() {
    let mut play = direct(None, WARN);
    play.news();
    play.end_session();
    play.show("a");
    play.free();
    assert_eq!(play.news(), [""; 0]);
    assert_eq!(play.life.phase(), Phase::Ready);
}

#[test]
fn a_failure_that_ends_the_lease_stays_to_be_seen_for_ever() {
    let mut play = direct(END_LEASE, WARN);
    play.hook(When::Before, failed());
    play.news();
    play.fire(Timer::Settle);
    play.end_session();
    assert_eq!(play.life.phase(), Phase::Waiting);
    play.stop(Stopping::Now, 143);
    play.closed();
    assert_eq!(play.news(), ["close", "exit 143"]);
}

#[test]
fn a_failure_that_ends_the_exporter_ends_it_without_waiting_for_anybody() {
    let mut play = direct(EXIT, WARN);
    play.hook(When::Before, failed());
    play.news();
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(
        play.news(),
        [
            "Offline: Exporter shutting down due to beforeLease hook failure",
            "close",
            "exit 1"
        ]
    );
}

#[test]
fn drivers_that_do_not_open_end_the_process() {
    let mut play = Play::fresh(setup(Mode::Direct, WARN, WARN));
    play.on(Event::Start);
    play.on(Event::SessionFailed(play.id(), "no such device".into()));
    play.closed();
    assert_eq!(play.news(), ["open standalone for ", "close", "exit 1"]);
}

#[test]
fn a_hook_that_fails_at_the_end_is_shown_and_the_signal_keeps_its_code() {
    let mut play = direct(None, EXIT);
    play.stop(Stopping::Now, 143);
    play.hook(When::After, failed());
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.count("Offline"), 1);
    assert_eq!(play.count("exit 143"), 1);
}
