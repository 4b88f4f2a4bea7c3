//! What the tasks of the shell tell its loop.

use jumpstarter_client::stream::ByteStream;
use jumpstarter_proto::v1::StatusResponse;

use crate::hook::Ran;
use crate::lease::{Event, LeaseId, When};

use super::hosted::{HostError, Hosted};
use super::registration::Unregistered;

/// Something a task has to tell. What the machine has to know is an event of its own; what else
/// comes with it stays here.
#[derive(Debug)]
pub(super) enum News {
    /// Nothing to add.
    Event(Event),
    /// The controller knows this exporter.
    Registered,
    /// The controller does not want it, or it has no drivers to offer. Another try follows.
    Unregistered(Unregistered),
    /// What the controller shows now.
    Status(StatusResponse),
    /// The session that was asked for.
    Opened(LeaseId, Result<Box<Hosted>, HostError>),
    /// A client at the other end of a tunnel.
    Tunnel(LeaseId, Box<ByteStream>),
    /// A hook is over.
    Ran(LeaseId, When, Ran),
}
