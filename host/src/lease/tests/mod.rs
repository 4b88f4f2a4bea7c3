//! The machine, one story per test. What happens in every order is in `tests/lease_simulation.rs`.

mod after;
mod before;
mod context;
mod crash;
mod direct;
mod force;
mod last;
mod leases;
mod properties;
mod stop;

use std::time::Duration;

use super::{Action, Ended, Event, LeaseId, Life, Mode, Phase, Rule, Setup, Stopping, Timer, When};
use crate::config::OnFailure;

/// A machine, and everything it did.
struct Play {
    life: Life,
    done: Vec<Action>,
    /// How much of `done` was looked at.
    seen: usize,
}

fn setup(mode: Mode, before: Option<OnFailure>, after: Option<OnFailure>) -> Setup {
    let rule = |on_failure| Rule {
        on_failure,
        timeout: Duration::from_secs(60),
    };
    Setup {
        mode,
        before: before.map(rule),
        after: after.map(rule),
        exit_on_lease_end: false,
    }
}

const WARN: Option<OnFailure> = Some(OnFailure::Warn);
const END_LEASE: Option<OnFailure> = Some(OnFailure::EndLease);
const EXIT: Option<OnFailure> = Some(OnFailure::Exit);

fn failed() -> Ended {
    Ended::Failed("Hook failed with exit code 1".into())
}

// === impl Play ===

impl Play {
    /// Registered at a controller, without a lease.
    fn idle(before: Option<OnFailure>, after: Option<OnFailure>) -> Self {
        let mut play = Self::fresh(setup(Mode::Controller, before, after));
        play.on(Event::Start);
        play.news();
        play
    }

    /// In the lease `a` of `desk`, whose session opens.
    fn leased(before: Option<OnFailure>, after: Option<OnFailure>) -> Self {
        let mut play = Self::idle(before, after);
        play.show("a");
        play.news();
        play
    }

    /// In the lease `a` of `desk`, which is the client's.
    fn ready(before: Option<OnFailure>, after: Option<OnFailure>) -> Self {
        let mut play = Self::leased(before, after);
        play.session();
        if before.is_some() {
            play.hook(When::Before, Ended::Ok);
        }
        assert_eq!(play.life.phase(), Phase::Ready);
        play.news();
        play
    }

    fn fresh(setup: Setup) -> Self {
        Self {
            life: Life::new(setup),
            done: Vec::new(),
            seen: 0,
        }
    }

    fn on(&mut self, event: Event) {
        self.done.extend(self.life.on(event));
    }

    /// The last lease that was opened.
    fn id(&self) -> LeaseId {
        self.done
            .iter()
            .rev()
            .find_map(|action| match action {
                Action::Open { id, .. } | Action::Release { id, .. } => Some(*id),
                _ => None,
            })
            .expect("a lease")
    }

    fn show(&mut self, lease: &str) {
        self.show_to(lease, "desk");
    }

    fn show_to(&mut self, lease: &str, client: &str) {
        self.on(Event::Status {
            leased: true,
            lease: lease.into(),
            client: client.into(),
        });
    }

    fn free(&mut self) {
        self.on(Event::Status {
            leased: false,
            lease: String::new(),
            client: String::new(),
        });
    }

    fn session(&mut self) {
        self.on(Event::SessionReady(self.id()));
    }

    fn hook(&mut self, when: When, ended: Ended) {
        self.on(Event::HookEnded(self.id(), when, ended));
    }

    fn end_session(&mut self) {
        self.on(Event::EndSession(self.id()));
    }

    fn fire(&mut self, timer: Timer) {
        self.on(Event::Timeout(self.id(), timer));
    }

    fn released(&mut self) {
        self.on(Event::Released(self.id()));
    }

    fn closed(&mut self) {
        self.on(Event::Closed(self.id()));
    }

    fn stop(&mut self, how: Stopping, code: u8) {
        self.on(Event::Stop { how, code });
    }

    /// What was done since the last look, in words; timers are left out.
    fn news(&mut self) -> Vec<String> {
        let news = self.done[self.seen..].iter().filter_map(words).collect();
        self.seen = self.done.len();
        news
    }

    /// How often something was done, as [`words`] calls it.
    fn count(&self, what: &str) -> usize {
        let done = self.done.iter().filter_map(words);
        done.filter(|words| words.starts_with(what)).count()
    }

    /// The timers asked for, with their seconds.
    fn timers(&self) -> Vec<(Timer, u64)> {
        let wait = |action: &Action| match action {
            Action::Wait(_, timer, time) => Some((*timer, time.as_secs())),
            _ => None,
        };
        self.done.iter().filter_map(wait).collect()
    }
}

fn words(action: &Action) -> Option<String> {
    Some(match action {
        Action::Open { lease, client, .. } => format!("open {lease} for {client}"),
        Action::Client { client, .. } => format!("client {client}"),
        Action::Journal {
            lease,
            after_started,
            ..
        } => match after_started {
            true => format!("mark {lease}"),
            false => format!("journal {lease}"),
        },
        Action::Forget => "forget".into(),
        Action::Report { status, message } => format!("{status:?}: {message}"),
        Action::Show { status, message } => format!("to clients {status:?}: {message}"),
        Action::Run(_, when) => format!("run {}", when.name()),
        Action::Kill(_, when) => format!("kill {}", when.name()),
        Action::Wait(..) => return None,
        Action::Release { lease, .. } => format!("release {lease}"),
        Action::Close(_) => "close".into(),
        Action::Offline => "offline".into(),
        Action::Sidecar => "sidecar".into(),
        Action::Exit(code) => format!("exit {code}"),
    })
}
