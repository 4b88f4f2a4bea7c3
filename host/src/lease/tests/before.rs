//! The beforeLease hook and what follows from its end.

use super::{END_LEASE, EXIT, Ended, Event, Phase, Play, Timer, WARN, When, failed};

#[test]
fn without_a_hook_the_lease_is_ready_at_once() {
    for after in [None, WARN] {
        let mut play = Play::leased(None, after);
        play.session();
        let news = play.news();
        assert_eq!(news.last().unwrap(), "LeaseReady: Ready for commands");
        assert_eq!(play.count("run"), 0);
    }
}

#[test]
fn the_lease_can_be_ended_after_every_end_of_the_hook() {
    let ends = [
        (WARN, Ended::Ok),
        (WARN, failed()),
        (END_LEASE, failed()),
        (EXIT, failed()),
        (WARN, Ended::Unexpected("no pty".into())),
    ];
    for (before, ended) in ends {
        let mut play = Play::leased(before, WARN);
        play.session();
        play.hook(When::Before, ended.clone());
        play.free();
        if play.life.phase() == Phase::After {
            play.hook(When::After, Ended::Ok);
        }
        play.fire(Timer::Settle);
        assert_eq!(play.life.phase(), Phase::Closing, "{ended:?}");
    }
    // And without the hook, because the lease is over already.
    let mut play = Play::leased(WARN, WARN);
    play.free();
    assert_eq!(play.life.phase(), Phase::Closing);
}

#[test]
fn a_failure_that_ends_the_lease_is_shown_for_a_second_and_releases_once() {
    let mut play = Play::leased(END_LEASE, WARN);
    play.session();
    play.news();
    play.hook(When::Before, failed());
    assert_eq!(
        play.news(),
        [
            "forget",
            "BeforeLeaseHookFailed: beforeLease hook failed (on_failure=endLease): \
             Hook failed with exit code 1"
        ]
    );
    assert_eq!(play.timers().last(), Some(&(Timer::Settle, 1)));
    play.fire(Timer::Settle);
    assert_eq!(play.news(), ["release a"]);
    // Also when the release failed: nobody can say so here.
    play.released();
    assert_eq!(
        play.news(),
        ["Available: Exporter available after lease release", "close"]
    );
    play.closed();
    assert_eq!(play.life.phase(), Phase::Idle);
    assert_eq!((play.count("run afterLease"), play.count("exit")), (0, 0));
}

#[test]
fn a_failure_that_ends_the_exporter_is_shown_before_offline_which_is_the_last_status() {
    let mut play = Play::leased(EXIT, WARN);
    play.session();
    play.news();
    play.hook(When::Before, failed());
    assert_eq!(
        play.news(),
        [
            "forget",
            "BeforeLeaseHookFailed: beforeLease hook failed (on_failure=exit, shutting down): \
             Hook failed with exit code 1"
        ]
    );
    assert_eq!(play.timers().last(), Some(&(Timer::Settle, 2)));
    play.fire(Timer::Settle);
    assert_eq!(
        play.news(),
        ["Offline: Exporter shutting down due to beforeLease hook failure"]
    );
    // The lease is the controller's to end.
    assert_eq!(play.life.phase(), Phase::Waiting);
    play.end_session();
    play.fire(Timer::Settle);
    assert_eq!(play.news(), [""; 0]);
    play.free();
    play.closed();
    play.on(Event::Gone);
    assert_eq!(play.news(), ["close", "offline", "exit 1"]);
    assert_eq!(play.count("Available"), 1, "the one of the registration");
    assert_eq!(
        (play.count("AfterLeaseHook"), play.count("release")),
        (0, 0)
    );
}

#[test]
fn a_warning_makes_the_lease_ready_once_and_it_ends_as_usual() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.news();
    play.hook(When::Before, failed());
    assert_eq!(
        play.news(),
        ["LeaseReady: [HOOK_WARNING] beforeLease hook warning: Hook failed with exit code 1"]
    );
    play.free();
    play.hook(When::After, Ended::Ok);
    assert_eq!(play.count("LeaseReady"), 1);
    assert_eq!(
        play.news(),
        [
            "mark a",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "Available: Available for new lease"
        ]
    );
}

