//! Controller and router as two programs.

use std::process::{Child, ExitStatus, Stdio};
use std::time::Instant;

use bytes::Bytes;
use jumpstarter_client::Secret;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Lab, PATIENCE, mode};
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

#[tokio::test]
async fn a_router_elsewhere_needs_nothing_but_its_folder() {
    let mut lab = Lab::new();
    let folder = lab.path("r2");
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.unwrap().port().to_string();
    let words = [
        "router",
        "create",
        folder.to_str().unwrap(),
        "--host",
        "localhost",
    ];
    let told = lab.works(&[&words[..], &["--port", &port]].concat());
    assert!(
        told.contains(&format!("default: {{endpoint: 'localhost:{port}'}}")),
        "{told}"
    );
    for (name, expected) in [("", 0o700), ("router.key", 0o600), ("tls.key", 0o600)] {
        assert_eq!(mode(&folder.join(name)), expected, "{name}");
    }
    assert!(lab.fails(&words).contains("--renew"));
    let before = std::fs::read_to_string(folder.join("tls.crt")).unwrap();
    lab.works(&[&words[..], &["--renew"]].concat());
    assert_ne!(
        std::fs::read_to_string(folder.join("tls.crt")).unwrap(),
        before
    );

    // Nothing of the lab but that folder is known to it.
    let mut program = lab.program();
    program
        .env_remove("JMP_CONTROLLER_CONFIG")
        .env_remove("JMP_CONTROLLER_DATA")
        .args([
            "--data-dir",
            folder.to_str().unwrap(),
            "run",
            "--role",
            "router",
        ])
        .stderr(std::fs::File::create(lab.path("router.log")).unwrap());
    let _router = Beside(Some(program.spawn().unwrap()));
    let begun = Instant::now();
    while std::net::TcpStream::connect(format!("localhost:{port}")).is_err() {
        let log = std::fs::read_to_string(lab.path("router.log")).unwrap();
        assert!(begun.elapsed() < PATIENCE, "{log}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let path = lab.path("lab.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    lab.start();
    let mut meeting = Meeting::new(&lab).await;
    let near_by = meeting.dial().await.endpoint;
    // From now on streams meet there.
    std::fs::write(&path, text + &told).unwrap();
    lab.signal(Signal::SIGHUP);
    lab.says("the configuration has been read again", 0);
    let tokens = meeting.dial().await;
    assert_eq!(tokens.endpoint, format!("localhost:{port}"));
    assert_ne!(tokens.endpoint, near_by);
    let ways = [tokens.endpoint.as_str(); 2];
    let ((mut near, _near_says), (_far, mut far_says)) = meeting.stream_by(&tokens, ways).await;
    far_says
        .send(Bytes::from_static(b"over there"))
        .await
        .unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), "over there");
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
