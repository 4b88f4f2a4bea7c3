//! The life of the program: from settings to endpoints that serve, and to an orderly end.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use jumpstarter_proto::FILE_DESCRIPTOR_SET;
use jumpstarter_proto::client_v1::client_service_server::ClientServiceServer;
use jumpstarter_proto::v1::controller_service_server::ControllerServiceServer;
use jumpstarter_proto::v1::telemetry_service_server::TelemetryServiceServer;
use nix::sys::stat::{Mode, umask};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::ServingStatus;

use super::dispatch::Dispatch;
use super::endpoints::{Capacity, Endpoints};
use super::installation::{certificate, router_tokens};
use super::listen::Inherited;
use super::reload::{hangups, reload};
use super::{Installation, StartError, Tunnels, notify};
use crate::admin::Api;
use crate::config::folder::FolderLock;
use crate::config::{Config, Folder};
use crate::http;
use crate::service::{ClientApi, ControllerApi, TelemetryApi, brief};
use crate::tls::Serving;

/// The longest message that a service takes, in bytes.
const LONGEST: usize = 4 << 20;
/// How long calls that are about to be answered get when the program stops.
const MOMENT: Duration = Duration::from_millis(500);
/// How long the previous program may take to let go of the data folder.
const HANDOVER: Duration = Duration::from_secs(10);

/// Which parts of the controller a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything but the router; byte streams outlive its restarts
    Controller,
    /// The router alone
    Router,
    /// Both in one process
    #[default]
    All,
}

/// The sockets of all endpoints; `None` for those that are off or belong to another role.
struct Sockets {
    grpc: Option<TcpListener>,
    router: Option<TcpListener>,
    health: Option<TcpListener>,
    metrics: Option<TcpListener>,
    login: Option<TcpListener>,
    telemetry: Option<TcpListener>,
}

/// Serves until `stop`.
///
/// # Errors
///
/// Why it cannot start, or that the lab's own task has ended.
pub async fn run(
    config: Config,
    folder: Folder,
    role: Role,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let made = folder.make();
    made.map_err(|source| StartError::Folder {
        path: folder.path().to_owned(),
        source,
    })?;
    // Connections wait in the kernel from here on, while the data is read.
    let sockets = Sockets::open(&config, role).await?;
    match role {
        Role::Router => route(config, folder, sockets, stop).await,
        Role::Controller | Role::All => control(config, folder, role, sockets, stop).await,
    }
}

