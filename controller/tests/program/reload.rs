//! Settings and certificates that change while the program runs.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;

use crate::lab::{Lab, get};

const READ: &str = "the configuration has been read again";

/// Replaces a line of the lab's configuration, or adds one.
fn set(lab: &Lab, key: &str, value: &str) {
    let path = lab.path("lab.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let kept = text
        .lines()
        .filter(|line| !line.starts_with(&format!("{key}:")));
    let text = kept.map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(path, format!("{text}{key}: {value}\n")).unwrap();
}

#[test]
fn what_can_change_does_and_what_cannot_is_named() {
    let mut lab = Lab::new();
    // Let go of at once, for the login service.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.unwrap().port();
    let path = lab.path("lab.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        path,
        text.replace("login: off", &format!("login: '127.0.0.1:{port}'")),
    )
    .unwrap();
    lab.start();
    let login = || get(port, "/v1/auth/config").unwrap();
    assert!(!login().contains("dex.example.com"));
    lab.works(&["client", "create", "alice"]);
    let lease = |name: &str| {
        let words = [
            "lease", "create", "alice", "-l", "a=b", "-d", "1h", "--name", name,
        ];
        lab.run(&[&words[..], &["--tag", "x=1", "--tag", "y=2"]].concat())
    };
    assert!(lease("first").status.success());

    set(&lab, "leasePolicy", "{maxTags: 1}");
    set(
        &lab,
        "authentication",
        "{jwt: [{issuer: {url: 'https://dex.example.com', audiences: [cli]}, \
         claimMappings: {username: {claim: name, prefix: 'dex:'}}}]}",
    );
    set(&lab, "log", "{level: debug}");
    set(&lab, "retention", "{leases: 1h}");
    set(&lab, "limits", "{tunnel_grace: 1m}");
    lab.signal(Signal::SIGHUP);
    lab.says(READ, 0);
    assert!(login().contains("https://dex.example.com"));
    let told = String::from_utf8(lease("second").stderr).unwrap();
    assert!(told.contains("too many tags"), "{told}");
    let log = lab.log();
    let warned = log
        .lines()
        .find(|line| line.contains("from the next start"));
    assert!(
        warned
            .unwrap()
            .contains("\"setting\":\"limits.tunnel_grace\""),
        "{log}"
    );
    assert_eq!(log.matches("from the next start").count(), 1, "{log}");
    // Something that only whoever looks for faults wants to know.
    let mut stranger = std::net::TcpStream::connect(("127.0.0.1", lab.ports.grpc)).unwrap();
    stranger.write_all(b"no TLS at all").unwrap();
    drop(stranger);
    lab.says("\"level\":\"debug\"", 0);
    assert!(lab.works(&["audit"]).contains("ConfigurationRead"));
}

#[test]
fn a_mistake_changes_nothing() {
    let lab = Lab::started_with("hiddenLabels: {keys: [secret]}\n");
    set(&lab, "leasePolicy", "{maxTags: many}");
    lab.signal(Signal::SIGHUP);
    lab.says("the configuration stays as it was", 0);
    assert!(
        lab.log()
            .contains("leasePolicy.maxTags: expected a whole number")
    );
    assert!(lab.is_ready());
    set(&lab, "leasePolicy", "{maxTags: 2}");
    lab.signal(Signal::SIGHUP);
    lab.says(READ, 0);
}

/// A certificate for this machine, and its key.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let certificate = params.unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
    CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap()
}

/// What the controller shows to somebody who trusts this.
async fn shown(lab: &Lab, trusted: &CertificateDer<'static>) -> Result<(), String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", lab.ports.grpc))
        .await
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream);
    let connected = connected.await.map_err(|error| error.to_string())?;
    let (_, session) = connected.get_ref();
    assert_eq!(session.peer_certificates().unwrap()[0], *trusted);
    Ok(())
}

#[tokio::test]
async fn a_given_certificate_is_replaced_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path());
    let tls = format!(
        "tls: {{certificate: '{0}/tls.crt', key: '{0}/tls.key', ca: '{0}/tls.crt'}}\n",
        folder.path().display()
    );
    let lab = Lab::started_with(&tls);
    shown(&lab, &first).await.unwrap();
    let second = certificate(folder.path());
    lab.signal(Signal::SIGHUP);
    lab.says("the certificate has been read again", 0);
    shown(&lab, &second).await.unwrap();
    shown(&lab, &first).await.unwrap_err();
    // Files that clients get name the new one, too.
    let file = lab.path("alice.yaml");
    lab.works(&["client", "create", "alice", "--out", file.to_str().unwrap()]);
    let config = jumpstarter_client::config::ClientConfig::load(&file)
        .unwrap()
        .unwrap();
    let pem = std::fs::read_to_string(folder.path().join("tls.crt")).unwrap();
    let ca = STANDARD.decode(config.tls.ca).unwrap();
    assert_eq!(String::from_utf8(ca).unwrap(), pem);
    // A certificate without its key helps nobody.
    std::fs::write(
        folder.path().join("tls.key"),
        KeyPair::generate().unwrap().serialize_pem(),
    )
    .unwrap();
    lab.signal(Signal::SIGHUP);
    lab.says("the certificate stays as it is", 0);
    shown(&lab, &second).await.unwrap();
}
