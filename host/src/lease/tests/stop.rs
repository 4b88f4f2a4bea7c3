//! How an exporter with a controller stops, wherever it is.

use super::{
    END_LEASE, EXIT, Ended, Event, Mode, Phase, Play, Stopping, Timer, WARN, When, failed, setup,
};

#[test]
fn a_stop_before_the_registration_ends_the_process_at_once() {
    let mut play = Play::fresh(setup(Mode::Controller, WARN, WARN));
    play.stop(Stopping::AfterLease, 129);
    assert_eq!(play.news(), ["exit 129"]);
    play.on(Event::Start);
    play.show("a");
    assert_eq!(play.news(), [""; 0]);
}

#[test]
fn an_idle_exporter_leaves_at_once_whatever_the_signal() {
    for (how, code) in [(Stopping::Now, 143), (Stopping::AfterLease, 129)] {
        let mut play = Play::idle(WARN, WARN);
        play.stop(how, code);
        play.show("a");
        play.on(Event::Gone);
        assert_eq!(play.news(), ["offline".to_owned(), format!("exit {code}")]);
    }
}

#[test]
fn an_exporter_that_served_a_lease_before_is_idle_too() {
    let mut play = Play::ready(None, None);
    play.free();
    play.fire(Timer::Settle);
    play.closed();
    play.news();
    play.stop(Stopping::AfterLease, 129);
    assert_eq!(play.news(), ["offline"]);
}

#[test]
fn a_session_that_opens_is_closed_and_not_released() {
    let mut play = Play::leased(WARN, WARN);
    play.stop(Stopping::Now, 143);
    play.session();
    play.closed();
    assert_eq!(play.news(), ["close", "offline"]);
}

#[test]
fn a_hook_before_the_lease_is_killed_and_cleaned_up_after() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.news();
    play.stop(Stopping::Now, 143);
    assert_eq!(play.news(), ["kill beforeLease"]);
    play.hook(When::Before, Ended::Killed);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    play.on(Event::Gone);
    assert_eq!(
        play.news(),
        [
            "mark a",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "to clients Available: Available for new lease",
            "release a",
            "close",
            "forget",
            "offline",
            "exit 143"
        ]
    );
}

#[test]
fn a_served_lease_is_cleaned_up_released_and_the_exporter_goes() {
    let mut play = Play::ready(None, WARN);
    play.stop(Stopping::Now, 143);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    assert_eq!(
        play.news(),
        [
            "mark a",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "to clients Available: Available for new lease",
            "release a"
        ]
    );
    // A controller that does not answer is not waited for.
    assert_eq!(play.timers().last(), Some(&(Timer::Release, 10)));
    play.fire(Timer::Release);
    play.closed();
    assert_eq!(play.news(), ["close", "forget", "offline"]);
}

#[test]
fn a_lease_without_hooks_is_left_to_the_controller() {
    let mut play = Play::ready(None, None);
    play.stop(Stopping::Now, 143);
    play.closed();
    assert_eq!(play.news(), ["close", "offline"]);
}

#[test]
fn a_hook_after_the_lease_is_waited_for() {
    let mut play = Play::ready(None, WARN);
    play.free();
    play.news();
    play.stop(Stopping::Now, 143);
    assert_eq!(play.news(), [""; 0]);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(
        play.news(),
        [
            "to clients Available: Available for new lease",
            "close",
            "forget",
            "offline"
        ]
    );
}

#[test]
fn a_release_under_way_is_given_ten_more_seconds() {
    let mut play = Play::ready(WARN, None);
    play.end_session();
    play.fire(Timer::Settle);
    play.stop(Stopping::Now, 143);
    assert_eq!(play.timers().last(), Some(&(Timer::Release, 10)));
    play.news();
    play.released();
    play.closed();
    assert_eq!(play.news(), ["close", "offline"]);
}

