//! The Listen stream of an exporter: invitations from clients that dial.

use futures_util::stream;
use jumpstarter_proto::v1::{ListenRequest, ListenResponse};
use tonic::{Request, Status};

use super::controller::Answers;
use super::{Services, not_found};
use crate::model::Key;

// === impl Services ===

impl Services {
    pub(super) async fn listen(
        &self,
        request: Request<ListenRequest>,
    ) -> Result<Answers<ListenResponse>, Status> {
        let exporter = self.exporter(&request).await?.object;
        let name = request.into_inner().lease_name;
        if name.is_empty() {
            return Err(Status::unknown("empty lease name"));
        }
        let key = Key::new(&exporter.key.namespace, &name);
        let lease = self.lab().lease(&key).await?;
        let lease = lease.ok_or_else(|| not_found("leases", &name))?;
        let holder = lease.exporter.as_ref().map(|exporter| exporter.uid);
        if holder != Some(exporter.uid) {
            return Err(Status::unknown("permission denied"));
        }
        // For an ended lease, the stream stays silent: after a refusal the exporter would ask again,
        // and invitations that are left in the queue lead nowhere.
        if lease.has_ended() {
            return Ok(Box::pin(stream::pending()));
        }
        let listening = self.inner.listeners.listen(lease.uid);
        Ok(Box::pin(stream::unfold(listening, |mut listening| async {
            let invitation = listening.next().await?;
            let message = ListenResponse {
                router_endpoint: invitation.endpoint,
                router_token: invitation.token.expose().clone(),
            };
            Some((Ok(message), listening))
        })))
    }
}
