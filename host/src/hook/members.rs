//! All processes of a hook, so that none is left behind.
//!
//! A signal to the hook's process group is not enough: `timeout 60 flash` makes a group of its own,
//! and so does every job of a shell with `set -m`. They all stay in the hook's session, though, and
//! `/proc` tells who is in it. Only what calls `setsid` itself is out of reach.
//!
//! The system does not give the number of a session or a group away while it has members. Signals
//! go only to those that were just seen there, and to nobody once nobody was left.

use std::collections::BTreeSet;
use std::{fmt, fs, io};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// A session that another process leads.
#[derive(Debug)]
pub(super) struct Members {
    /// The number of the first process, of its group, and of the session.
    leader: Pid,
    /// The groups in which somebody lived at the last look.
    groups: BTreeSet<Pid>,
    gone: bool,
}

/// What `/proc/N/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    ended: bool,
    group: i32,
    session: i32,
}

// === impl Members ===

impl Members {
    /// None if this can be no such process: 0 and 1 would be our own group, or everybody.
    pub(super) fn of(leader: Option<u32>) -> Option<Self> {
        let leader = i32::try_from(leader?).ok().filter(|&leader| leader > 1)?;
        let leader = Pid::from_raw(leader);
        Some(Self {
            leader,
            groups: BTreeSet::from([leader]),
            gone: false,
        })
    }

    /// Whether any are left. `waited` says that the leader has ended and been waited for.
    pub(super) fn look(&mut self, waited: bool) -> bool {
        if self.gone {
            return false;
        }
        self.groups = match living_in(self.leader, waited) {
            Ok(groups) => groups,
            // Without `/proc` the first group is all that we know.
            Err(_) if killpg(self.leader, None) == Err(Errno::ESRCH) => BTreeSet::new(),
            Err(_) => BTreeSet::from([self.leader]),
        };
        self.gone = waited && self.groups.is_empty();
        !self.groups.is_empty()
    }

    /// Sends a signal to all who were there at the last look.
    pub(super) fn signal(&self, signal: Signal) {
        for &group in self.groups.iter().filter(|_| !self.gone) {
            match killpg(group, signal) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => {
                    tracing::debug!(%group, "cannot send {signal} to the hook: {}", error.desc());
                }
            }
        }
    }
}

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<_> = self.groups.iter().map(Pid::to_string).collect();
        let groups = groups.join(", ");
        write!(f, "session {}, process groups {groups}", self.leader)
    }
}

/// The process groups in a session that somebody still lives in.
fn living_in(session: Pid, waited: bool) -> io::Result<BTreeSet<Pid>> {
    let mut groups = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(process) = number.map(Pid::from_raw) else {
            continue;
        };
        // It may have ended since.
        let text = fs::read(entry.path().join("stat")).unwrap_or_default();
        match Stat::parse(&String::from_utf8_lossy(&text)) {
            Some(stat) if stat.session != session.as_raw() => {}
            // In a container the exporter may be the first process, which inherits all orphans. Of
            // any other orphan this does nothing.
            Some(stat) if stat.ended && (waited || process != session) => {
                waitpid(process, Some(WaitPidFlag::WNOHANG)).ok();
            }
            // A group 0 would be ours.
            Some(stat) if !stat.ended && stat.group > 1 => {
                groups.insert(Pid::from_raw(stat.group));
            }
            _ => {}
        }
    }
    Ok(groups)
}

// === impl Stat ===

impl Stat {
    /// `412 (a name) with) S 1 412 412 ...`: number, name, state, parent, group, session.
    fn parse(text: &str) -> Option<Self> {
        let (_, after) = text.rsplit_once(')')?;
        let mut words = after.split_ascii_whitespace();
        let ended = matches!(words.next()?, "Z" | "X");
        let group = words.nth(1)?.parse().ok()?;
        let session = words.next()?.parse().ok()?;
        Some(Self {
            ended,
            group,
            session,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;

    use nix::sys::signal::Signal;
    use nix::unistd::{Pid, getpgrp, getsid};

    use super::{Members, Stat, living_in};

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let stat = Stat::parse("412 (sh) S 7 (x) Z 1 410 400 0 -1").unwrap();
        let expected = Stat {
            ended: true,
            group: 410,
            session: 400,
        };
        assert_eq!(stat, expected);
        for text in ["", "412 (sh", "412 (sh) S 1", "412 (sh) S 1 x 3"] {
            assert_eq!(Stat::parse(text), None);
        }
    }

    #[test]
    fn our_own_session_has_our_group_in_it() {
        let session = getsid(None).unwrap();
        assert!(living_in(session, false).unwrap().contains(&getpgrp()));
    }

    #[test]
    fn no_number_stands_for_everybody() {
        for number in [None, Some(0), Some(1), Some(u32::MAX)] {
            assert!(Members::of(number).is_none());
        }
    }

    #[test]
    fn nobody_is_signalled_once_all_were_gone() {
        let mut ended = Command::new("setsid");
        let mut ended = ended.args(["--wait", "true"]).spawn().unwrap();
        let mut members = Members::of(Some(ended.id())).unwrap();
        ended.wait().unwrap();
        assert!(!members.look(true));
        // The number now belongs to somebody else.
        let mut another = Command::new("sleep");
        std::os::unix::process::CommandExt::process_group(&mut another, 0);
        let mut another = another.arg("60").spawn().unwrap();
        members.groups = [Pid::from_raw(another.id().try_into().unwrap())].into();
        members.signal(Signal::SIGKILL);
        assert!(another.try_wait().unwrap().is_none());
        another.kill().unwrap();
        another.wait().unwrap();
    }
}
