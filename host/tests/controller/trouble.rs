//! Whatever a controller's address can lead to, and what is said about it.

use jumpstarter_host::config::{ExporterConfig, GrpcOption};
use jumpstarter_host::controller::Link;
use jumpstarter_proto::v1::ExporterStatus::Available;

use crate::support::{Clock, Door, Double, Lines, config, link};

/// Reports through `link` until a warning says why it did not work.
async fn warning(link: &Link) -> String {
    let lines = Lines::capture();
    link.report(Available, "here");
    lines.wait(1, "retrying in").await;
    let line = lines.with("retrying in").remove(0);
    line.split("retrying in 1.0s: ").nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_port_that_refuses() {
    let mut double = Double::start().await;
    double.stop().await;
    let text = warning(&link(&double)).await;
    let start = format!(
        "UNAVAILABLE: failed connecting to `{}`, all addresses tried: ",
        double.endpoint()
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains("127.0.0.1: Connection refused"), "{text}");
}

#[tokio::test]
async fn a_name_that_nobody_knows() {
    let double = Double::start().await;
    let config = ExporterConfig {
        endpoint: Some("no-such-host.invalid:443".to_owned()),
        ..config(&double)
    };
    let text = warning(&Link::new(&config).unwrap()).await;
    assert!(
        text.starts_with("UNAVAILABLE: failed resolving `no-such-host.invalid`: "),
        "{text}"
    );
}

#[tokio::test]
async fn something_that_is_no_tls() {
    let double = Double::start().await;
    double.door(Door::Plain);
    let text = warning(&link(&double)).await;
    let wanted = format!("UNAVAILABLE: `{}` does not speak TLS", double.endpoint());
    assert!(text.starts_with(&wanted), "{text}");
}

#[tokio::test]
async fn something_that_is_no_http2_inside_tls() {
    let double = Double::start().await;
    double.door(Door::GarbageInside);
    let text = warning(&link(&double)).await;
    assert!(
        text.starts_with("UNAVAILABLE: the connection broke: "),
        "{text}"
    );
    // It was only a misunderstanding.
    double.door(Door::Open);
    let link = link(&double);
    link.report(Available, "there");
    double.wait(1, "ReportStatus AVAILABLE: there").await;
}

#[tokio::test]
async fn somebody_who_accepts_and_says_nothing() {
    let double = Double::start().await;
    double.door(Door::Mute);
    let lines = Lines::capture();
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "here");
    while lines.with("retrying in").is_empty() {
        clock.forward(1).await;
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let line = lines.with("retrying in").remove(0);
    let wanted = format!(
        "UNAVAILABLE: `{}` accepted the connection but does not answer in TLS",
        double.endpoint()
    );
    assert!(line.contains(&wanted), "{line}");
}

#[tokio::test]
async fn somebody_who_says_nothing_inside_tls() {
    let double = Double::start().await;
    double.door(Door::MuteInside);
    let lines = Lines::capture();
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "here");
    while lines.with("retrying in").is_empty() {
        clock.forward(1).await;
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let line = lines.with("retrying in").remove(0);
    assert!(
        line.contains("DEADLINE_EXCEEDED: no answer in time"),
        "{line}"
    );
}

#[tokio::test]
async fn a_certificate_of_somebody_elses() {
    let (double, other) = (Double::start().await, Double::start().await);
    let mut strange = config(&double);
    strange.tls.ca = other.ca();
    let text = warning(&Link::new(&strange).unwrap()).await;
    let wanted = format!(
        "UNAVAILABLE: the TLS certificate of `{}` was not accepted: it was signed by another CA \
         than the trusted one of that name; put its CA into `tls.ca`",
        double.endpoint()
    );
    assert!(text.starts_with(&wanted), "{text}");
    strange.tls.insecure = true;
    let link = Link::new(&strange).unwrap();
    link.report(Available, "whoever you are");
    double.wait(1, "ReportStatus").await;
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let double = Double::start().await;
    let mut config = config(&double);
    config.endpoint = Some(format!("127.0.0.1:{}", double.address.port()));
    let text = warning(&Link::new(&config).unwrap()).await;
    assert!(
        text.contains("none of its subject alternative names is `127.0.0.1`"),
        "{text}"
    );
    // What users say about channels counts here, too.
    let name = GrpcOption::Text("localhost".to_owned());
    config
        .grpc_options
        .insert("grpc.ssl_target_name_override".to_owned(), name);
    let link = Link::new(&config).unwrap();
    link.report(Available, "here");
    double.wait(1, "ReportStatus").await;
}
