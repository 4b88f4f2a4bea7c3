//! Certificates as peers see them.

#![allow(clippy::unwrap_used)]

mod clock;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_client::Secret;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::duplex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::serving::Seen;
use super::*;
use crate::model::Time;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn authority(data: &TempDir) -> Authority {
    Authority::open(&data.path().join("tls")).unwrap()
}

fn names() -> Names {
    Names::of(["lab.example.com:8082", "192.0.2.7:8083", "[2001:db8::7]:1"]).unwrap()
}

fn der(authority: &Authority) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()
}

fn roots(certificates: &[CertificateDer<'static>]) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).unwrap();
    }
    Arc::new(roots)
}

/// What a client that trusts `roots` sees when it dials `name`: the chain, and the protocol.
async fn dial(
    serving: &Serving,
    roots: Arc<RootCertStore>,
    name: &str,
) -> Result<(Vec<CertificateDer<'static>>, Vec<u8>), String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (ours, theirs) = duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(serving.config().unwrap());
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let (_server, client) = tokio::join!(acceptor.accept(theirs), connector.connect(name, ours));
    let client = client.map_err(|error| error.to_string())?;
    let (_, connection) = client.get_ref();
    let chain = connection.peer_certificates().unwrap();
    let chain = chain.iter().map(|one| one.clone().into_owned()).collect();
    Ok((chain, connection.alpn_protocol().unwrap().to_vec()))
}