async fn control(
    config: Config,
    folder: Folder,
    role: Role,
    sockets: Sockets,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let mut hangups = hangups()?;
    let lock = lock(&folder).await?;
    let installation = Installation::open(config, folder, lock).await?;
    let config = installation.config.get();
    let Installation {
        folder,
        lab,
        router_tokens,
        services,
        serving,
        ..
    } = &installation;
    let tls = TlsAcceptor::from(serving.config()?);
    let known = Some((lab.clone(), services.listeners().clone()));
    let tunnels = Tunnels::new(router_tokens.clone(), known, config.tunnel_grace);
    let tunnels = (role == Role::All).then_some(tunnels);

    let (health, health_service) = tonic_health::server::health_reporter();
    let status = http::Health::new(lab.clone());
    let grpc = Routes::new(
        ControllerServiceServer::new(ControllerApi::new(services.clone()))
            .max_decoding_message_size(LONGEST),
    )
    .add_service(
        ClientServiceServer::new(ClientApi::new(services.clone()))
            .max_decoding_message_size(LONGEST),
    )
    .add_service(telemetry(services))
    .add_service(health_service.clone());
    let grpc = with_reflection(grpc)?.prepare().into_axum_router();
    let grpc = grpc.layer(axum::middleware::map_response(brief));
    let admin = Api::new(&installation, tunnels.clone()).router();
    let login = http::login(installation.config.clone(), installation.ca());
    let web = http::rest(ClientApi::new(services.clone()))
        .merge(login.clone())
        .merge(admin.clone());

    let endpoints = Endpoints::new(config.keepalive, config.connections);
    let known = Some(installation.authenticator.clone());
    let mut addresses = Vec::new();
    let mut open = |listener: Option<TcpListener>, what: &str, tls, capacity, calls| {
        if let Some(listener) = listener {
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, what, "listening");
                addresses.push(format!("{what} on {address}"));
            }
            endpoints.tcp(listener, tls, capacity, calls);
        }
    };
    let all = Dispatch::grpc(grpc, tunnels.clone(), web, known.clone());
    open(
        sockets.grpc,
        "grpc",
        Some(tls.clone()),
        Capacity::Everyone,
        all,
    );
    if let Some(tunnels) = &tunnels {
        let routes = with_reflection(Routes::new(health_service))?;
        let routes = routes.prepare().into_axum_router();
        let router = Dispatch::grpc(routes, Some(tunnels.clone()), http::nothing(), None);
        open(
            sockets.router,
            "router",
            Some(tls),
            Capacity::Everyone,
            router,
        );
    }
    let login = Dispatch::http(login);
    open(sockets.login, "login", None, Capacity::People, login);
    open(
        sockets.health,
        "health",
        None,
        Capacity::Tools,
        Dispatch::http(status.router()),
    );
    let metrics = http::metrics(lab.clone(), services.clone(), tunnels.clone());
    let metrics = Dispatch::http(metrics);
    open(sockets.metrics, "metrics", None, Capacity::Tools, metrics);
    let logs = Routes::new(telemetry(services))
        .prepare()
        .into_axum_router();
    let logs = Dispatch::grpc(logs, None, http::nothing(), known);
    open(
        sockets.telemetry,
        "telemetry",
        None,
        Capacity::Everyone,
        logs,
    );
    endpoints.unix(socket(folder)?, Dispatch::http(admin));

    let keeper = tokio::spawn(serving.clone().keep(stop.clone()));
    status.set(true);
    let addresses = addresses.join(", ");
    notify::ready(&addresses);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data = %folder.path().display(),
        namespace = config.namespace,
        endpoint = config.public.grpc,
        "serving"
    );
    let hear = async {
        while let Some(()) = hangups.recv().await {
            notify::reloading();
            reload(&installation).await;
            notify::ready(&addresses);
        }
    };
    // The watchdog of systemd hears from us only while the lab answers.
    let answers = async || drop(lab.answers(Duration::MAX).await);
    let is_over = tokio::select! {
        () = stop.cancelled() => false,
        () = notify::stay_alive(answers) => false,
        () = hear => false,
        () = lab.over() => true,
    };

    notify::stopping();
    tracing::info!("stopping");
    status.set(false);
    health
        .set_service_status("", ServingStatus::NotServing)
        .await;
    if let Some(tunnels) = &tunnels {
        tunnels.end();
    }
    endpoints.close(MOMENT).await;
    if let Some(tunnels) = tunnels {
        tunnels.stop().await;
    }
    // It ends with `stop`.
    keeper.await.ok();
    drop(status);
    // Before the folder is let go of, or this would remove the next controller's socket.
    std::fs::remove_file(folder.socket()).ok();
    installation.close().await;
    tracing::info!("stopped");
    match is_over {
        true => Err(StartError::Over),
        false => Ok(()),
    }
}

