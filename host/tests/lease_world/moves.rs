//! All that could happen now, and one of it.

use jumpstarter_host::lease::{Event, Mode, Phase, Stopping, Timer};
use jumpstarter_proto::v1::ExporterStatus;

use super::{Fate, Held, Violation, World};

/// Something that could happen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    Start,
    Session,
    Hook,
    Timer(usize),
    Release,
    Close,
    Goodbye,
    Deliver,
    Late,
    // From here on only while the world is not calm.
    Assign,
    Jump,
    Take,
    Rename,
    Say,
    Lie,
    Nonsense,
    Away,
    EndSession,
    Seen,
    Hup,
    Term,
    Kill,
}

// === impl World ===

impl World {
    /// Lets something happen. False if nothing can.
    pub fn step(&mut self) -> Result<bool, Violation> {
        let moves = if self.calm {
            self.due()
        } else {
            let mut moves = self.due();
            moves.extend(self.timers());
            moves.extend(self.trouble());
            moves
        };
        if moves.is_empty() {
            return Ok(false);
        }
        let it = self.chance.pick(&moves);
        self.make(it)?;
        Ok(true)
    }

    /// Lets everything end that has begun; timers fire when nothing else is left.
    pub fn drain(&mut self) -> Result<(), Violation> {
        for _ in 0..200 {
            if self.step()? {
                continue;
            }
            let Some(timer) = self.timers().first().cloned() else {
                return Ok(());
            };
            self.make(timer)?;
        }
        Err("it does not come to rest".into())
    }

    /// What has begun and can end.
    fn due(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.process.exited.is_some() {
            return moves;
        }
        if self.life.phase() == Phase::Fresh && !self.controller.away {
            moves.push(Move::Start);
        }
        if let Some(session) = &self.session {
            if session.closing {
                moves.push(Move::Close);
            } else if !session.serves && matches!(session.fate, Fate::Ok | Fate::Fail) {
                moves.push(Move::Session);
            }
        }
        if let Some(hook) = &self.hook
            && (matches!(hook.fate, Fate::Ok | Fate::Fail | Fate::Break)
                || hook.killed && hook.fate == Fate::Hang)
        {
            moves.push(Move::Hook);
        }
        if self.releasing.is_some() && !self.controller.away {
            moves.push(Move::Release);
        }
        if self.process.leaving {
            moves.push(Move::Goodbye);
        }
        if self.slot.is_some() && !self.controller.away {
            moves.push(Move::Deliver);
        }
        if !self.late.is_empty() {
            moves.push(Move::Late);
        }
        moves
    }

    fn timers(&self) -> Vec<Move> {
        if self.process.exited.is_some() {
            return Vec::new();
        }
        (0..self.timers.len()).map(Move::Timer).collect()
    }

