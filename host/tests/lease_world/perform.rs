//! Performs actions, and checks the rules they have to follow.

use jumpstarter_host::config::OnFailure;
use jumpstarter_host::lease::{Action, Ended, Event, LeaseId, Mode, Phase, Stopping, Timer, When};
use jumpstarter_proto::v1::ExporterStatus;

use super::{Before, Current, Entry, Fate, Hook, Record, Session, Violation, World};

// === impl World ===

impl World {
    /// Takes note of what the machine is about to hear.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Status { leased, lease, .. } => {
                if self.setup.mode == Mode::Direct || *leased && lease.is_empty() {
                    return;
                }
                if let Some(current) = &mut self.current
                    && (!leased || *lease != current.name)
                {
                    current.gone = true;
                }
            }
            Event::EndSession(id) => {
                if let Some(current) = &mut self.current
                    && current.id == *id
                {
                    current.ended = true;
                }
            }
            Event::HookEnded(id, when, ended) => self.note_end(*id, *when, ended),
            Event::Timeout(id, Timer::Killed(when)) => {
                if self
                    .hook
                    .as_ref()
                    .is_some_and(|hook| hook.killed && hook.id == *id && hook.when == *when)
                {
                    // The machine does not wait for it any longer; it may still end.
                    self.hook = None;
                    self.late.push(Event::HookEnded(
                        *id,
                        *when,
                        Ended::Unexpected("late".into()),
                    ));
                    if *when == When::Before
                        && let Ok(record) = self.record(*id)
                    {
                        record.before = Before::Ran;
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

    pub fn perform(&mut self, action: Action) -> Result<(), Violation> {
        if self.process.exited.is_some() {
            return Err(format!("{action:?} after the exit"));
        }
        if self.process.leaving && !matches!(action, Action::Sidecar | Action::Exit(_)) {
            return Err(format!("{action:?} after the goodbye"));
        }
        match action {
            Action::Open { id, lease, client } => self.open(id, lease, client),
            Action::Client { id, client } => {
                let record = self.record(id)?;
                record.clientless |= client.is_empty();
                Ok(())
            }
            Action::Journal {
                lease,
                client,
                after_started,
            } => self.write(lease, client, after_started),
            Action::Forget => {
                self.journal = None;
                self.taken_up = None;
                Ok(())
            }
            Action::Report { status, .. } => self.reported(status, true),
            Action::Show { status, .. } => self.reported(status, false),
            Action::Run(id, when) => self.run(id, when),
            Action::Kill(id, when) => match &mut self.hook {
                Some(hook) if hook.id == id && hook.when == when && !hook.killed => {
                    hook.killed = true;
                    Ok(())
                }
                _ => Err("there is nothing to kill".into()),
            },
            Action::Wait(id, timer, _) => {
                if timer == Timer::Settle {
                    let record = self.record(id)?;
                    record.settles += 1;
                    if record.settles > 1 {
                        return Err("two final statuses".into());
                    }
                }
                self.timers.push((id, timer));
                Ok(())
            }
            Action::Release { id, lease } => self.release(id, lease),
            Action::Close(id) => self.close(id),
            Action::Offline => self.offline(),
            Action::Sidecar => {
                if !self.setup.exit_on_lease_end {
                    return Err("nobody asked to end what is beside us".into());
                }
                Ok(())
            }
            Action::Exit(code) => self.exit(code),
        }
    }

    fn open(&mut self, id: LeaseId, lease: String, client: String) -> Result<(), Violation> {
        if self.session.is_some() || self.hook.is_some() {
            return Err("two sessions".into());
        }
        if self.process.stop.is_some() || self.process.said_offline {
            return Err("a lease begins though the exporter stops".into());
        }
        let recovered = self.taken_up.is_some();
        let record = match self.taken_up.take() {
            Some(entry) if entry.lease == lease => entry.record,
            Some(entry) => return Err(format!("{entry:?} is forgotten")),
            None => {
                self.records.push(Record::new(&lease, &client));
                self.records.len() - 1
            }
        };
        self.current = Some(Current {
            id,
            record,
            name: lease,
            recovered,
            gone: false,
            ended: false,
        });
        let fate = match self.chance.below(100) {
            _ if self.calm => Fate::Ok,
            0..8 => Fate::Fail,
            8..15 => Fate::Hang,
            _ => Fate::Ok,
        };
        self.session = Some(Session {
            id,
            fate,
            serves: false,
            closing: false,
        });
        Ok(())
    }

    fn write(
        &mut self,
        lease: String,
        client: String,
        after_started: bool,
    ) -> Result<(), Violation> {
        let Some(current) = &self.current else {
            return Err("the journal is for leases".into());
        };
        let record = current.record;
        if self.setup.mode == Mode::Direct || self.setup.after.is_none() || current.name != lease {
            return Err("this is nothing for the journal".into());
        }
        if let Some(entry) = &self.journal
            && entry.record != record
        {
            return Err(format!("{entry:?} is overwritten"));
        }
        self.records[record].marked |= after_started;
        if self.disk_full {
            self.records[record].unwritten = true;
            return Ok(());
        }
        self.journal = Some(Entry {
            lease,
            client,
            after_started,
            record,
        });
        Ok(())
    }

    fn reported(&mut self, status: ExporterStatus, everywhere: bool) -> Result<(), Violation> {
        let direct = self.setup.mode == Mode::Direct;
        if self.process.said_offline {
            return Err("OFFLINE was not the last word".into());
        }
        self.process.last = Some(status);
        self.process.said_offline = status == ExporterStatus::Offline;
        if everywhere && !direct {
            self.slot = Some(status);
        }
        match status {
            ExporterStatus::Available if everywhere && !direct && self.current.is_some() => {
                if self.departs() {
                    return Err("the controller is invited though the exporter stops".into());
                }
            }
            ExporterStatus::LeaseReady => {
                let stops = self.stops_now();
                let hook = self.setup.before.is_some();
                let serves = self
                    .session
                    .as_ref()
                    .is_some_and(|s| s.serves && !s.closing);
                let Some(current) = &self.current else {
                    return Err("LEASE_READY without a lease".into());
                };
                let record = &mut self.records[current.record];
                record.ready += 1;
                if current.gone || current.ended && !direct || stops || !serves {
                    return Err("LEASE_READY though the lease is over".into());
                }
                if record.ready > 1 || record.after > 0 || hook && record.before != Before::Ran {
                    return Err("LEASE_READY out of order".into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn run(&mut self, id: LeaseId, when: When) -> Result<(), Violation> {
        if self.hook.is_some() {
            return Err("two hooks".into());
        }
        if !self
            .session
            .as_ref()
            .is_some_and(|s| s.id == id && s.serves && !s.closing)
        {
            return Err("a hook without its session".into());
        }
        let journaled = self.journal.clone().filter(|_| !self.disk_full);
        let keeps = self.setup.mode == Mode::Controller && self.setup.after.is_some();
        if keeps
            && !self.disk_full
            && journaled.is_none_or(|entry| entry.after_started != (when == When::After))
        {
            return Err("the journal does not know about the hook".into());
        }
        let direct = self.setup.mode == Mode::Direct;
        let record = self.record(id)?;
        match when {
            When::Before if record.before == Before::NotRun && record.ready == 0 => {
                record.before = Before::Running;
            }
            When::Before => return Err("beforeLease twice".into()),
            When::After if record.before == Before::Failed && !record.crashed => {
                return Err("afterLease after a failed beforeLease".into());
            }
            When::After if record.clientless && !direct && record.after > 0 => {
                return Err("afterLease twice".into());
            }
            When::After => {
                record.after += 1;
                if record.after > 1 {
                    return Err("afterLease twice".into());
                }
            }
        }
        let fate = match self.chance.below(100) {
            _ if self.calm => Fate::Ok,
            0..20 => Fate::Fail,
            20..27 => Fate::Break,
            27..45 => Fate::Hang,
            45..48 => Fate::Stuck,
            _ => Fate::Ok,
        };
        self.hook = Some(Hook {
            id,
            when,
            fate,
            killed: false,
        });
        Ok(())
    }

    fn release(&mut self, id: LeaseId, lease: String) -> Result<(), Violation> {
        if self.setup.mode == Mode::Direct {
            return Err("there is nobody to release to".into());
        }
        if self.current.is_none()
            && let Some(entry) = self.taken_up.take()
        {
            self.current = Some(Current {
                id,
                record: entry.record,
                name: entry.lease,
                recovered: true,
                gone: false,
                ended: false,
            });
        }
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.gone || current.name != lease)
        {
            return Err("a lease is released that is over".into());
        }
        let record = self.record(id)?;
        record.releases += 1;
        if record.releases > 1 {
            return Err("released twice".into());
        }
        self.releasing = Some((id, lease));
        Ok(())
    }

    fn close(&mut self, id: LeaseId) -> Result<(), Violation> {
        if self.hook.is_some() {
            return Err("the session closes under a hook".into());
        }
        if let Some((id, _)) = self.releasing.take() {
            self.late.push(Event::Released(id));
        }
        match &mut self.session {
            Some(session) if session.id == id && !session.closing => {
                session.closing = true;
                Ok(())
            }
            _ => Err("there is no such session to close".into()),
        }
    }

    fn offline(&mut self) -> Result<(), Violation> {
        if !self.departs() {
            return Err("the exporter goes without a reason".into());
        }
        self.process.leaving = true;
        self.idle()
    }

    fn exit(&mut self, code: u8) -> Result<(), Violation> {
        let expected = match self.process.stop {
            Some((_, code)) => code,
            None => u8::from(self.setup.mode == Mode::Direct || self.process.hook_exit),
        };
        if code != expected {
            return Err(format!("exit code {code} instead of {expected}"));
        }
        self.process.exited = Some(code);
        self.process.last = Some(ExporterStatus::Offline);
        self.idle()
    }

    /// Nothing of a lease may be left.
    pub fn idle(&self) -> Result<(), Violation> {
        if self.session.is_some() || self.hook.is_some() {
            return Err("a session or a hook is left".into());
        }
        // An entry may stay for the next process if a hook was not run because of hurry.
        let recovered = self
            .current
            .as_ref()
            .is_some_and(|current| current.recovered);
        let hurry = self.process.forced || recovered && self.stops_now();
        if let Some(entry) = &self.journal
            && self.taken_up.is_none()
            && !(hurry && self.records[entry.record].after == 0 && !entry.after_started)
        {
            return Err(format!("{entry:?} is left"));
        }
        Ok(())
    }

    /// What has to be true between events.
    pub fn settle_up(&mut self) -> Result<(), Violation> {
        match self.life.phase() {
            Phase::Idle => {
                if self.process.last != Some(ExporterStatus::Available) {
                    return Err(format!("idle in {:?}", self.process.last));
                }
                self.current = None;
                self.idle()
            }
            Phase::Leaving | Phase::Over => {
                self.current = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
