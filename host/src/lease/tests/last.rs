//! An exporter that lives for one lease.

use super::{Ended, Event, Mode, Phase, Play, Setup, Timer, WARN, When, setup};

fn only_one_lease(before: bool) -> Play {
    let mut play = Play::fresh(Setup {
        exit_on_lease_end: true,
        ..setup(Mode::Controller, WARN.filter(|_| before), None)
    });
    play.on(Event::Start);
    play.news();
    play
}

#[test]
fn an_exporter_for_one_lease_waits_for_it_and_goes_with_it() {
    let mut play = only_one_lease(false);
    play.free();
    play.free();
    assert_eq!(play.news(), [""; 0], "no lease is not the end of one");
    play.show("a");
    play.session();
    play.news();
    play.free();
    play.fire(Timer::Settle);
    play.closed();
    play.on(Event::Gone);
    assert_eq!(
        play.news(),
        [
            "to clients Available: Available for new lease",
            "close",
            "offline",
            "sidecar",
            "exit 0"
        ]
    );
}

#[test]
fn an_exporter_for_one_lease_goes_when_it_has_released_it() {
    let mut play = only_one_lease(true);
    play.show("a");
    play.session();
    play.hook(When::Before, Ended::Ok);
    play.end_session();
    play.fire(Timer::Settle);
    play.news();
    play.released();
    play.closed();
    play.on(Event::Gone);
    assert_eq!(play.news(), ["close", "offline", "sidecar", "exit 0"]);
}

#[test]
fn an_exporter_for_many_leases_goes_on() {
    let mut play = Play::ready(None, None);
    play.free();
    play.fire(Timer::Settle);
    play.closed();
    assert_eq!((play.count("sidecar"), play.count("offline")), (0, 0));
    assert_eq!(play.life.phase(), Phase::Idle);
}
