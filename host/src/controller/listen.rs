//! Clients that want to come to the current lease.

use std::fmt;

use jumpstarter_client::Secret;
use jumpstarter_proto::v1::{ListenRequest, ListenResponse};
use tracing::info;

use super::link::Link;
use super::streams::{Following, Source};

/// Invitations that wait until somebody looks at them.
const WAITING: usize = 10;

/// A client waits at a router.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Where the router is.
    pub endpoint: String,
    /// What the client presents there, too.
    pub token: Secret<String>,
}

/// The clients that want to come to a lease. Ends when dropped.
pub struct Listening {
    lease: String,
    invitations: Following<ListenResponse>,
}

// === impl Listening ===

impl Listening {
    /// The next client; waits for ever if there is none. No one is lost if this is dropped.
    pub async fn next(&mut self) -> Invitation {
        let response = self.invitations.next().await;
        let invitation = Invitation::from(response);
        info!(
            "Handling new connection request on lease {} (router={})",
            self.lease, invitation.endpoint
        );
        invitation
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

// === impl Invitation ===

impl From<ListenResponse> for Invitation {
    fn from(response: ListenResponse) -> Self {
        Self {
            endpoint: response.router_endpoint,
            token: Secret::new(response.router_token),
        }
    }
}

// === impl Link ===

impl Link {
    /// Listens for clients of `lease`. The request is on its way when this returns, and comes
    /// before reports that are made later.
    pub fn listen(&self, lease: &str) -> Listening {
        let (link, name) = (self.clone(), lease.to_owned());
        let source = Source {
            what: "Listen",
            open: move || {
                let mut service = link.controller().service();
                let lease_name = name.clone();
                async move {
                    let answered = service.listen(ListenRequest { lease_name }).await;
                    answered.map(tonic::Response::into_inner)
                }
            },
            back: || (),
        };
        Listening {
            lease: lease.to_owned(),
            invitations: Following::start(source, WAITING),
        }
    }
}
