//! One lease after the other.

use super::{Ended, Event, Phase, Play, Timer, WARN, When};

/// Ends the lease that is ready now, from the controller's side, up to its closed session.
fn end(play: &mut Play) {
    play.free();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
}

#[test]
fn the_hook_after_waits_for_the_hook_before() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.free();
    assert_eq!(play.count("run afterLease"), 0);
    play.hook(When::Before, Ended::Ok);
    assert_eq!(play.count("run afterLease"), 1);
}

#[test]
fn a_lease_that_ends_early_does_not_spoil_the_next() {
    // While it opens, while its hook runs, and when it has just become ready.
    for steps in 0..3 {
        let mut play = Play::leased(WARN, WARN);
        if steps > 0 {
            play.session();
        }
        if steps > 1 {
            play.hook(When::Before, Ended::Ok);
        }
        play.free();
        if steps == 1 {
            play.hook(When::Before, Ended::Ok);
        }
        if steps > 0 {
            play.hook(When::After, Ended::Ok);
            play.fire(Timer::Settle);
        }
        play.closed();
        assert_eq!(play.life.phase(), Phase::Idle);
        assert_eq!(play.count("Available: Available for new lease"), 1);

        play.show("b");
        play.session();
        play.hook(When::Before, Ended::Ok);
        assert_eq!(play.life.phase(), Phase::Ready, "after {steps} steps");
    }
}

#[test]
fn the_first_lease_is_cleaned_up_before_the_second_is_prepared() {
    let mut play = Play::ready(WARN, WARN);
    play.free();
    play.show("b");
    assert_eq!(play.count("open b"), 0);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    assert_eq!(play.count("open b"), 0);
    play.closed();
    assert_eq!(play.count("open b"), 1);
    play.session();
    assert_eq!(play.count("run beforeLease"), 2);
    play.hook(When::Before, Ended::Ok);
    assert_eq!(play.life.phase(), Phase::Ready);
    end(&mut play);
    assert_eq!(play.count("run afterLease"), 2);
}

#[test]
fn another_lease_ends_the_one_that_is_served() {
    let mut play = Play::ready(WARN, WARN);
    play.show("b");
    assert_eq!(play.count("run afterLease"), 1);
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.count("release"), 0);
    assert_eq!(play.count("open b for desk"), 1);
}

#[test]
fn a_lease_right_after_a_released_one_is_served() {
    let mut play = Play::ready(WARN, WARN);
    play.end_session();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.released();
    play.closed();
    // The controller is a little behind.
    play.show("a");
    assert_eq!(play.life.phase(), Phase::Idle);
    play.show("b");
    play.session();
    play.hook(When::Before, Ended::Ok);
    assert_eq!(play.count("run beforeLease"), 2);
    assert_eq!(play.count("LeaseReady"), 2);
}

#[test]
fn a_lease_is_not_begun_again_while_the_controller_still_shows_it() {
    let mut play = Play::ready(WARN, None);
    play.end_session();
    play.fire(Timer::Settle);
    play.released();
    play.show("a");
    play.closed();
    play.show("a");
    assert_eq!(play.count("open a"), 1);
    // After it was gone it is a lease like any other.
    play.free();
    play.show("a");
    assert_eq!(play.count("open a"), 2);
}

#[test]
fn of_the_leases_that_wait_only_the_newest_is_served() {
    let mut play = Play::ready(None, WARN);
    play.show("b");
    play.show("c");
    play.show_to("d", "sofa");
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.count("open"), 2);
    assert_eq!(play.count("open d for sofa"), 1);
}

#[test]
fn a_lease_that_is_over_before_it_could_begin_opens_no_session() {
    let mut play = Play::ready(None, WARN);
    play.show("b");
    play.free();
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.count("open"), 1);
    assert_eq!(play.count("Available: Available for new lease"), 1);
    assert_eq!(play.life.phase(), Phase::Idle);
}

#[test]
fn a_lease_that_ends_while_its_session_opens_is_closed_without_hooks() {
    let mut play = Play::leased(WARN, WARN);
    play.free();
    assert_eq!(play.news(), ["Available: Available for new lease", "close"]);
    // Too late: the session is being closed.
    play.session();
    assert_eq!(play.news(), [""; 0]);
    play.closed();
    assert_eq!((play.count("run"), play.count("LeaseReady")), (0, 0));
}

#[test]
fn timers_of_an_old_lease_do_nothing_to_the_next() {
    let mut play = Play::ready(WARN, WARN);
    let old = play.id();
    end(&mut play);
    play.show("b");
    play.session();
    play.news();
    for timer in [
        Timer::Opening,
        Timer::Overdue(When::Before),
        Timer::Killed(When::Before),
        Timer::Overdue(When::After),
        Timer::Settle,
        Timer::Release,
    ] {
        play.on(Event::Timeout(old, timer));
    }
    play.on(Event::HookEnded(old, When::Before, Ended::Ok));
    play.on(Event::EndSession(old));
    play.on(Event::Closed(old));
    assert_eq!(play.news(), [""; 0]);
    assert_eq!(play.life.phase(), Phase::Before);
}

#[test]
fn a_lease_that_comes_back_while_it_is_wound_up_is_begun_again() {
    let mut play = Play::ready(None, WARN);
    play.free();
    play.show_to("a", "sofa");
    assert_eq!(play.count("client"), 0, "that is not the old one's");
    play.hook(When::After, Ended::Ok);
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!(play.count("open a for sofa"), 1);
}
