//! The way to a controller, against a server in this process.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;

use std::process::Command;

use fake::{Certificate, Fake, Serving};
use jumpstarter_client::Secret;
use jumpstarter_client::connect::{ChannelOptions, Roots, Tls};
use jumpstarter_client::controller::{Controller, ControllerError, Identity, Kind, describe};
use jumpstarter_proto::client_v1::ListLeasesRequest;
use jumpstarter_proto::v1::StatusRequest;
use tonic::Code;

fn identity(token: &str) -> Identity {
    Identity {
        kind: Kind::Client,
        namespace: "lab".to_owned(),
        name: "me".to_owned(),
        token: Secret::new(token.to_owned()),
    }
}

fn controller(serving: &Serving, tls: &Tls) -> Controller {
    let options = ChannelOptions::default();
    Controller::new(&serving.address, tls, &identity("t0ken"), &options).unwrap()
}

fn trusting(certificate: &Certificate) -> Tls {
    Tls::Verified(Roots::Pem(certificate.authority.clone().into()))
}

async fn ask(controller: &Controller) -> tonic::Status {
    let mut clients = controller.clients();
    let answered = clients.list_leases(ListLeasesRequest::default()).await;
    answered.map(drop).unwrap_err()
}

#[tokio::test]
async fn calls_of_both_kinds_reach_whoever_is_there() {
    let certificate = Certificate::issued("localhost");
    // An exporter, which knows none of the calls and says so.
    let exporter = Fake::new([]).serve_tls(&certificate).await;
    let controller = controller(&exporter, &trusting(&certificate));
    assert_eq!(ask(&controller).await.code(), Code::Unimplemented);
    let status = controller
        .service()
        .status(StatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn nothing_is_needed_to_make_one_and_every_call_says_what_is_wrong() {
    let certificate = Certificate::issued("localhost");
    let exporter = Fake::new([]).serve_tls(&certificate).await;
    let gone = Controller::new(
        "localhost:1",
        &trusting(&certificate),
        &identity("t0ken"),
        &ChannelOptions::default(),
    );
    let gone = gone.unwrap();
    for _ in 0..2 {
        let text = describe(&ask(&gone).await);
        assert!(
            text.starts_with("UNAVAILABLE: failed connecting to `localhost:1`"),
            "{text}"
        );
    }
    let strange = controller(&exporter, &trusting(&Certificate::self_signed("localhost")));
    let text = describe(&ask(&strange).await);
    assert!(
        text.starts_with("UNAVAILABLE: the TLS certificate of `localhost:"),
        "{text}"
    );
    // Whoever it is.
    let careless = controller(&exporter, &Tls::Unverified);
    assert_eq!(ask(&careless).await.code(), Code::Unimplemented);
}

#[tokio::test]
async fn clones_and_a_renewed_connection_lead_to_the_same_place() {
    let certificate = Certificate::issued("localhost");
    let exporter = Fake::new([]).serve_tls(&certificate).await;
    let controller = controller(&exporter, &trusting(&certificate));
    let clone = controller.clone();
    assert_eq!(ask(&controller).await.code(), Code::Unimplemented);
    controller.renew();
    assert_eq!(ask(&clone).await.code(), Code::Unimplemented);
}

#[tokio::test]
async fn settings_that_can_never_work_are_refused_at_once() {
    let new = |endpoint: &str, tls: &Tls, token: &str| {
        Controller::new(endpoint, tls, &identity(token), &ChannelOptions::default()).unwrap_err()
    };
    let error = new("https://lab", &Tls::Unverified, "t0ken");
    assert!(matches!(error, ControllerError::Endpoint(_)), "{error}");
    let error = new("lab:1", &Tls::Unverified, "t0ken\u{7}");
    assert!(matches!(error, ControllerError::Identity(_)), "{error}");
    let nothing = Tls::Verified(Roots::Pem(b"nothing".to_vec()));
    let error = new("lab:1", &nothing, "t0ken");
    assert_eq!(
        error.to_string(),
        "there is no PEM certificate in the configured CA"
    );
}

/// What the environment says is tried in a process of its own.
#[test]
fn the_environment_can_turn_verification_off_and_only_by_a_one() {
    for (variable, value, wanted) in [
        ("JMP_GRPC_INSECURE", "1", "Unverified"),
        ("JUMPSTARTER_GRPC_INSECURE", "1", "Unverified"),
        ("JMP_GRPC_INSECURE", "true", "Verified(System)"),
        ("JUMPSTARTER_GRPC_INSECURE", "", "Verified(System)"),
    ] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "what_the_environment_says",
                "--ignored",
                "--nocapture",
            ])
            .env_remove("JMP_GRPC_INSECURE")
            .env_remove("JUMPSTARTER_GRPC_INSECURE")
            .env(variable, value)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(&format!("<{wanted}>")),
            "{variable}={value}: {text}"
        );
    }
}

#[test]
#[ignore = "run by another test, with variables of its own"]
fn what_the_environment_says() {
    println!("<{:?}>", Tls::configured("", false).unwrap());
}
