#![allow(clippy::unwrap_used)]

use jumpstarter_client::connect::{Roots, Tls};
use jumpstarter_proto::v1::TelemetryEndpoint;
use tracing::Level;

use super::collector::tls;
use super::least;

#[test]
fn severities_have_the_names_of_the_reference_in_any_case() {
    for (name, level) in [
        ("debug", Some(Level::DEBUG)),
        ("Info", Some(Level::INFO)),
        ("WARNING", Some(Level::WARN)),
        ("error", Some(Level::ERROR)),
        ("Critical", None),
        ("", Some(Level::INFO)),
        ("warn", Some(Level::INFO)),
        ("7", Some(Level::INFO)),
    ] {
        assert_eq!(least(name), level, "{name}");
    }
}

#[test]
fn a_certificate_comes_first_then_insecure_then_the_system() {
    let endpoint = |certificate: &str| TelemetryEndpoint {
        certificate: certificate.to_owned(),
        ..TelemetryEndpoint::default()
    };
    for insecure in [true, false] {
        let Tls::Verified(Roots::Pem(pem)) = tls(&endpoint("PEM"), insecure) else {
            panic!("a certificate is there to be trusted")
        };
        assert_eq!(pem, b"PEM");
    }
    assert!(matches!(tls(&endpoint(""), true), Tls::Off));
    assert!(matches!(
        tls(&endpoint(""), false),
        Tls::Verified(Roots::System)
    ));
}
