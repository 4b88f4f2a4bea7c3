//! What the world knows about an event that the machine is about to hear.

use jumpstarter_host::config::OnFailure;
use jumpstarter_host::lease::{Ended, Event, LeaseId, Mode, Phase, Stopping, Timer, When};

use super::{Before, World};

// === impl World ===

impl World {
    /// Takes note of what the machine is about to hear.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Status { leased, lease, .. } => {
                if self.setup.mode == Mode::Direct || *leased && lease.is_empty() {
                    return;
                }
                let told = leased.then(|| lease.clone());
                if let Some(current) = &mut self.current
                    && told.as_ref() != Some(&current.name)
                {
                    current.gone = true;
                }
                if self.process.over_here != told {
                    self.process.over_here = None;
                }
                self.process.told = told;
            }
            Event::EndSession(id) => {
                if let Some(current) = &mut self.current
                    && current.id == *id
                {
                    current.ended = true;
                }
            }
            Event::HookEnded(id, when, ended) => self.note_end(*id, *when, ended),
            Event::Timeout(id, Timer::Killed(when)) => self.note_stuck(*id, *when),
            Event::Closed(id) => {
                if let Some(current) = self.current.take_if(|current| current.id == *id) {
                    self.process.recovered = current.recovered;
                    if !current.gone {
                        self.process.over_here = Some(current.name);
                    }
                }
            }
            Event::SessionReady(_) => {
                if let Some(session) = &mut self.session {
                    session.serves = true;
                }
            }
            Event::SessionFailed(id, _) | Event::Timeout(id, Timer::Opening)
                if self.life.phase() == Phase::Opening =>
            {
                if let Some(current) = &self.current
                    && current.id == *id
                {
                    self.records[current.record].lost = current.recovered;
                }
            }
            Event::Stop { how, code } => self.note_stop(*how, *code),
            _ => {}
        }
    }

    /// The machine does not wait for the hook any longer; it may still end.
    fn note_stuck(&mut self, id: LeaseId, when: When) {
        let hook = self
            .hook
            .take_if(|hook| hook.killed && hook.id == id && hook.when == when);
        if hook.is_none() {
            return;
        }
        self.late
            .push(Event::HookEnded(id, when, Ended::Unexpected("late".into())));
        if when == When::Before
            && let Ok(record) = self.record(id)
        {
            record.before = Before::Ran;
        }
    }

    fn note_end(&mut self, id: LeaseId, when: When, ended: &Ended) {
        if self
            .hook
            .as_ref()
            .is_none_or(|hook| hook.id != id || hook.when != when)
        {
            return;
        }
        self.hook = None;
        let rule = match when {
            When::Before => self.setup.before,
            When::After => self.setup.after,
        };
        let failure = match ended {
            Ended::Failed(_) => rule.map(|rule| rule.on_failure),
            _ => None,
        };
        self.process.hook_exit |= failure == Some(OnFailure::Exit);
        if when == When::Before
            && let Ok(record) = self.record(id)
        {
            record.before = match failure {
                Some(OnFailure::EndLease | OnFailure::Exit) => Before::Failed,
                Some(OnFailure::Warn) | None => Before::Ran,
            };
        }
    }

    fn note_stop(&mut self, how: Stopping, code: u8) {
        let direct = self.setup.mode == Mode::Direct;
        let how = if direct { Stopping::Now } else { how };
        if self.stops_now() && how == Stopping::Now {
            self.process.forced = true;
            if let Some(current) = &self.current {
                self.records[current.record].forced = true;
            }
        }
        // A signal overrules the code of a hook unless the hook had its wish first.
        if self.process.stop.is_none() && !(self.process.hook_exit && how == Stopping::AfterLease)
            || self
                .process
                .stop
                .is_some_and(|(old, _)| old == Stopping::AfterLease)
                && how == Stopping::Now
        {
            self.process.stop = Some((how, code));
        }
    }
}
