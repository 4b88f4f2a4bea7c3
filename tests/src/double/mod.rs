//! A stand-in for the controller and its router: real TLS sockets, one exporter, one client.
//!
//! ```text
//!   story ── lease(), end_lease(), gone(), back(), fault(…) ──┐
//!                                                            World   what the controller knows
//!   exporter ── TLS ── Gate ── ControllerService ────────────┤
//!   client ──── TLS ── Gate ── ClientService, Dial ──────────┤
//!   both ────── TLS ── Gate ── RouterService ────────────────┘
//! ```
//!
//! It behaves as the real one does towards exporters and clients, except that it does what a story
//! tells it: vanish and come back, answer nonsense, refuse a token, cut a tunnel. Everything that was
//! asked of it is in its journal, in order.

mod caller;
mod client;
mod collector;
mod controller;
mod fault;
mod gate;
mod journal;
mod lease;
mod router;
mod serve;
mod token;
mod world;

use std::{
    fs,
    sync::{Arc, Weak},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jumpstarter_proto::{
    client_v1::client_service_server::ClientServiceServer,
    v1::{
        ExporterStatus, LogEntry, TelemetryEndpoint,
        controller_service_server::ControllerServiceServer,
        router_service_server::RouterServiceServer,
        telemetry_service_server::TelemetryServiceServer,
    },
};
use tonic::{Status, transport::Server as Grpc};
use uuid::Uuid;

use self::{
    client::Clients, collector::Collector, controller::Controller as Service, fault::Rule,
    gate::Gate, lease::Lease, router::Router, serve::Server, world::World,
};
pub use self::{
    fault::Fault,
    journal::{Call, Kind, Rpc, Said},
};
use crate::{
    Certs, Lab, PATIENCE,
    leased::{Access, Controller, Seen, Stage},
};

const NAMESPACE: &str = "lab";
const EXPORTER: &str = "board";
const CLIENT: &str = "tester";
const LABELS: [(&str, &str); 2] = [("board", "story"), ("jumpstarter.dev/name", EXPORTER)];

/// A controller and a router that stories can break.
#[derive(Debug)]
pub struct Double {
    world: Arc<World>,
    certs: Certs,
    controller: Arc<Server>,
    router: Arc<Server>,
}

// === impl Double ===

impl Double {
    /// Starts both, each on a port of its own.
    pub fn start(lab: &Lab) -> Self {
        let world = Arc::new(World::new());
        let certs = lab.certs();
        let shared = Arc::clone(&world);
        let router = Arc::new_cyclic(|this: &Weak<Server>| {
            let gate = Gate {
                world: Arc::clone(&shared),
                server: this.clone(),
            };
            let serve = move |incoming| {
                let service = RouterServiceServer::new(Router::new(Arc::clone(&shared)));
                let server = Grpc::builder().layer(gate.clone()).add_service(service);
                serving(server.serve_with_incoming(incoming))
            };
            Server::new(&certs, Box::new(serve))
        });
        let endpoint = format!("127.0.0.1:{}", router.port());
        let shared = Arc::clone(&world);
        let controller = Arc::new_cyclic(|this: &Weak<Server>| {
            let gate = Gate {
                world: Arc::clone(&shared),
                server: this.clone(),
            };
            let serve = move |incoming| {
                let world = Arc::clone(&shared);
                let service = ControllerServiceServer::new(Service {
                    world: Arc::clone(&world),
                    router: endpoint.clone(),
                });
                let clients = ClientServiceServer::new(Clients {
                    world: Arc::clone(&world),
                });
                let collector = TelemetryServiceServer::new(Collector {
                    world: Arc::clone(&world),
                });
                let server = Grpc::builder()
                    .layer(gate.clone())
                    .add_service(service)
                    .add_service(clients)
                    .add_service(collector)
                    .serve_with_incoming(incoming);
                serving(async move {
                    tokio::select! {
                        ended = server => ended,
                        () = world.keep_time() => Ok(()),
                    }
                })
            };
            Server::new(&certs, Box::new(serve))
        });
        router.up();
        controller.up();
        Self {
            world,
            certs,
            controller,
            router,
        }
    }

    /// The controller vanishes with all of its connections; tunnels stay.
    pub fn gone(&self) {
        self.controller.down();
        // Nobody watches or listens any more.
        self.world.change(|state| {
            state.watchers.clear();
            state.listeners.clear();
        });
    }

    /// The controller is there again, on the same port, with what it knew.
    pub fn back(&self) {
        // It may have vanished by itself.
        self.gone();
        self.controller.up();
    }

    /// Cuts every tunnel; the router is there again at once.
    pub fn cut_tunnels(&self) {
        self.router.down();
        self.router.up();
    }

    /// The router vanishes, and tunnels with it.
    pub fn router_gone(&self) {
        self.router.down();
    }

    /// The router is there again.
    pub fn router_back(&self) {
        self.router.up();
    }

    /// The next `times` calls to `rpc` meet this fault; without `times`, all do.
    pub fn fault(&self, rpc: Rpc, fault: Fault, times: Option<u32>) {
        self.rule(rpc, None, fault, times);
    }

    /// As a controller of an older release, which knows less and allows exporters less.
    pub fn is_old(&self) {
        let unknown = Fault::Answer(tonic::Code::Unimplemented, "unknown method");
        self.rule(Rpc::GetServiceEndpoints, None, unknown, None);
        let refused = Fault::Answer(tonic::Code::PermissionDenied, "permission denied");
        self.rule(Rpc::ReleaseLease, Some(Kind::Exporter), refused, None);
    }

    /// No more faults of this method.
    pub fn heal(&self, rpc: Rpc) {
        self.world
            .change(|state| state.rules.retain(|rule| rule.rpc != rpc));
    }

    fn rule(&self, rpc: Rpc, kind: Option<Kind>, fault: Fault, left: Option<u32>) {
        let rule = Rule {
            rpc,
            kind,
            fault,
            left,
        };
        self.world.change(|state| state.rules.push(rule));
    }

    /// The next `count` router tokens reach the exporter damaged.
    pub fn spoil_tokens(&self, count: u32) {
        self.world.change(|state| state.spoiled = count);
    }

    /// Ends all `Status` or `Listen` streams, with an error or in good order.
    pub fn hang_up(&self, rpc: Rpc, error: Option<&Status>) {
        self.world.change(|state| state.hang_up(rpc, error));
    }

    /// The present lease ends and another begins, and the exporter is not told `leased=false`.
    pub fn jump(&self) -> String {
        let lease = new_lease(Duration::from_secs(600));
        let name = lease.name.clone();
        self.world.change(|state| state.jump(lease));
        name
    }

    /// Wants the log of exporters that register from now on, and names a certificate to trust.
    pub fn collects_logs(&self, min_severity: &str) {
        let collector = TelemetryEndpoint {
            endpoint: format!("127.0.0.1:{}", self.controller.port()),
            certificate: fs::read_to_string(&self.certs.ca).expect("the authority"),
            min_severity: min_severity.to_owned(),
        };
        self.world.change(|state| state.collector = Some(collector));
    }

    /// What it has collected.
    pub fn lines(&self) -> Vec<LogEntry> {
        let calls = self.calls(Rpc::PushLogs).into_iter();
        let lines = calls.map(|call| match call.said {
            Said::Lines(lines) => lines,
            _ => Vec::new(),
        });
        lines.flatten().collect()
    }

    /// A lease that holds the exporter, with something to say about it.
    #[track_caller]
    pub fn lease_about(&self, context: &[(&str, &str)]) -> String {
        let mut lease = new_lease(Duration::from_secs(600));
        let pairs = context.iter();
        lease.context = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let name = lease.name.clone();
        self.world.change(|state| state.leases.push(lease));
        self.wait_until("leased", |seen| seen.lease.as_ref() == Some(&name));
        name
    }

    /// Hands the lease to another client.
    pub fn transfer(&self, lease: &str, client: &str) {
        self.world.change(|state| {
            let lease = state.lease(lease).expect("a lease of this controller");
            client.clone_into(&mut lease.client);
        });
    }

    /// Leases that have not ended, also those that wait.
    pub fn open_leases(&self) -> Vec<String> {
        self.world.look(|state| {
            let open = state.leases.iter().filter(|lease| lease.ended.is_none());
            open.map(|lease| lease.name.clone()).collect()
        })
    }

    /// The journal so far.
    pub fn journal(&self) -> Vec<Call> {
        self.world.look(|state| state.journal.clone())
    }

    /// The calls to one method so far.
    pub fn calls(&self, rpc: Rpc) -> Vec<Call> {
        let calls = self.journal().into_iter();
        calls
            .filter(|call| call.rpc == rpc && call.begins)
            .collect()
    }

    /// Waits until a method has been called `count` times.
    #[track_caller]
    pub fn wait_for_calls(&self, rpc: Rpc, count: usize) {
        let enough = self.world.wait(PATIENCE, |state| {
            let calls = state.journal.iter().filter(|c| c.rpc == rpc && c.begins);
            (calls.count() >= count).then_some(())
        });
        assert!(
            enough.is_some(),
            "{rpc:?} not called {count} times: {:#?}",
            self.journal()
        );
    }

    /// Every status that was reported, in order.
    pub fn statuses(&self) -> Vec<(ExporterStatus, String)> {
        self.world.look(|state| state.reported.clone())
    }
}

fn new_lease(duration: Duration) -> Lease {
    let selector = "board=story".parse().expect("a selector");
    Lease::new(Uuid::new_v4().to_string(), CLIENT, selector, duration)
}

fn serving(
    server: impl Future<Output = Result<(), tonic::transport::Error>> + Send + 'static,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async {
        server.await.expect("the server serves until it is dropped");
    })
}

