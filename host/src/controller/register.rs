//! Makes the exporter known to the controller.

use std::time::Duration;

use jumpstarter_client::controller::describe;
use jumpstarter_proto::v1::{GetReportResponse, RegisterRequest};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};
use tracing::{info, warn};

use super::ask::ask;
use super::complaints::Complaints;
use super::link::Link;
use super::retry;

/// How long one attempt may take; writing down a large tree takes controllers a while.
const LIMIT: Duration = Duration::from_secs(60);

/// The label by which controllers find an exporter's name.
const NAME: &str = "jumpstarter.dev/name";

/// The controller does not want this exporter, and another attempt would not change that.
#[derive(Debug, thiserror::Error)]
#[error(
    "the controller refuses to register this exporter: {}; check `endpoint`, `token` and `metadata`",
    describe(.0)
)]
pub struct Refused(Box<Status>);

// === impl Refused ===

impl Refused {
    /// What the controller answered.
    pub fn code(&self) -> Code {
        self.0.code()
    }
}

// === impl Link ===

impl Link {
    /// Makes the exporter known to the controller, with what its report says; tries until there is
    /// an answer, so whoever wants to give up drops it.
    ///
    /// # Errors
    ///
    /// When the controller refuses for good.
    pub async fn register(&self, report: GetReportResponse) -> Result<(), Refused> {
        let mut labels = report.labels;
        labels.insert(NAME.to_owned(), self.name().to_owned());
        let question = RegisterRequest {
            labels,
            reports: report.reports,
        };
        let mut pauses = retry::registering();
        let mut complaints = Complaints::default();
        loop {
            let Err(status) = self.attempt(question.clone()).await else {
                if complaints.settle() {
                    info!("Registered, the controller answers again");
                }
                self.reporter().hear();
                return Ok(());
            };
            if retry::is_refusal(&status) {
                return Err(Refused(Box::new(status)));
            }
            let pause = pauses.next_delay();
            let why = describe(&status);
            if complaints.is_news(&why, Instant::now()) {
                let seconds = pause.as_secs_f64();
                warn!("Cannot register with the controller, retrying in {seconds:.1}s: {why}");
            }
            sleep(pause).await;
        }
    }

    async fn attempt(&self, question: RegisterRequest) -> Result<(), Status> {
        // Dropped half-way, it may have worked.
        let before = self.suppose_registered(true);
        let call = ask(
            self.controller(),
            LIMIT,
            question,
            |mut service, request| async move { service.register(request).await },
        );
        let answered = call.await.map(drop);
        if answered.is_err() {
            self.suppose_registered(before);
        }
        answered
    }
}
