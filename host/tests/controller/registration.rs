//! Register: until it works, unless it never will.

use std::collections::HashMap;

use jumpstarter_client::connect::Tls;
use jumpstarter_host::config::ExporterConfig;
use jumpstarter_host::controller::{Link, LinkError};
use jumpstarter_proto::v1::{DriverInstanceReport, GetReportResponse, TelemetryEndpoint};
use tonic::Code;

use crate::support::{Answer, Clock, Double, Lines, config, link};

fn report() -> GetReportResponse {
    GetReportResponse {
        labels: HashMap::from([("rack".to_owned(), "7".to_owned())]),
        reports: vec![DriverInstanceReport::default(); 3],
        ..GetReportResponse::default()
    }
}

#[tokio::test]
async fn the_controller_learns_name_labels_and_drivers() {
    let double = Double::start().await;
    link(&double).register(report()).await.unwrap();
    assert_eq!(
        double.calls(),
        ["Register 3 reports jumpstarter.dev/name=board-3,rack=7"]
    );
}

#[tokio::test]
async fn a_refusal_for_good_is_handed_on_at_once() {
    for code in [
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::InvalidArgument,
        Code::NotFound,
        Code::FailedPrecondition,
    ] {
        let double = Double::start().await;
        double.always("Register", Answer::No(code));
        let refused = link(&double).register(report()).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert_eq!(double.count("Register"), 1);
        let text = refused.to_string();
        assert!(
            text.contains("refuses to register this exporter: "),
            "{text}"
        );
        assert!(
            text.ends_with("check `endpoint`, `token` and `metadata`"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn anything_else_is_tried_for_ever_and_complained_about_now_and_then() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.next("Register", vec![Answer::No(Code::Unavailable); 12]);
    double.next("Register", vec![Answer::No(Code::Unknown); 2]);
    let clock = Clock::stop();
    let link = link(&double);
    let time = async {
        for failed in 1..=14 {
            double.wait(failed, "Register").await;
            // Whether it is about to sleep cannot be seen; it does before long.
            while double.count("Register") == failed {
                clock.forward(1).await;
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        }
    };
    let (registered, ()) = tokio::join!(link.register(report()), time);
    registered.unwrap();
    assert_eq!(double.count("Register"), 15);
    let first = lines.with("Cannot register with the controller, retrying in");
    assert!(
        first.iter().any(|line| line.contains("UNAVAILABLE")),
        "{first:#?}"
    );
    assert!(
        first.iter().any(|line| line.contains("UNKNOWN")),
        "{first:#?}"
    );
    assert!(first.len() < 14, "{first:#?}");
    assert_eq!(lines.with("the controller answers again").len(), 1);
}

#[tokio::test]
async fn dropping_the_registration_gives_it_up() {
    let double = Double::start().await;
    double.always("Register", Answer::Never);
    let link = link(&double);
    tokio::select! {
        _ = link.register(report()) => panic!("nobody has answered"),
        () = double.wait(1, "Register") => {}
    }
    // It may have been understood, so it is taken back.
    link.leave().await;
    assert_eq!(double.count("Unregister Exporter shutdown"), 1);
}

#[tokio::test]
async fn a_configuration_must_name_a_controller_and_a_token() {
    let double = Double::start().await;
    let full = config(&double);
    for broken in [
        ExporterConfig {
            endpoint: None,
            ..full.clone()
        },
        ExporterConfig {
            token: None,
            ..full.clone()
        },
        ExporterConfig {
            endpoint: Some(String::new()),
            ..full.clone()
        },
    ] {
        let error = Link::new(&broken).unwrap_err();
        assert!(matches!(error, LinkError::NotSet));
        let text = error.to_string();
        assert!(
            text.starts_with("endpoint or token not set in exporter config"),
            "{text}"
        );
    }
    let mut broken = full.clone();
    broken.endpoint = Some("https://lab".to_owned());
    assert!(
        Link::new(&broken)
            .unwrap_err()
            .to_string()
            .starts_with("failed parsing ")
    );
    let mut broken = full;
    broken.tls.ca = "%".to_owned();
    assert!(matches!(Link::new(&broken).unwrap_err(), LinkError::Ca(_)));
    assert!(Tls::from_settings("%", false).is_err());
}

#[tokio::test]
async fn the_first_telemetry_endpoint_counts_and_trouble_means_none() {
    let double = Double::start().await;
    let link = link(&double);
    assert!(link.endpoints().await.is_none());
    let endpoint = |name: &str| TelemetryEndpoint {
        endpoint: name.to_owned(),
        ..TelemetryEndpoint::default()
    };
    *double.telemetry() = vec![endpoint("one:1"), endpoint("two:2")];
    assert_eq!(link.endpoints().await.unwrap().endpoint, "one:1");
    for code in [Code::Unimplemented, Code::Unavailable, Code::Internal] {
        double.next("GetServiceEndpoints", [Answer::No(code)]);
        assert!(link.endpoints().await.is_none());
    }
    assert_eq!(
        double.count("GetServiceEndpoints"),
        5,
        "none is asked twice"
    );
    assert_eq!(double.seen()[0].headers["grpc-timeout"], "30000000u");
}