/// A router without a controller: it verifies tokens with the shared key, and knows no leases.
async fn route(
    config: Config,
    folder: Folder,
    sockets: Sockets,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let mut hangups = hangups()?;
    let tokens = router_tokens(&config, &folder)?;
    let (serving, _) = certificate(&config, &folder)?;
    let tls = TlsAcceptor::from(serving.config()?);
    let tunnels = Tunnels::new(tokens, None, config.tunnel_grace);
    let (health, health_service) = tonic_health::server::health_reporter();
    let routes = with_reflection(Routes::new(health_service))?;
    let routes = routes.prepare().into_axum_router();
    let endpoints = Endpoints::new(config.keepalive, config.connections);
    if let Some(listener) = sockets.router {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, what = "router", "listening");
        }
        let calls = Dispatch::grpc(routes, Some(tunnels.clone()), http::nothing(), None);
        endpoints.tcp(listener, Some(tls), Capacity::Everyone, calls);
    }
    let keeper = tokio::spawn(Serving::keep(serving.clone(), stop.clone()));
    notify::ready("routing");
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        endpoint = config.public.router,
        "routing"
    );
    let hear = async {
        while let Some(()) = hangups.recv().await {
            // A router reads nothing else again.
            serving.look_now();
            tracing::info!("looking for another certificate");
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = notify::stay_alive(async || {}) => {}
        () = hear => {}
    }
    notify::stopping();
    health
        .set_service_status("", ServingStatus::NotServing)
        .await;
    tunnels.end();
    endpoints.close(MOMENT).await;
    tunnels.stop().await;
    // It ends with `stop`.
    keeper.await.ok();
    Ok(())
}

fn telemetry(services: &crate::service::Services) -> TelemetryServiceServer<TelemetryApi> {
    let api = TelemetryApi::new(services.clone());
    TelemetryServiceServer::new(api).max_decoding_message_size(LONGEST)
}

fn with_reflection(routes: Routes) -> Result<Routes, tonic_reflection::server::Error> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Older tools know only v1alpha.
    let routes = routes.add_service(builder().build_v1()?);
    Ok(routes.add_service(builder().build_v1alpha()?))
}

/// Takes the data folder, waiting for the previous program to end.
async fn lock(folder: &Folder) -> Result<FolderLock, StartError> {
    let deadline = Instant::now() + HANDOVER;
    loop {
        let lock = folder.lock().map_err(|source| StartError::Folder {
            path: folder.path().to_owned(),
            source,
        })?;
        match lock {
            Some(lock) => return Ok(lock),
            None if Instant::now() >= deadline => {
                return Err(StartError::Taken(folder.path().to_owned()));
            }
            None => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// The socket for administrators' commands on this machine. Only the controller's own user and root may
/// connect, from the first moment on: a data folder that existed before may be open to others.
fn socket(folder: &Folder) -> Result<UnixListener, StartError> {
    let path = folder.socket();
    let failed = |source| StartError::Socket {
        path: path.clone(),
        source,
    };
    // Left by a program that was killed: a living one would hold the folder.
    std::fs::remove_file(&path).ok();
    let usual = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(&path);
    umask(usual);
    let listener = bound.map_err(failed)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

// === impl Sockets ===

impl Sockets {
    async fn open(config: &Config, role: Role) -> Result<Self, StartError> {
        let mut inherited = Inherited::take().map_err(StartError::Inherited)?;
        let listen = &config.listen;
        let controls = role != Role::Router;
        let wanted = |address: &Option<String>, here: bool| address.clone().filter(|_| here);
        let all = [
            ("grpc", wanted(&listen.grpc, controls)),
            ("router", wanted(&listen.router, role != Role::Controller)),
            ("health", wanted(&listen.health, controls)),
            ("metrics", wanted(&listen.metrics, controls)),
            ("login", wanted(&listen.login, controls)),
            ("telemetry", wanted(&listen.telemetry, controls)),
        ];
        let mut sockets = [None, None, None, None, None, None];
        for ((what, address), socket) in all.into_iter().zip(&mut sockets) {
            if let Some(address) = address {
                *socket = Some(inherited.listen(what, &address).await?);
            }
        }
        inherited.finish();
        let [grpc, router, health, metrics, login, telemetry] = sockets;
        Ok(Self {
            grpc,
            router,
            health,
            metrics,
            login,
            telemetry,
        })
    }
}
