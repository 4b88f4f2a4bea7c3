//! Takes each request to its service, past the passphrase.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use jumpstarter_proto::v1::exporter_service_server::{self, ExporterServiceServer};
use jumpstarter_proto::v1::router_service_server;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::listen::Calls;
use crate::session::{Audience, Session, Visitor};

use super::errors;
use super::exporter::Exporter;
use super::passphrase::Passphrase;
use super::reflection::Reflection;
use super::route::Route;
use super::router::Router;

/// The services of ours, as their health is asked for.
const SERVICES: [&str; 2] = [
    exporter_service_server::SERVICE_NAME,
    router_service_server::SERVICE_NAME,
];

type Answer = BoxFuture<Response<Body>, Infallible>;

/// Everything that can be called, through one door. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rpc {
    session: Arc<Session>,
    audience: Audience,
    common: Arc<Common>,
    passphrase: Option<Arc<Passphrase>>,
}

/// The same for one client. Hyper keeps it as long as the connection lasts.
#[derive(Debug)]
pub struct Connection {
    exporter: ExporterServiceServer<Exporter>,
    router: Router,
    common: Arc<Common>,
    passphrase: Option<Arc<Passphrase>>,
}

/// The services that are the same for everybody.
#[derive(Debug)]
struct Common {
    health: HealthServer<HealthService>,
    reporter: HealthReporter,
    reflection: Reflection,
}

// === impl Rpc ===

impl Rpc {
    /// All services, for the programs that the exporter runs itself. They need no passphrase.
    pub async fn for_hooks(session: Arc<Session>) -> Self {
        let reporter = HealthReporter::new();
        for service in SERVICES {
            reporter
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        let health = HealthService::from_health_reporter(reporter.clone());
        Self {
            session,
            audience: Audience::Hook,
            common: Arc::new(Common {
                health: HealthServer::new(health),
                reporter,
                reflection: Reflection::default(),
            }),
            passphrase: None,
        }
    }

    /// The same services, for clients, who need this passphrase if there is one.
    pub fn for_clients(&self, passphrase: Option<Passphrase>) -> Self {
        Self {
            audience: Audience::Client,
            passphrase: passphrase.map(Arc::new),
            ..self.clone()
        }
    }

    /// Tells those who watch the health that it ends here.
    pub async fn begin_closing(&self) {
        let mut reporter = self.common.reporter.clone();
        for service in [""].into_iter().chain(SERVICES) {
            reporter
                .set_service_status(service, ServingStatus::NotServing)
                .await;
            reporter.clear_service_status(service).await;
        }
    }
}

impl Calls for Rpc {
    type Connection = Connection;

    fn connection(&self) -> Connection {
        let visitor = Arc::new(Visitor::new(Arc::clone(&self.session), self.audience));
        Connection {
            exporter: ExporterServiceServer::new(Exporter::new(Arc::clone(&visitor))),
            router: Router::new(visitor),
            common: Arc::clone(&self.common),
            passphrase: self.passphrase.clone(),
        }
    }
}

// === impl Connection ===

impl Connection {
    fn answer(&self, request: Request<Incoming>) -> Result<Answer, Status> {
        let path = request.uri().path();
        let route = Route::of(path).ok_or_else(|| Status::unimplemented("Method not found!"))?;
        if let Some(passphrase) = &self.passphrase {
            passphrase.check(request.headers(), path)?;
        }
        let Common {
            health, reflection, ..
        } = &*self.common;
        Ok(match route {
            Route::Exporter => self.exporter.clone().call(request),
            Route::Router => Box::pin(self.router.clone().call(request)),
            Route::Health => health.clone().call(request),
            Route::Reflection => Box::pin(reflection.v1().map_err(errors::ours)?.call(request)),
            Route::ReflectionAlpha => {
                Box::pin(reflection.v1alpha().map_err(errors::ours)?.call(request))
            }
        })
    }
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        self.answer(request)
            .unwrap_or_else(|status| Box::pin(ready(Ok(status.into_http()))))
    }
}
