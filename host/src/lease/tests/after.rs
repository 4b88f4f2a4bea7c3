//! The afterLease hook, the final status, and the release.

use super::{END_LEASE, EXIT, Ended, Event, Phase, Play, Timer, WARN, When, failed};

#[test]
fn a_client_that_ends_the_session_waits_for_the_hook_and_the_exporter_releases() {
    let mut play = Play::ready(WARN, WARN);
    play.end_session();
    play.end_session();
    play.hook(When::After, Ended::Ok);
    assert_eq!(
        play.news(),
        [
            "mark a",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "Available: Available for new lease"
        ]
    );
    assert_eq!(play.timers().last(), Some(&(Timer::Settle, 1)));
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    assert_eq!(
        play.news(),
        [
            "release a",
            "Available: Exporter available after lease release",
            "close",
            "forget"
        ]
    );
    assert_eq!(play.life.phase(), Phase::Idle);
}

#[test]
fn without_a_hook_after_any_hook_at_all_means_that_the_exporter_releases() {
    let mut play = Play::ready(WARN, None);
    play.end_session();
    play.fire(Timer::Settle);
    assert_eq!(
        play.news(),
        ["Available: Available for new lease", "release a"]
    );
}

#[test]
fn without_hooks_the_end_of_a_session_releases_nothing() {
    let mut play = Play::ready(None, None);
    play.end_session();
    assert_eq!(play.news(), ["Available: Available for new lease"]);
    assert_eq!(play.life.phase(), Phase::Waiting);
    play.show("a");
    play.end_session();
    assert_eq!(play.news(), [""; 0]);
    play.free();
    play.closed();
    assert_eq!(play.news(), ["close"]);
    assert_eq!(play.life.phase(), Phase::Idle);
}

#[test]
fn a_lease_that_the_controller_ended_is_not_released() {
    let mut play = Play::ready(WARN, WARN);
    play.free();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.count("release"), 0);
    assert_eq!(play.count("Available: Available for new lease"), 1);
    assert_eq!(play.life.phase(), Phase::Idle);
}

#[test]
fn a_warning_makes_the_exporter_available_once() {
    let mut play = Play::ready(None, WARN);
    play.free();
    play.news();
    play.hook(When::After, failed());
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(
        play.news(),
        [
            "Available: [HOOK_WARNING] afterLease hook warning: Hook failed with exit code 1",
            "close",
            "forget"
        ]
    );
}

#[test]
fn a_failure_that_ends_the_exporter_is_never_available_and_releases_nothing() {
    for gone in [true, false] {
        let mut play = Play::ready(None, EXIT);
        if gone {
            play.free();
        } else {
            play.end_session();
        }
        play.news();
        play.hook(When::After, failed());
        play.fire(Timer::Settle);
        let mut expected = vec![
            "AfterLeaseHookFailed: afterLease hook failed (on_failure=exit, shutting down): \
             Hook failed with exit code 1",
            "Offline: Exporter shutting down due to afterLease hook failure",
        ];
        if gone {
            expected.push("close");
        }
        assert_eq!(play.news(), expected);
        assert!(play.timers().contains(&(Timer::Settle, 2)));
        if !gone {
            assert_eq!(play.life.phase(), Phase::Waiting);
            play.free();
            assert_eq!(play.news(), ["close"]);
        }
        play.closed();
        play.on(Event::Gone);
        assert_eq!(play.news(), ["forget", "offline", "exit 1"]);
        assert_eq!(play.count("release"), 0);
    }
}

#[test]
fn a_failure_after_a_lease_that_the_controller_ended_ends_in_available() {
    for (after, ended) in [
        (END_LEASE, failed()),
        (WARN, Ended::Unexpected("no pty".into())),
    ] {
        let mut play = Play::ready(None, after);
        play.free();
        play.news();
        play.hook(When::After, ended);
        assert!(play.news()[0].starts_with("AfterLeaseHookFailed: afterLease hook failed"));
        play.fire(Timer::Settle);
        play.closed();
        assert_eq!(
            play.news(),
            ["Available: Available for new lease", "close", "forget"]
        );
        assert_eq!(play.life.phase(), Phase::Idle);
    }
}

