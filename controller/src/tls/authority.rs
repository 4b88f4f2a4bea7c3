//! A certificate authority of our own, made at the first start.
//!
//! Its name is derived from its key: so the CAs of two labs differ, and its certificate need not be
//! parsed to sign with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jumpstarter_client::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::validity::validity;
use super::{Names, TlsError};
use crate::identity::files;
use crate::model::Time;

/// How long the authority is valid: ten years.
const AUTHORITY: Duration = Duration::from_secs(3653 * 24 * 60 * 60);
/// How long a leaf is valid.
const LEAF: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A leaf begins this much before it is made: our clock may be ahead when it is made, and
/// those of peers may be behind. With [`LEAF`] it stays below the 825 days that strict peers accept.
const BEFORE: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// 2025-01-01, before this program existed: a clock that is behind this is wrong, and then one that is
/// far ahead may be, too.
const OLDEST: Time = Time(1_735_689_600_000_000);

/// The authority of this installation; cheap to clone.
#[derive(Clone, Debug)]
pub struct Authority {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    key: KeyPair,
    pem: String,
    end: Time,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Leaf {
    /// The certificates of leaf and authority, as PEM.
    pub chain: String,
    /// The private key of the leaf, as PEM.
    pub key: Secret<String>,
    /// When the leaf expires.
    pub end: Time,
}

// === impl Authority ===

impl Authority {
    /// Reads the authority of a folder, or makes the folder and the authority.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, others can read it, the files are damaged, or the authority has
    /// expired.
    pub fn open(folder: &Path) -> Result<Self, TlsError> {
        Self::open_at(folder, Time::now())
    }

    pub(super) fn open_at(folder: &Path, now: Time) -> Result<Self, TlsError> {
        files::folder(folder)?;
        let _lock = files::lock(folder)?;
        let (key_path, path) = (folder.join("ca-key.pem"), folder.join("ca.pem"));
        let half = |lost: &Path, there: &Path| TlsError::Half {
            lost: lost.to_owned(),
            there: there.to_owned(),
        };
        let (key, pem) = match (files::read(&key_path)?, files::read(&path)?) {
            (Some(key), Some(pem)) => (parse(&key, &key_path)?, pem),
            (None, Some(_)) => return Err(half(&key_path, &path)),
            // The key is written first; without a certificate nobody can have trusted it yet.
            (key, None) => {
                let key = match key {
                    Some(key) => parse(&key, &key_path)?,
                    None => make_key(&key_path)?,
                };
                let pem = params(&key, now).self_signed(&key)?.pem();
                files::write(&path, &pem)?;
                (key, pem)
            }
        };
        let damaged = |why: &str| TlsError::Damaged {
            path: path.clone(),
            why: why.to_owned(),
        };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
        let certificate = certificate.map_err(|_| damaged("it is not a PEM certificate"))?;
        let (_, end) = validity(&certificate).ok_or_else(|| damaged("it is not a certificate"))?;
        if !contains(&certificate, key.public_key_raw()) {
            return Err(damaged("it does not belong to the key beside it"));
        }
        if end <= now {
            return Err(TlsError::Over(folder.to_owned()));
        }
        let inner = Inner {
            folder: folder.to_owned(),
            key,
            pem,
            end,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The CA certificate, which peers have to trust, as PEM.
    pub fn pem(&self) -> &str {
        &self.inner.pem
    }

    /// The CA certificate as base64 of PEM, as in `tls.ca` of configuration files.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.pem())
    }

    /// When the authority expires, and all peers need another one.
    pub fn end(&self) -> Time {
        self.inner.end
    }

    /// Issues a certificate for these names, as for a router on another machine.
    ///
    /// # Errors
    ///
    /// The authority has expired, or the certificate cannot be made.
    pub fn issue(&self, names: &Names) -> Result<Leaf, TlsError> {
        self.issue_at(names, Time::now())
    }

    pub(super) fn issue_at(&self, names: &Names, now: Time) -> Result<Leaf, TlsError> {
        let inner = &self.inner;
        if inner.end <= now {
            return Err(TlsError::Over(inner.folder.clone()));
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name = named("jumpstarter controller".to_owned());
        leaf.subject_alt_names = names.alternatives()?;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.use_authority_key_identifier_extension = true;
        let end = now.after(LEAF).min(inner.end);
        last(&mut leaf, now.before(BEFORE), end);
        let issuer_params = params(&inner.key, now);
        let issuer = Issuer::from_params(&issuer_params, &inner.key);
        let certificate = leaf.signed_by(&key, &issuer)?;
        Ok(Leaf {
            chain: format!("{}{}", certificate.pem(), inner.pem),
            key: Secret::new(key.serialize_pem()),
            end,
        })
    }
}

fn make_key(path: &Path) -> Result<KeyPair, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    files::write(path, &key.serialize_pem())?;
    Ok(key)
}

fn parse(key: &str, path: &Path) -> Result<KeyPair, TlsError> {
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(key, &PKCS_ECDSA_P256_SHA256);
    key.map_err(|error| TlsError::Damaged {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// The content of the CA certificate.
fn params(key: &KeyPair, now: Time) -> CertificateParams {
    let mark = Sha256::digest(key.public_key_raw());
    let mark: String = mark[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(format!("jumpstarter CA {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    last(&mut params, OLDEST, now.max(OLDEST).after(AUTHORITY));
    params
}

fn last(params: &mut CertificateParams, from: Time, to: Time) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + from.since(Time(0));
    params.not_after = epoch + to.since(Time(0));
}

fn named(name: String) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

fn contains(certificate: &[u8], key: &[u8]) -> bool {
    certificate.windows(key.len()).any(|window| window == key)
}
