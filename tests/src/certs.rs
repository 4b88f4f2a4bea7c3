//! A certificate authority for one lab, and a certificate for its exporter.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// Where the PEM files are.
#[derive(Clone, Debug)]
pub struct Certs {
    /// The authority, for clients that verify.
    pub ca: PathBuf,
    /// The exporter's certificate.
    pub cert: PathBuf,
    /// The exporter's key.
    pub key: PathBuf,
}

// === impl Certs ===

impl Certs {
    /// Makes an authority and a certificate for `localhost` and `127.0.0.1`, as files in `folder`.
    pub fn make(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // A name of its own: OpenSSL takes a certificate whose issuer has its name for its own issuer.
        params
            .distinguished_name
            .push(DnType::CommonName, "a lab's authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();

        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();

        let certs = Self {
            ca: folder.join("ca.pem"),
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&certs.ca, authority.pem()).unwrap();
        fs::write(&certs.cert, cert.pem()).unwrap();
        fs::write(&certs.key, key.serialize_pem()).unwrap();
        certs
    }
}
