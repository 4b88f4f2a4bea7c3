//! What a process takes up that a process before it left.

use super::{Ended, Event, Mode, Phase, Play, Stopping, Timer, WARN, When, setup};

/// A process that finds the lease `a` in its journal.
fn recovered(after_started: bool) -> Play {
    let mut play = Play::fresh(setup(Mode::Controller, WARN, WARN));
    play.on(Event::Recovered {
        lease: "a".into(),
        client: "desk".into(),
        after_started,
    });
    play.on(Event::Start);
    play
}

#[test]
fn a_lease_left_open_is_cleaned_up_after_and_released() {
    let mut play = recovered(false);
    play.show("a");
    play.session();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    assert_eq!(
        play.news(),
        [
            "open a for desk",
            "mark a",
            "AfterLeaseHook: Running afterLease hooks",
            "run afterLease",
            "Available: Available for new lease",
            "release a",
            "Available: Exporter available after lease release",
            "close",
            "forget"
        ]
    );
    assert_eq!(play.life.phase(), Phase::Idle);
    assert_eq!(play.count("run beforeLease"), 0);
}

#[test]
fn it_is_cleaned_up_after_also_if_the_controller_has_ended_it() {
    let mut play = recovered(false);
    play.free();
    assert_eq!(play.life.phase(), Phase::Opening);
    play.session();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(
        (play.count("run afterLease"), play.count("release")),
        (1, 0)
    );
}

#[test]
fn a_hook_that_was_started_is_not_started_again() {
    let mut play = recovered(true);
    assert_eq!(play.news(), ["release a"]);
    play.released();
    play.closed();
    assert_eq!(
        play.news(),
        [
            "Available: Exporter available after lease release",
            "close",
            "forget"
        ]
    );
    play.show("a");
    assert_eq!(play.life.phase(), Phase::Idle);
    assert_eq!(play.count("run"), 0);
}

#[test]
fn a_new_lease_waits_for_what_was_left() {
    for after_started in [false, true] {
        let mut play = recovered(after_started);
        play.show("b");
        if !after_started {
            assert_eq!(play.count("open b"), 0);
            play.session();
            play.hook(When::After, Ended::Ok);
            play.fire(Timer::Settle);
        } else {
            play.released();
        }
        play.closed();
        assert_eq!(play.count("Available"), 1);
        assert_eq!(play.count("open b"), 1);
    }
}

#[test]
fn drivers_that_do_not_open_any_more_give_the_lease_back() {
    let mut play = recovered(false);
    play.news();
    play.on(Event::SessionFailed(play.id(), "no such device".into()));
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    assert_eq!(
        play.news(),
        [
            "AfterLeaseHookFailed: Session could not be opened: no such device",
            "release a",
            "Available: Exporter available after lease release",
            "close",
            "forget"
        ]
    );
}

#[test]
fn a_stop_leaves_the_entry_to_the_next_process() {
    let mut play = recovered(false);
    play.stop(Stopping::Now, 143);
    play.closed();
    assert_eq!(play.news(), ["open a for desk", "close", "offline"]);
}

#[test]
fn an_entry_that_asks_for_nothing_is_forgotten() {
    for (after, client) in [(None, "desk"), (WARN, "")] {
        let mut play = Play::fresh(setup(Mode::Controller, WARN, after));
        play.on(Event::Recovered {
            lease: "a".into(),
            client: client.into(),
            after_started: false,
        });
        play.on(Event::Start);
        assert_eq!(
            play.news(),
            ["forget", "Available: Exporter registered and available"]
        );
    }
}

#[test]
fn a_started_hook_asks_for_the_release_also_without_a_client_or_a_hook() {
    for (after, client) in [(None, "desk"), (WARN, "")] {
        let mut play = Play::fresh(setup(Mode::Controller, WARN, after));
        play.on(Event::Recovered {
            lease: "a".into(),
            client: client.into(),
            after_started: true,
        });
        play.on(Event::Start);
        assert_eq!(play.news(), ["release a"]);
    }
}
