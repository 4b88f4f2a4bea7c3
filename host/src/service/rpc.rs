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

use super::passphrase::Passphrase;
use super::reflection::Reflection;
use super::route::Route;
use super::router::Router;
use super::{Exporter, errors};

/// The services of ours, as their health is asked for.
const SERVICES: [&str; 2] = [
    exporter_service_server::SERVICE_NAME,
    router_service_server::SERVICE_NAME,
];

type Answer = BoxFuture<Response<Body>, Infallible>;

/// Everything a client can call. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rpc {
    services: Arc<Services>,
    passphrase: Option<Arc<Passphrase>>,
}

#[derive(Debug)]
struct Services {
    exporter: ExporterServiceServer<Exporter>,
    router: Router,
    health: HealthServer<HealthService>,
    reporter: HealthReporter,
    reflection: Reflection,
}

// === impl Rpc ===

impl Rpc {
    /// All services, for clients that need no passphrase.
    pub async fn new(exporter: Exporter) -> Self {
        let reporter = HealthReporter::new();
        for service in SERVICES {
            reporter
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        let health = HealthService::from_health_reporter(reporter.clone());
        Self {
            services: Arc::new(Services {
                router: Router::new(&exporter),
                exporter: ExporterServiceServer::new(exporter),
                health: HealthServer::new(health),
                reporter,
                reflection: Reflection::default(),
            }),
            passphrase: None,
        }
    }

    /// The same services, for clients that need this passphrase if there is one.
    pub fn behind(&self, passphrase: Option<Passphrase>) -> Self {
        Self {
            services: Arc::clone(&self.services),
            passphrase: passphrase.map(Arc::new),
        }
    }

    /// Tells those who watch the health that it ends here.
    pub async fn begin_closing(&self) {
        let mut reporter = self.services.reporter.clone();
        for service in [""].into_iter().chain(SERVICES) {
            reporter
                .set_service_status(service, ServingStatus::NotServing)
                .await;
            reporter.clear_service_status(service).await;
        }
    }

    fn answer(&self, request: Request<Incoming>) -> Result<Answer, Status> {
        let path = request.uri().path();
        let route = Route::of(path).ok_or_else(|| Status::unimplemented("Method not found!"))?;
        if let Some(passphrase) = &self.passphrase {
            passphrase.check(request.headers(), path)?;
        }
        let Services {
            exporter,
            router,
            health,
            reflection,
            ..
        } = &*self.services;
        Ok(match route {
            Route::Exporter => exporter.clone().call(request),
            Route::Router => Box::pin(router.clone().call(request)),
            Route::Health => health.clone().call(request),
            Route::Reflection => Box::pin(reflection.v1().map_err(errors::ours)?.call(request)),
            Route::ReflectionAlpha => {
                Box::pin(reflection.v1alpha().map_err(errors::ours)?.call(request))
            }
        })
    }
}

impl hyper::service::Service<Request<Incoming>> for Rpc {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        self.answer(request)
            .unwrap_or_else(|status| Box::pin(ready(Ok(status.into_http()))))
    }
}
