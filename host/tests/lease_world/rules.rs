//! What has to be true between events, whatever the last one was.

use jumpstarter_host::lease::{Phase, When};
use jumpstarter_proto::v1::ExporterStatus;

use super::{Violation, World};

// === impl World ===

impl World {
    pub fn settle_up(&mut self) -> Result<(), Violation> {
        self.hurries()?;
        if self.life.phase() == Phase::Idle {
            if self.process.last != Some(ExporterStatus::Available) {
                return Err(format!("idle in {:?}", self.process.last));
            }
            if self.process.told.is_some() && self.process.told != self.process.over_here {
                return Err(format!("{:?} is not served", self.process.told));
            }
            self.idle()?;
        }
        Ok(())
    }

    /// Whoever was told to stop now does not wait for what takes long.
    fn hurries(&self) -> Result<(), Violation> {
        let phase = self.life.phase();
        if !self.stops_now() {
            return Ok(());
        }
        if let Some(hook) = &self.hook
            && !hook.killed
            && (hook.when == When::Before || self.process.forced)
        {
            return Err("the hook goes on".into());
        }
        let waits = match phase {
            Phase::Fresh | Phase::Idle | Phase::Opening | Phase::Ready | Phase::Broken => true,
            Phase::Waiting => true,
            Phase::Settling | Phase::Releasing => self.process.forced,
            _ => false,
        };
        if waits {
            return Err(format!("it still waits in {phase:?}"));
        }
        Ok(())
    }

    /// Nothing of a lease may be left.
    pub fn idle(&self) -> Result<(), Violation> {
        if self.session.is_some() || self.hook.is_some() {
            return Err("a session or a hook is left".into());
        }
        // An entry may stay for the next process if a hook was not run because of hurry.
        let current = self.current.as_ref();
        let recovered = current.map_or(self.process.recovered, |current| current.recovered);
        let hurry = self.process.forced || recovered && self.stops_now();
        if let Some(entry) = &self.journal
            && self.taken_up.is_none()
            && !(hurry && self.records[entry.record].after == 0 && !entry.after_started)
        {
            return Err(format!("{entry:?} is left"));
        }
        Ok(())
    }
}