#[test]
fn a_failure_after_a_lease_that_the_client_ended_is_released_and_available() {
    let mut play = Play::ready(None, END_LEASE);
    play.end_session();
    play.hook(When::After, failed());
    play.fire(Timer::Settle);
    play.news();
    play.released();
    assert_eq!(
        play.news(),
        ["Available: Exporter available after lease release", "close"]
    );
}

#[test]
fn the_final_status_is_shown_no_longer_than_somebody_looks() {
    let mut play = Play::ready(WARN, WARN);
    play.on(Event::Seen(play.id()));
    play.end_session();
    play.on(Event::Seen(play.id()));
    assert_eq!(play.life.phase(), Phase::After);
    play.hook(When::After, Ended::Ok);
    play.on(Event::Seen(play.id()));
    assert_eq!(play.life.phase(), Phase::Releasing);
    // The timer of the pause that was cut short.
    play.fire(Timer::Settle);
    assert_eq!(play.life.phase(), Phase::Releasing);
}

#[test]
fn the_hook_runs_once_whoever_ends_the_lease_first() {
    let mut play = Play::ready(WARN, WARN);
    play.end_session();
    play.free();
    play.end_session();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.free();
    play.closed();
    assert_eq!(play.count("run afterLease"), 1);
    assert_eq!(play.count("release"), 0);
}

#[test]
fn the_controller_may_show_the_end_before_it_answers_the_release() {
    for timer in [true, false] {
        let mut play = Play::ready(WARN, WARN);
        play.end_session();
        play.hook(When::After, Ended::Ok);
        play.fire(Timer::Settle);
        play.news();
        play.free();
        assert_eq!(play.news(), [""; 0]);
        assert_eq!(play.timers().last(), Some(&(Timer::Release, 10)));
        if timer {
            play.fire(Timer::Release);
        } else {
            play.released();
        }
        // Said again: an old controller is told of the release by another status.
        assert_eq!(
            play.news(),
            ["Available: Exporter available after lease release", "close"]
        );
    }
}

#[test]
fn a_lease_without_a_client_is_not_cleaned_up_after() {
    let mut play = Play::idle(WARN, WARN);
    play.show_to("a", "");
    play.session();
    play.hook(When::Before, Ended::Ok);
    play.news();
    play.free();
    assert_eq!(
        play.news(),
        ["forget", "Available: Available for new lease"]
    );
    let mut play = Play::ready(WARN, WARN);
    play.news();
    play.free();
    play.hook(When::After, Ended::Ok);
    assert_eq!(
        play.news()[1..],
        [
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "Available: Available for new lease"
        ]
    );
}

#[test]
fn a_hook_that_does_not_end_is_killed_and_has_failed() {
    let mut play = Play::ready(None, WARN);
    play.free();
    assert_eq!(
        play.timers().last(),
        Some(&(Timer::Overdue(When::After), 90))
    );
    play.news();
    play.fire(Timer::Overdue(When::After));
    play.hook(When::After, Ended::Killed);
    assert_eq!(
        play.news(),
        [
            "kill afterLease",
            "AfterLeaseHookFailed: afterLease hook failed: \
             the hook did not end by its own timeout and was killed"
        ]
    );
}

#[test]
fn a_hook_that_cannot_even_be_killed_is_left_behind() {
    let mut play = Play::ready(None, WARN);
    play.free();
    play.fire(Timer::Overdue(When::After));
    play.news();
    play.fire(Timer::Killed(When::After));
    assert_eq!(
        play.news(),
        ["AfterLeaseHookFailed: afterLease hook failed: \
          the hook was killed and is still not gone; it is left behind"]
    );
    play.hook(When::After, Ended::Killed);
    assert_eq!(play.news(), [""; 0]);
}