#[tokio::test]
async fn every_name_is_covered_by_one_authority() {
    let data = folder();
    let authority = authority(&data);
    let serving = Serving::issued(authority.clone(), names()).unwrap();
    let trusted = roots(&[der(&authority)]);
    let all = [
        "lab.example.com",
        "192.0.2.7",
        "2001:db8::7",
        "localhost",
        "127.0.0.1",
        "::1",
    ];
    for name in all {
        let (_, protocol) = dial(&serving, Arc::clone(&trusted), name).await.unwrap();
        assert_eq!(protocol, b"h2", "{name}");
    }
    for name in ["other.example.com", "192.0.2.8"] {
        assert!(
            dial(&serving, Arc::clone(&trusted), name).await.is_err(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn who_trusts_what_he_is_shown_gets_through() {
    let data = folder();
    let authority = authority(&data);
    let serving = Serving::issued(authority.clone(), names()).unwrap();
    let (chain, _) = dial(&serving, roots(&[der(&authority)]), "localhost")
        .await
        .unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[1], der(&authority));
    dial(&serving, roots(&chain), "lab.example.com")
        .await
        .unwrap();
}

#[tokio::test]
async fn the_authority_outlives_the_program() {
    let data = folder();
    let first = authority(&data);
    let again = authority(&data);
    assert_eq!(first.pem(), again.pem());
    let serving = Serving::issued(again, names()).unwrap();
    dial(&serving, roots(&[der(&first)]), "localhost")
        .await
        .unwrap();
    let ten_years = Time::now().after(DAY * 3650);
    assert!(first.end() > ten_years);
    let other = authority(&folder());
    assert_ne!(other.pem(), first.pem());
    assert!(
        dial(&serving, roots(&[der(&other)]), "localhost")
            .await
            .is_err()
    );
}

#[test]
fn programs_that_start_together_have_the_same_authority() {
    let data = folder();
    let open = || authority(&data).pem().to_owned();
    let all: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(all.iter().all(|pem| *pem == all[0]));
}

#[test]
fn the_authority_is_for_configuration_files() {
    use base64::Engine as _;
    let data = folder();
    let authority = authority(&data);
    assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
    let decoded = base64::engine::general_purpose::STANDARD.decode(authority.base64());
    assert_eq!(decoded.unwrap(), authority.pem().as_bytes());
}

#[tokio::test]
async fn certificates_are_renewed_before_they_end() {
    let data = folder();
    let authority = authority(&data);
    let serving = Serving::issued(authority.clone(), names()).unwrap();
    let trusted = roots(&[der(&authority)]);
    let shown = async || {
        dial(&serving, Arc::clone(&trusted), "localhost")
            .await
            .unwrap()
            .0
    };
    let first = shown().await;
    let now = Time::now();
    let mut seen = Seen::default();
    serving.look(&mut seen, now.after(DAY * 59));
    assert_eq!(shown().await, first);
    serving.look(&mut seen, now.after(DAY * 61));
    assert_eq!(
        serving.end().unwrap().since(now).as_secs() / DAY.as_secs(),
        150
    );
    // Near its own end the authority gives what time there is, once.
    let late = authority.end().before(DAY * 20);
    serving.look(&mut seen, late);
    let last = serving.end().unwrap();
    assert!(authority.end().since(last) < Duration::from_secs(1));
    let before = serving.end();
    serving.look(&mut seen, late.after(DAY));
    assert_eq!(serving.end(), before);
}

#[test]
fn an_authority_that_is_over_or_damaged_is_told() {
    let data = folder();
    let path = data.path().join("tls");
    let end = authority(&data).end();
    let over = Authority::open_at(&path, end).unwrap_err();
    assert!(matches!(over, TlsError::Over(_)), "{over}");
    let whole = std::fs::read_to_string(path.join("ca.pem")).unwrap();
    write(&path, "ca.pem", "x");
    assert!(matches!(
        Authority::open(&path),
        Err(TlsError::Damaged { .. })
    ));
    let other = authority(&folder());
    write(&path, "ca.pem", other.pem());
    let told = Authority::open(&path).unwrap_err().to_string();
    assert!(told.contains("does not belong to the key"), "{told}");
    write(&path, "ca.pem", &whole);
    std::fs::remove_file(path.join("ca-key.pem")).unwrap();
    assert!(matches!(Authority::open(&path), Err(TlsError::Half { .. })));
}

#[test]
fn a_crash_while_it_is_made_does_no_harm() {
    let data = folder();
    let path = data.path().join("tls");
    authority(&data);
    // The key was written, the certificate was not.
    std::fs::remove_file(path.join("ca.pem")).unwrap();
    let again = authority(&data);
    assert_eq!(authority(&data).pem(), again.pem());
}

fn write(folder: &Path, name: &str, text: &str) {
    crate::identity::files::write(&folder.join(name), text).unwrap();
}

fn put(folder: &Path, leaf: &Leaf) -> Given {
    write(folder, "tls.crt", &leaf.chain);
    write(folder, "tls.key", leaf.key.expose());
    Given {
        certificate: folder.join("tls.crt"),
        key: folder.join("tls.key"),
    }
}

#[tokio::test]
async fn given_files_are_read_again_when_they_change() {
    let data = folder();
    let authority = authority(&data);
    let given = put(data.path(), &authority.issue(&names()).unwrap());
    let serving = Serving::given(given, names()).unwrap();
    let trusted = roots(&[der(&authority)]);
    let shown = async || {
        dial(&serving, Arc::clone(&trusted), "localhost")
            .await
            .unwrap()
            .0
    };
    let first = shown().await;
    let mut seen = Seen::default();
    serving.look(&mut seen, Time::now());
    assert_eq!(shown().await, first);
    let other = authority.issue(&names()).unwrap();
    // Half of the new pair is there: the old one stays.
    write(data.path(), "tls.crt", &other.chain);
    serving.look(&mut seen, Time::now());
    assert_eq!(shown().await, first);
    write(data.path(), "tls.key", other.key.expose());
    serving.look(&mut seen, Time::now());
    let second = shown().await;
    assert_ne!(second, first);
    // Nonsense, or nothing at all, changes nothing.
    write(data.path(), "tls.crt", "nonsense");
    serving.look(&mut seen, Time::now());
    std::fs::remove_file(data.path().join("tls.key")).unwrap();
    serving.look(&mut seen, Time::now());
    assert_eq!(shown().await, second);
}

#[tokio::test]
async fn the_keeper_notices_by_itself() {
    let data = folder();
    let authority = authority(&data);
    let given = put(data.path(), &authority.issue(&names()).unwrap());
    let serving = Serving::given(given, names()).unwrap();
    let trusted = roots(&[der(&authority)]);
    let shown = async || {
        dial(&serving, Arc::clone(&trusted), "localhost")
            .await
            .unwrap()
            .0
    };
    let first = shown().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let keeper = tokio::spawn(serving.clone().keep(stop.clone()));
    tokio::task::yield_now().await;
    put(data.path(), &authority.issue(&names()).unwrap());
    tokio::time::pause();
    while shown().await == first {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stop.cancel();
    keeper.await.unwrap();
}

#[test]
fn given_files_that_cannot_be_used_are_named() {
    let data = folder();
    let authority = authority(&data);
    let leaf = authority.issue(&names()).unwrap();
    let refused = |given: Given| Serving::given(given, names()).unwrap_err();
    let good = put(data.path(), &leaf);
    let missing = Given {
        certificate: data.path().join("nowhere.crt"),
        ..good.clone()
    };
    assert!(matches!(refused(missing), TlsError::Certificate { .. }));
    let swapped = Given {
        certificate: good.key.clone(),
        key: good.certificate.clone(),
    };
    let told = refused(swapped).to_string();
    assert!(told.contains("-----BEGIN CERTIFICATE-----"), "{told}");
    let no_key = Given {
        key: good.certificate.clone(),
        ..good.clone()
    };
    assert!(matches!(refused(no_key), TlsError::Key { .. }));
    let other = authority.issue(&names()).unwrap();
    write(data.path(), "tls.key", other.key.expose());
    let told = refused(good).to_string();
    assert!(
        told.contains("the key belongs to another certificate"),
        "{told}"
    );
}

#[test]
fn names_that_a_given_certificate_lacks_are_found() {
    let data = folder();
    let authority = authority(&data);
    let leaf = authority
        .issue(&Names::of(["*.example.com"]).unwrap())
        .unwrap();
    let given = put(data.path(), &leaf);
    let key = given.certified(&given.read().unwrap()).unwrap();
    let wanted = Names::of(["lab.example.com", "192.0.2.7", "*.example.com", "other.org"]).unwrap();
    assert_eq!(
        serving::uncovered(&key, &wanted),
        ["other.org", "192.0.2.7"]
    );
}

#[test]
fn strict_verifiers_are_content() {
    let data = folder();
    let authority = authority(&data);
    let leaf = authority.issue(&names()).unwrap();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(leaf.chain.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
        roots(&[der(&authority)]),
        provider,
    );
    let verifier = verifier.build().unwrap();
    let name = ServerName::try_from("lab.example.com").unwrap();
    let at = |time: Time| {
        let since = Duration::from_micros(u64::try_from(time.0).unwrap());
        let now = rustls::pki_types::UnixTime::since_unix_epoch(since);
        verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now)
    };
    assert!(at(Time::now()).is_ok());
    // A peer whose clock is some hours behind.
    assert!(at(Time::now().before(DAY / 2)).is_ok());
    assert!(at(leaf.end.after(Duration::from_secs(1))).is_err());
}

#[test]
fn secrets_stay_secret() {
    let data = folder();
    let leaf = authority(&data).issue(&names()).unwrap();
    let key: &Secret<String> = &leaf.key;
    assert!(key.expose().contains("PRIVATE KEY"));
    assert!(!format!("{leaf:?}").contains("PRIVATE KEY"));
    assert!(!format!("{:?}", authority(&data)).contains("PRIVATE KEY"));
}
