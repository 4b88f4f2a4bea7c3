//! How what was begun ends.

use jumpstarter_host::lease::{Ended, Event};
use jumpstarter_proto::v1::ExporterStatus;

use super::{Fate, Violation, World};

// === impl World ===

impl World {
    pub fn session_answers(&mut self) -> Result<(), Violation> {
        let session = self.session.as_ref().ok_or("no session")?;
        let (id, fate) = (session.id, session.fate);
        if fate == Fate::Fail {
            if let Some(session) = &mut self.session {
                session.fate = Fate::Hang;
            }
            return self.feed(Event::SessionFailed(id, "no device".into()));
        }
        self.feed(Event::SessionReady(id))
    }

    pub fn hook_ends(&mut self) -> Result<(), Violation> {
        let hook = self.hook.as_ref().ok_or("no hook")?;
        let (id, when) = (hook.id, hook.when);
        let ended = match hook.fate {
            Fate::Hang | Fate::Stuck => Ended::Killed,
            _ if hook.killed && self.chance.percent(70) => Ended::Killed,
            Fate::Ok => Ended::Ok,
            Fate::Fail => Ended::Failed("Hook failed with exit code 1".into()),
            Fate::Break => Ended::Unexpected("no pty".into()),
        };
        self.feed(Event::HookEnded(id, when, ended))
    }

    /// First the controller does it, then it says so.
    pub fn released(&mut self) -> Result<(), Violation> {
        let release = self.releasing.as_mut().ok_or("no release")?;
        if release.done {
            let id = release.id;
            self.releasing = None;
            return self.feed(Event::Released(id));
        }
        release.done = true;
        let held = self.controller.held.as_ref();
        let known = held.is_some_and(|held| held.lease == release.lease);
        if self.old_controller && self.controller.status == ExporterStatus::Available {
            self.controller.status = ExporterStatus::AfterLeaseHook;
        }
        if known && !self.chance.percent(15) {
            self.controller.held = None;
        }
        Ok(())
    }
}