#[test]
fn a_lease_that_is_over_before_its_hook_starts_runs_none() {
    for before in [WARN, END_LEASE, EXIT] {
        let mut play = Play::leased(before, WARN);
        play.free();
        assert_eq!(play.news(), ["Available: Available for new lease", "close"]);
        play.session();
        play.fire(Timer::Opening);
        play.closed();
        assert_eq!(play.news(), [""; 0]);
        assert_eq!(play.life.phase(), Phase::Idle);
    }
}

#[test]
fn a_session_that_never_becomes_ready_fails_after_30_seconds() {
    let mut play = Play::leased(WARN, WARN);
    assert_eq!(play.timers(), [(Timer::Opening, 30)]);
    play.fire(Timer::Opening);
    assert_eq!(
        play.news(),
        ["BeforeLeaseHookFailed: Timeout waiting for lease scope to be ready"]
    );
    // There is nobody who could have seen it there.
    play.on(Event::Seen(play.id()));
    assert_eq!(play.life.phase(), Phase::Settling);
    play.session();
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    assert_eq!(
        play.news(),
        [
            "release a",
            "Available: Exporter available after lease release",
            "close"
        ]
    );
    assert_eq!(play.life.phase(), Phase::Idle);
}

#[test]
fn a_session_that_cannot_be_opened_says_why() {
    let mut play = Play::leased(None, None);
    play.on(Event::SessionFailed(play.id(), "no such device".into()));
    assert_eq!(
        play.news(),
        ["BeforeLeaseHookFailed: Session could not be opened: no such device"]
    );
    play.free();
    play.fire(Timer::Settle);
    assert_eq!(play.news(), ["Available: Available for new lease", "close"]);
}

#[test]
fn a_lease_that_ends_while_the_hook_runs_is_never_ready_but_cleaned_up() {
    for ended in [Ended::Ok, failed()] {
        let mut play = Play::leased(WARN, WARN);
        play.session();
        play.news();
        play.free();
        assert_eq!(play.news(), [""; 0], "the hook is not interrupted");
        play.hook(When::Before, ended);
        assert_eq!(
            play.news(),
            [
                "mark a",
                "AfterLeaseHook: Running afterLease hooks",
                "run afterLease"
            ]
        );
        assert_eq!(play.count("LeaseReady"), 0);
    }
}

#[test]
fn a_client_that_ends_the_session_while_the_hook_runs_is_not_let_in() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.end_session();
    play.hook(When::Before, Ended::Ok);
    assert_eq!((play.count("LeaseReady"), play.count("kill")), (0, 0));
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    assert_eq!(play.count("release a"), 1);
}

#[test]
fn after_an_unexpected_error_the_lease_stays_until_somebody_ends_it_and_is_cleaned_up() {
    let mut play = Play::leased(EXIT, WARN);
    play.session();
    play.news();
    play.hook(When::Before, Ended::Unexpected("no pty".into()));
    assert_eq!(
        play.news(),
        ["BeforeLeaseHookFailed: beforeLease hook failed: no pty"]
    );
    assert_eq!(play.life.phase(), Phase::Broken);
    play.end_session();
    assert_eq!(play.count("run afterLease"), 1);
    assert_eq!(play.count("exit"), 0);
}

#[test]
fn a_hook_that_does_not_end_is_killed_30_seconds_after_its_own_timeout() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    assert_eq!(
        play.timers().last(),
        Some(&(Timer::Overdue(When::Before), 90))
    );
    play.free();
    play.news();
    play.fire(Timer::Overdue(When::Before));
    assert_eq!(play.news(), ["kill beforeLease"]);
    assert_eq!(
        play.timers().last(),
        Some(&(Timer::Killed(When::Before), 15))
    );
    play.fire(Timer::Overdue(When::Before));
    assert_eq!(play.news(), [""; 0]);
    // Not even that helps: the exporter goes on without it.
    play.fire(Timer::Killed(When::Before));
    assert_eq!(play.count("run afterLease"), 1);
    play.hook(When::Before, Ended::Killed);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.life.phase(), Phase::Idle);
}

#[test]
fn a_client_who_is_done_before_the_session_is_known_to_serve_has_no_hook_run() {
    let mut play = Play::leased(WARN, WARN);
    play.end_session();
    play.session();
    play.fire(Timer::Settle);
    assert_eq!(
        play.news(),
        ["Available: Available for new lease", "release a"]
    );
}
