//! Controller and router as two programs.

use std::process::{Child, ExitStatus, Stdio};
use std::time::Instant;

use bytes::Bytes;
use jumpstarter_client::Secret;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Lab, PATIENCE};
use crate::meeting::{Meeting, complaint};

/// A program beside the controller.
struct Beside(Option<Child>);

// === impl Beside ===

impl Beside {
    /// The router of a lab, whose files it shares; or one that knows nothing but the key.
    fn router(lab: &Lab) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(lab.path("router.log"))
            .unwrap();
        let child = lab
            .program()
            .args(["run", "--role", "router"])
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", lab.ports.router)).is_err() {
            let log = std::fs::read_to_string(lab.path("router.log")).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{log}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Self(Some(child))
    }

    fn stop(mut self) -> ExitStatus {
        let mut child = self.0.take().unwrap();
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
        child.wait().unwrap()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[tokio::test]
async fn streams_outlive_the_controller_when_the_router_is_a_program_of_its_own() {
    let mut lab = Lab::new();
    let router = Beside::router(&lab);
    lab.start_as(&["run", "--role", "controller"]);
    let mut meeting = Meeting::new(&lab).await;
    let tokens = meeting.dial().await;
    assert_eq!(tokens.endpoint, format!("127.0.0.1:{}", lab.ports.router));
    let ways = [tokens.endpoint.as_str(); 2];
    let ((mut near, mut near_says), (mut far, mut far_says)) =
        meeting.stream_by(&tokens, ways).await;
    near_says.send(Bytes::from_static(b"ping")).await.unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), "ping");

    // The key is what lets them know each other: a token with another signature opens nothing.
    let forged = Secret::new(format!("{}x", tokens.client.expose()));
    let mut stranger = meeting
        .client
        .router(&tokens.endpoint, &forged)
        .await
        .unwrap();
    let told = stranger.answered().await.unwrap_err().to_string();
    assert!(told.contains("invalid jwt token"), "{told}");
    // Nor does one that was used.
    let mut third = meeting
        .client
        .router(&tokens.endpoint, &tokens.client)
        .await
        .unwrap();
    third.answered().await.unwrap_err();

    // A restart of the controller, in the middle of it.
    assert!(lab.stop().success());
    far_says
        .send(Bytes::from_static(b"still here"))
        .await
        .unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), "still here");
    lab.start_as(&["run", "--role", "controller"]);
    let mut meeting = meeting.again().await;
    near_says
        .send(Bytes::from_static(b"and again"))
        .await
        .unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), "and again");
    let ((mut later, _later_says), (_hears, mut far_later)) = meeting.stream().await;
    far_later.send(Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(later.next().await.unwrap().unwrap(), "new");

    // Its certificate is looked for again, it does not end.
    kill(
        Pid::from_raw(router.0.as_ref().unwrap().id().cast_signed()),
        Signal::SIGHUP,
    )
    .unwrap();
    far_says.send(Bytes::from_static(b"last")).await.unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), "last");
    assert!(router.stop().success());
    let told = complaint(&mut near).await;
    assert!(
        told.contains("shutting down") || told.contains("UNAVAILABLE"),
        "{told}"
    );
}

#[test]
fn a_controller_without_router_opens_no_port_for_one() {
    let mut lab = Lab::new();
    lab.start_as(&["run", "--role", "controller"]);
    let refused = std::net::TcpStream::connect(("127.0.0.1", lab.ports.router));
    assert!(refused.is_err());
    // And a second one does not take the folder of the first.
    let told = lab.fails(&["run", "--role", "controller"]);
    assert!(
        told.contains("another controller") || told.contains("in use"),
        "{told}"
    );
}