    fn trouble(&mut self) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.process.exited.is_some() {
            return vec![Move::Kill];
        }
        // A client may be quicker than the news that the session serves, but not often.
        if let Some(session) = &self.session
            && self.chance.percent(if session.serves { 30 } else { 3 })
        {
            moves.extend([Move::EndSession, Move::Seen]);
        }
        if self.chance.percent(20) {
            moves.push(self.chance.pick(&[Move::Hup, Move::Term, Move::Kill]));
        }
        if self.setup.mode == Mode::Direct {
            return moves;
        }
        moves.extend([Move::Say, Move::Say, Move::Away]);
        if self.chance.percent(10) {
            moves.extend([Move::Lie, Move::Nonsense, Move::Rename]);
        }
        match &self.controller.held {
            Some(_) => moves.extend([Move::Take, Move::Jump]),
            None if self.controller.status == ExporterStatus::Available => {
                moves.extend([Move::Assign, Move::Assign]);
            }
            None => {}
        }
        moves
    }

    fn make(&mut self, it: Move) -> Result<(), Violation> {
        match it {
            Move::Start => self.feed(Event::Start),
            Move::Session => self.session_answers(),
            Move::Hook => self.hook_ends(),
            Move::Timer(at) => {
                let (id, timer) = self.timers.swap_remove(at);
                self.timer(Event::Timeout(id, timer), timer)
            }
            Move::Release => self.released(),
            Move::Close => {
                let session = self.session.take().ok_or("nothing closes")?;
                self.feed(Event::Closed(session.id))
            }
            Move::Goodbye => self.feed(Event::Gone),
            Move::Deliver => {
                self.controller.status = self.slot.take().ok_or("nothing to deliver")?;
                Ok(())
            }
            Move::Late => {
                let event = self.late.pop().ok_or("nothing is late")?;
                self.late_event(event)
            }
            Move::Assign | Move::Jump => {
                self.assign();
                Ok(())
            }
            Move::Take => {
                self.controller.held = None;
                Ok(())
            }
            Move::Rename => {
                if let Some(held) = &mut self.controller.held {
                    held.client = format!("{}x", held.client);
                }
                Ok(())
            }
            Move::Say => self.say(),
            Move::Lie => self.status(false, String::new(), String::new()),
            Move::Nonsense => self.status(true, String::new(), "nobody".into()),
            Move::Away => {
                self.controller.away = !self.controller.away;
                Ok(())
            }
            Move::EndSession | Move::Seen => {
                let id = self.session.as_ref().ok_or("no session")?.id;
                self.mark("client");
                self.feed(if it == Move::Seen {
                    Event::Seen(id)
                } else {
                    Event::EndSession(id)
                })
            }
            Move::Hup => self.signals(Stopping::AfterLease, 129),
            Move::Term => self.signals(Stopping::Now, 143),
            Move::Kill if self.process.exited.is_some() => self.restart(),
            Move::Kill => self.crash(),
        }
    }

    /// Signals, which like to come together.
    fn signals(&mut self, how: Stopping, code: u8) -> Result<(), Violation> {
        self.signal(how, code)?;
        while self.process.exited.is_none() && self.chance.percent(25) {
            let leaves = self.process.leaving && self.stops_now();
            let how = self.chance.pick(&[Stopping::Now, Stopping::AfterLease]);
            self.signal(how, 130)?;
            if leaves && how == Stopping::Now && self.life.phase() == Phase::Leaving {
                return Err("the goodbye is waited for".into());
            }
        }
        Ok(())
    }

    pub fn signal(&mut self, how: Stopping, code: u8) -> Result<(), Violation> {
        self.mark(match how {
            Stopping::Now => "term",
            Stopping::AfterLease => "hup",
        });
        self.feed(Event::Stop { how, code })
    }

    /// The controller finds the exporter a lease.
    pub fn assign(&mut self) {
        self.controller.leases += 1;
        let client = if !self.calm && self.chance.percent(10) {
            String::new()
        } else {
            "desk".to_owned()
        };
        self.controller.held = Some(Held {
            lease: format!("lease-{}", self.controller.leases),
            client,
        });
    }

    /// The controller shows the truth, again or for the first time.
    pub fn say(&mut self) -> Result<(), Violation> {
        match self.controller.held.clone() {
            Some(held) => self.status(true, held.lease, held.client),
            None => self.status(false, String::new(), String::new()),
        }
    }

    fn status(&mut self, leased: bool, lease: String, client: String) -> Result<(), Violation> {
        self.mark("status");
        self.feed(Event::Status {
            leased,
            lease,
            client,
        })
    }

    fn mark(&mut self, trouble: &'static str) {
        self.seen.insert((self.life.phase(), trouble));
    }

    /// Timers of old leases, and of phases that are over, change nothing.
    fn timer(&mut self, event: Event, timer: Timer) -> Result<(), Violation> {
        let Event::Timeout(id, _) = event else {
            return Err("not a timer".into());
        };
        let current = self
            .current
            .as_ref()
            .is_some_and(|current| current.id == id);
        let phase = self.life.phase();
        let meant = match timer {
            Timer::Opening => phase == Phase::Opening,
            Timer::Overdue(when) | Timer::Killed(when) => {
                self.hook.as_ref().is_some_and(|hook| hook.when == when)
            }
            Timer::Settle => phase == Phase::Settling,
            Timer::Release => phase == Phase::Releasing,
        };
        if current && meant {
            return self.feed(event);
        }
        self.late_event(event)
    }

    /// Tells the machine what does not matter any more.
    fn late_event(&mut self, event: Event) -> Result<(), Violation> {
        let before = self.life.phase();
        self.trace.push(format!("{before:?} -- {event:?} (late)"));
        let actions = self.life.on(event);
        if !actions.is_empty() || self.life.phase() != before {
            return Err(format!("something late matters: {actions:?}"));
        }
        Ok(())
    }
}
