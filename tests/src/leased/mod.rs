//! Stories with a controller: the words they are told in, whichever controller it is.
//!
//! ```text
//!   Controller ── lease(), end_lease(), seen() ───── the one in `double`, or a real one
//!      ▲    ▲
//!      │    └── Visitor   a person with a lease: `jmp shell … -- j power on`
//!      └─────── Station   an exporter process that is registered there
//! ```

mod cast;
mod config;
mod hooks;
mod make;
mod person;
mod station;
mod tunnel;
mod visitor;

use std::{
    thread,
    time::{Duration, Instant},
};

use jumpstarter_proto::v1::ExporterStatus;

pub use self::{
    cast::Cast, hooks::Hooks, make::Make, person::Person, station::Station, tunnel::Tunnel,
    visitor::Visitor,
};
use crate::{Lab, PATIENCE};

/// What peers need to know to reach a controller and to be known there.
#[derive(Clone, Debug)]
pub struct Access {
    /// `host:port`.
    pub endpoint: String,
    /// The authority of its certificates: base64 of PEM.
    pub ca: String,
    /// The namespace of everything.
    pub namespace: String,
    /// Name and token of the exporter.
    pub exporter: (String, String),
    /// Name and token of the client.
    pub client: (String, String),
    /// Finds the exporter.
    pub selector: String,
}

/// An exporter, as its controller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether it has been heard of lately.
    pub online: bool,
    /// Whether it has registered drivers.
    pub registered: bool,
    /// What it has last said of itself.
    pub status: ExporterStatus,
    /// The words that came with it.
    pub message: String,
    /// The lease that holds it.
    pub lease: Option<String>,
}

// === impl Seen ===

impl Seen {
    /// Whether it can be leased.
    pub fn is_free(&self) -> bool {
        self.online
            && self.registered
            && self.status == ExporterStatus::Available
            && self.lease.is_none()
    }
}

/// A controller with one exporter and one client.
pub trait Controller {
    /// How to reach it.
    fn access(&self) -> Access;

    /// What it sees of the exporter now.
    fn seen(&self) -> Seen;

    /// Asks for a lease of the exporter, which may have to wait; its name.
    fn ask_for_lease(&self, duration: Duration) -> String;

    /// Ends a lease.
    fn end_lease(&self, name: &str);

    /// Waits until the exporter is seen in a certain way, for which `what` is the word.
    #[track_caller]
    fn wait_until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> Seen
    where
        Self: Sized,
    {
        wait_until(what, || self.seen(), is)
    }

    /// Waits until the exporter can be leased.
    #[track_caller]
    fn wait_free(&self) -> Seen
    where
        Self: Sized,
    {
        self.wait_until("free", Seen::is_free)
    }

    /// Waits until the exporter has said good-bye.
    #[track_caller]
    fn wait_offline(&self) -> Seen
    where
        Self: Sized,
    {
        self.wait_until("offline", |seen| !seen.online && !seen.registered)
    }

    /// Waits until the exporter has a certain status.
    #[track_caller]
    fn wait_status(&self, status: ExporterStatus) -> Seen
    where
        Self: Sized,
    {
        self.wait_until(status.as_str_name(), |seen| seen.status == status)
    }

    /// A lease that holds the exporter.
    #[track_caller]
    fn lease(&self, duration: Duration) -> String
    where
        Self: Sized,
    {
        let name = self.ask_for_lease(duration);
        self.wait_until("leased", |seen| seen.lease.as_ref() == Some(&name));
        name
    }
}

/// A controller that a story can have for itself.
pub trait Stage: Controller + Sized {
    /// Starts one.
    fn start(lab: &Lab) -> Self;

    /// Every status that the exporter has reported, in order; `None` if it keeps no account of that.
    fn reported(&self) -> Option<Vec<(ExporterStatus, String)>>;
}

/// Looks at an exporter until it is seen in a certain way, for which `what` is the word.
#[track_caller]
pub(crate) fn wait_until(
    what: &str,
    mut look: impl FnMut() -> Seen,
    is: impl Fn(&Seen) -> bool,
) -> Seen {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = look();
        if is(&seen) {
            return seen;
        }
        assert!(
            Instant::now() < until,
            "the exporter is not {what}: {seen:?}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}
