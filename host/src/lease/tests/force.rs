//! The second signal: somebody does not want to wait.

use super::{Ended, Event, Phase, Play, Stopping, Timer, WARN, When};

#[test]
fn a_second_signal_kills_hooks_and_waits_for_nobody() {
    let mut play = Play::ready(None, WARN);
    play.stop(Stopping::Now, 143);
    play.news();
    play.stop(Stopping::Now, 130);
    assert_eq!(play.news(), ["kill afterLease"]);
    play.stop(Stopping::Now, 130);
    play.hook(When::After, Ended::Killed);
    play.closed();
    play.stop(Stopping::Now, 130);
    assert_eq!(play.news(), ["close", "forget", "offline", "exit 143"]);
    play.on(Event::Gone);
    assert_eq!(play.news(), [""; 0]);
}

#[test]
fn a_second_signal_leaves_the_cleaning_to_the_next_process() {
    let mut play = Play::leased(WARN, WARN);
    play.session();
    play.stop(Stopping::Now, 143);
    play.stop(Stopping::Now, 143);
    play.hook(When::Before, Ended::Killed);
    play.closed();
    assert_eq!((play.count("run afterLease"), play.count("forget")), (0, 0));
}

#[test]
fn a_second_signal_cuts_pauses_and_releases_short() {
    let mut play = Play::ready(WARN, None);
    play.end_session();
    play.stop(Stopping::Now, 143);
    assert_eq!(play.life.phase(), Phase::Settling);
    play.stop(Stopping::Now, 143);
    assert_eq!(play.life.phase(), Phase::Closing);

    let mut play = Play::ready(WARN, None);
    play.stop(Stopping::Now, 143);
    play.fire(Timer::Settle);
    assert_eq!(play.life.phase(), Phase::Releasing);
    play.stop(Stopping::Now, 143);
    assert_eq!(play.life.phase(), Phase::Closing);
}
