//! Performs actions, and checks the rules they have to follow.

use jumpstarter_host::lease::{Action, Event, LeaseId, Mode, Timer, When};
use jumpstarter_proto::v1::ExporterStatus;

use super::{Before, Current, Entry, Fate, Hook, Record, Release, Session, Violation, World};

// === impl World ===

impl World {
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
                self.record(id)?.clientless |= client.is_empty();
                if let Some(current) = &mut self.current {
                    current.client = client;
                }
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
        if self.process.over_here.as_ref() == Some(&lease) {
            return Err("a lease begins again that is over here".into());
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
            client,
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
            ExporterStatus::Available
                if everywhere && !direct && self.current.is_some() && self.departs() =>
            {
                return Err("the controller is invited though the exporter stops".into());
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
        if self.process.forced {
            return Err("a hook begins though nobody is to be waited for".into());
        }
        let direct = self.setup.mode == Mode::Direct;
        let current = self.current.as_ref().ok_or("no lease")?;
        let (ended, nobody) = (current.ended && !direct, current.client.is_empty());
        let record = self.record(id)?;
        match when {
            When::Before if ended => return Err("a hook for a client who is done".into()),
            When::After if nobody && !direct => return Err("a hook after nobody".into()),
            When::Before if record.before == Before::NotRun && record.ready == 0 => {
                record.before = Before::Running;
            }
            When::Before => return Err("beforeLease twice".into()),
            When::After if record.before == Before::Failed && !record.crashed => {
                return Err("afterLease after a failed beforeLease".into());
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
                client: entry.client,
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
        if self.old_controller {
            // Or it would think the exporter free before it has taken the lease back.
            self.slot = None;
        }
        self.releasing = Some(Release {
            id,
            lease,
            done: false,
        });
        Ok(())
    }

    fn close(&mut self, id: LeaseId) -> Result<(), Violation> {
        if self.hook.is_some() {
            return Err("the session closes under a hook".into());
        }
        if let Some(release) = self.releasing.take() {
            self.late.push(Event::Released(release.id));
        }
        let recovered = self
            .current
            .as_ref()
            .is_some_and(|it| it.recovered && it.id == id);
        if recovered && self.session.is_none() {
            // Only its release was asked for.
            self.session = Some(Session {
                id,
                fate: Fate::Hang,
                serves: false,
                closing: true,
            });
            return Ok(());
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
}
