//! The Status stream of an exporter, which tells it what it is leased for. While it is open, the
//! exporter is online.

use std::collections::VecDeque;

use futures_util::stream;
use jumpstarter_proto::v1::{StatusRequest, StatusResponse};
use tokio::sync::watch;
use tonic::{Request, Status};

use super::Services;
use super::controller::Answers;
use crate::lab::{Assignment, ExporterState, Present};
use crate::model::Uid;

/// An open stream.
struct Open {
    states: watch::Receiver<ExporterState>,
    /// Messages to be sent before the next look at the state.
    ready: VecDeque<StatusResponse>,
    last: LastSent,
    _present: Present,
}

/// What the exporter was sent last.
#[derive(Debug, Default)]
struct LastSent {
    any: bool,
    assignment: Option<Assignment>,
}

// === impl Services ===

impl Services {
    pub(super) async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Answers<StatusResponse>, Status> {
        let exporter = self.exporter(&request).await?.object;
        let present = self.lab().arrive(exporter.uid).await?;
        let mut states = self.lab().watch(exporter.uid);
        states.mark_changed();
        let open = Open {
            states,
            ready: VecDeque::new(),
            last: LastSent::default(),
            _present: present,
        };
        Ok(Box::pin(stream::unfold(Some(open), |open| async {
            let mut open = open?;
            match open.next().await {
                Ok(message) => Some((Ok(message), Some(open))),
                Err(status) => Some((Err(status), None)),
            }
        })))
    }
}

// === impl Open ===

impl Open {
    async fn next(&mut self) -> Result<StatusResponse, Status> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            if self.states.changed().await.is_err() {
                return Err(Status::unavailable("the controller is shutting down"));
            }
            let state = self.states.borrow_and_update().clone();
            if state.gone {
                return Err(Status::unknown("the exporter has been deleted"));
            }
            self.ready = self.last.tell(state.assignment);
        }
    }
}

// === impl LastSent ===

impl LastSent {
    /// The messages that tell an exporter `now`. Between two leases it is always told that it has none,
    /// because it would take the second for the first.
    fn tell(&mut self, now: Option<Assignment>) -> VecDeque<StatusResponse> {
        let which = |assignment: &Option<Assignment>| -> Option<Uid> {
            assignment.as_ref().map(|assignment| assignment.uid)
        };
        let mut messages = VecDeque::new();
        let another = which(&self.assignment) != which(&now);
        if self.assignment.is_some() && now.is_some() && another {
            messages.push_back(StatusResponse::default());
        }
        if !self.any || self.assignment != now {
            messages.push_back(message(now.as_ref()));
        }
        self.any = true;
        self.assignment = now;
        messages
    }
}

fn message(assignment: Option<&Assignment>) -> StatusResponse {
    match assignment {
        None => StatusResponse::default(),
        Some(assignment) => StatusResponse {
            leased: true,
            lease_name: Some(assignment.lease.clone()),
            client_name: Some(assignment.client.clone()),
            context: assignment.context.clone().into_iter().collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Labels;
    use crate::model::samples::uid;

    fn lease(name: &str, client: &str) -> Option<Assignment> {
        Some(Assignment {
            uid: uid(name),
            lease: name.to_owned(),
            client: client.to_owned(),
            context: Labels::new(),
        })
    }

    fn told(last: &mut LastSent, now: Option<Assignment>) -> Vec<(bool, String)> {
        let messages = last.tell(now).into_iter();
        messages
            .map(|message| (message.leased, message.client_name.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn an_exporter_hears_every_change_once_and_a_pause_between_leases() {
        let mut last = LastSent::default();
        let free = || vec![(false, String::new())];
        assert_eq!(
            told(&mut last, None),
            free(),
            "the first is sent in any case"
        );
        assert_eq!(told(&mut last, None), []);
        assert_eq!(
            told(&mut last, lease("1", "alice")),
            [(true, "alice".to_owned())]
        );
        assert_eq!(told(&mut last, lease("1", "alice")), []);
        assert_eq!(
            told(&mut last, lease("1", "bob")),
            [(true, "bob".to_owned())]
        );
        let mut both = free();
        both.push((true, "carol".to_owned()));
        assert_eq!(told(&mut last, lease("2", "carol")), both);
        assert_eq!(told(&mut last, None), free());
    }
}