#[test]
fn a_hangup_lets_the_lease_go_on_and_the_exporter_goes_when_it_ends() {
    let mut play = Play::ready(WARN, WARN);
    play.stop(Stopping::AfterLease, 129);
    play.stop(Stopping::AfterLease, 129);
    assert_eq!(play.news(), [""; 0]);
    play.free();
    play.hook(When::After, Ended::Ok);
    play.show("b");
    play.fire(Timer::Settle);
    play.closed();
    play.on(Event::Gone);
    assert_eq!(
        play.news(),
        [
            "mark a",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "to clients Available: Available for new lease",
            "close",
            "forget",
            "offline",
            "exit 129"
        ]
    );
}

#[test]
fn a_hangup_while_the_session_opens_still_serves_the_lease() {
    let mut play = Play::leased(None, None);
    play.stop(Stopping::AfterLease, 129);
    play.session();
    assert_eq!(play.news(), ["LeaseReady: Ready for commands"]);
}

#[test]
fn a_lease_that_is_over_before_it_begins_is_not_available_in_an_exporter_that_stops() {
    let mut play = Play::leased(WARN, WARN);
    play.stop(Stopping::AfterLease, 129);
    play.free();
    play.closed();
    assert_eq!(
        play.news(),
        [
            "to clients Available: Available for new lease",
            "close",
            "offline"
        ]
    );
}

#[test]
fn a_termination_after_a_hangup_does_not_wait_for_the_lease() {
    let mut play = Play::ready(None, WARN);
    play.stop(Stopping::AfterLease, 129);
    play.stop(Stopping::Now, 143);
    assert_eq!((play.count("run afterLease"), play.count("kill")), (1, 0));
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    play.on(Event::Gone);
    assert_eq!(play.count("exit 143"), 1);
}

#[test]
fn a_signal_overrules_a_hook_that_waits_for_the_lease_to_end() {
    let mut play = Play::leased(EXIT, WARN);
    play.session();
    play.hook(When::Before, failed());
    play.fire(Timer::Settle);
    play.news();
    play.stop(Stopping::AfterLease, 129);
    assert_eq!(play.news(), [""; 0]);
    play.stop(Stopping::Now, 143);
    play.closed();
    play.on(Event::Gone);
    assert_eq!(play.news(), ["close", "offline", "exit 143"]);
}

#[test]
fn a_hook_that_ends_before_it_could_be_killed_makes_nobody_ready() {
    for ended in [Ended::Ok, failed()] {
        let mut play = Play::leased(WARN, WARN);
        play.session();
        play.stop(Stopping::Now, 143);
        play.hook(When::Before, ended);
        assert_eq!(
            (play.count("LeaseReady"), play.count("run afterLease")),
            (0, 1)
        );
    }
}

#[test]
fn a_hangup_after_a_termination_takes_nothing_back() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.stop(Stopping::Now, 143);
    play.stop(Stopping::AfterLease, 129);
    play.hook(When::Before, Ended::Killed);
    assert_eq!(play.life.phase(), Phase::After);
    play.stop(Stopping::Now, 143);
    assert_eq!(play.count("kill afterLease"), 1);
}

#[test]
fn a_failed_lease_is_not_available_in_an_exporter_that_stops() {
    let mut play = Play::ready(None, END_LEASE);
    play.free();
    play.hook(When::After, failed());
    play.stop(Stopping::AfterLease, 129);
    play.news();
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.news(), ["close", "forget", "offline"]);
}

#[test]
fn a_termination_while_the_last_words_are_shown_does_not_wait_for_the_lease() {
    let mut play = Play::leased(EXIT, WARN);
    play.session();
    play.hook(When::Before, failed());
    play.stop(Stopping::Now, 143);
    play.news();
    play.fire(Timer::Settle);
    assert_eq!(
        play.news(),
        [
            "Offline: Exporter shutting down due to beforeLease hook failure",
            "close"
        ]
    );
}
