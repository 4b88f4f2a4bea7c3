//! What the exporter is to do.

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;

use super::{LeaseId, Timer, When};

/// Something to do. Actions are performed in order; what takes time is only begun, and its end is
/// an [`Event`](super::Event), except where the action says that the next one has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the session: fresh drivers, sockets, then listen for clients at the controller.
    /// Answered by `SessionReady` or `SessionFailed`.
    Open {
        /// The lease from now on.
        id: LeaseId,
        /// Its name.
        lease: String,
        /// Whose it is; may be empty.
        client: String,
    },
    /// The lease belongs to somebody else now.
    Client {
        /// The lease.
        id: LeaseId,
        /// Whose it is.
        client: String,
    },
    /// Write the entry of the open lease. The next action waits until it is durable, or until it
    /// is clear that it cannot be.
    Journal {
        /// The lease.
        lease: String,
        /// Whose it is.
        client: String,
        /// Whether its afterLease hook must not be started any more.
        after_started: bool,
    },
    /// Remove the entry from the journal.
    Forget,
    /// Tell clients and the controller where the exporter stands.
    Report {
        /// Where it stands.
        status: ExporterStatus,
        /// The same in words.
        message: String,
    },
    /// Tell clients only: the controller must not give the next lease to an exporter that stops.
    Show {
        /// Where it stands.
        status: ExporterStatus,
        /// The same in words.
        message: String,
    },
    /// Run a hook. Answered by `HookEnded`.
    Run(LeaseId, When),
    /// End a hook by force. Answered by the `HookEnded` of its [`Action::Run`].
    Kill(LeaseId, When),
    /// Send `Timeout` after this long, whether or not somebody still waits for it.
    Wait(LeaseId, Timer, Duration),
    /// Tell the controller that the lease is over, as long as it takes. Answered by `Released`.
    Release {
        /// The lease; it was not opened if only its journal entry was left.
        id: LeaseId,
        /// Its name.
        lease: String,
    },
    /// Close the session, also one that is still being opened, and give up a release that is still
    /// under way. Answered by `Closed`, also if only the release was asked for and nothing opened.
    Close(LeaseId),
    /// Tell the controller that the exporter is going and unregister. Answered by `Gone`.
    Offline,
    /// Tell the container beside this one to end. The next action waits for it.
    Sidecar,
    /// End the process with this code. Nothing comes after it.
    Exit(u8),
}