impl Controller for Double {
    fn access(&self) -> Access {
        let token = |client: bool| {
            self.world.look(|state| match client {
                true => state.client_token.clone(),
                false => state.exporter_token.clone(),
            })
        };
        Access {
            endpoint: format!("127.0.0.1:{}", self.controller.port()),
            ca: STANDARD.encode(fs::read(&self.certs.ca).expect("the authority")),
            namespace: NAMESPACE.to_owned(),
            exporter: (EXPORTER.to_owned(), token(false)),
            client: (CLIENT.to_owned(), token(true)),
            selector: "board=story".to_owned(),
        }
    }

    fn seen(&self) -> Seen {
        self.world.look(|state| Seen {
            online: state.is_online(),
            registered: state.is_registered(),
            status: state.status,
            message: state.message.clone(),
            lease: state.active().map(|lease| lease.name.clone()),
        })
    }

    fn ask_for_lease(&self, duration: Duration) -> String {
        let lease = new_lease(duration);
        let name = lease.name.clone();
        self.world.change(|state| state.leases.push(lease));
        name
    }

    fn end_lease(&self, name: &str) {
        self.world.change(|state| {
            let lease = state.lease(name).expect("a lease of this controller");
            lease.end("Released", "The lease was marked for release");
        });
    }
}

impl Stage for Double {
    fn start(lab: &Lab) -> Self {
        Self::start(lab)
    }

    fn reported(&self) -> Option<Vec<(ExporterStatus, String)>> {
        Some(self.statuses())
    }
}
