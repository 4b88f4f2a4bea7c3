#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioExecutor;
use tokio::io::duplex;
use tokio::task::JoinHandle;

use super::*;
use crate::config::Config;

/// Marks the connection of a request for `/known` as authenticated.
#[derive(Clone)]
struct Host;

impl Handler for Host {
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> impl Future<Output = Answer> + Send + 'static {
        if request.uri().path() == "/known" {
            request
                .extensions()
                .get::<ConnectionState>()
                .unwrap()
                .mark_authenticated();
        }
        async { Answer::default() }
    }
}

type Sender = SendRequest<Empty<Bytes>>;

/// A connection to these endpoints, and the task that serves it.
async fn connect(endpoints: &Endpoints, user: Option<LocalUser>) -> (Sender, JoinHandle<()>) {
    let (near, far) = duplex(64 << 10);
    let endpoint = endpoints.endpoint(None, Capacity::Tools, Host);
    let slot = endpoint.limit.wait().await.unwrap();
    let slot = endpoint.limit.claim(slot, Peer::default()).unwrap();
    let served =
        tokio::spawn(async move { endpoint.serve(far, Peer::default(), user, slot).await });
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(near))
        .await
        .unwrap();
    tokio::spawn(connection);
    (sender, served)
}

async fn ask(sender: &mut Sender, path: &str) {
    sender.ready().await.unwrap();
    let request = hyper::Request::get(format!("http://lab{path}")).body(Empty::new());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert!(answer.status().is_success());
}

#[tokio::test(start_paused = true)]
async fn strangers_make_room_and_nobody_else() {
    let config = Config::default();
    let endpoints = Endpoints::new(config.keepalive, config.connections);
    let (stranger, strange) = connect(&endpoints, None).await;
    let (mut asks, asking) = connect(&endpoints, None).await;
    ask(&mut asks, "/health").await;
    let (mut friend, known) = connect(&endpoints, None).await;
    ask(&mut friend, "/known").await;
    let (mut local, locally) = connect(&endpoints, Some(LocalUser(0))).await;
    strange.await.unwrap();
    asking.await.unwrap();
    sleep(100 * AUTHENTICATION_TIMEOUT).await;
    // They have said nothing since, and need not.
    assert!(!known.is_finished() && !locally.is_finished());
    ask(&mut friend, "/").await;
    ask(&mut local, "/").await;
    drop((stranger, asks));
}

#[test]
fn peers_elsewhere_may_send_more_ahead() {
    let at = |address: &str| window(Peer::from(address.parse::<SocketAddr>().unwrap()));
    assert_eq!(at("127.0.0.1:1"), NEAR_WINDOW);
    assert_eq!(at("[::ffff:127.0.0.1]:1"), NEAR_WINDOW);
    assert_eq!(at("10.0.0.1:1"), FAR_WINDOW);
    assert_eq!(window(Peer::default()), NEAR_WINDOW, "a unix socket");
}
