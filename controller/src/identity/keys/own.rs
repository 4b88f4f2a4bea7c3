//! Keys of our own, which sign and verify tokens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonwebtoken::EncodingKey;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::identity::public_key::PublicKey;
use crate::identity::{KeysError, files};

/// The extension of the files.
const ENDING: &str = "pem";

/// A key pair in a file of its own.
pub(in crate::identity) struct OwnKey {
    /// The `kid` of its tokens.
    pub(in crate::identity) id: String,
    /// The key with the greatest number signs.
    pub(super) number: u64,
    pub(in crate::identity) signing: EncodingKey,
    pub(in crate::identity) public: PublicKey,
}

/// The file of a key.
pub(super) fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.{ENDING}"))
}

// === impl OwnKey ===

impl OwnKey {
    /// Makes a key, and writes and syncs its file.
    pub(super) fn make(folder: &Path, number: u64) -> Result<Self, KeysError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256);
        let pair = pair.map_err(|error| KeysError::Crypto(error.to_string()))?;
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let id = format!("{number}-{}", &mark[..8]);
        files::write(&path(folder, &id), &pair.serialize_pem())?;
        Ok(Self::of(id, number, &pair))
    }

    /// Reads all keys of a folder, the oldest first.
    pub(super) fn read_all(folder: &Path) -> Result<Vec<Arc<Self>>, KeysError> {
        let mut keys = Vec::new();
        for id in files::names(folder, ENDING)? {
            keys.extend(Self::read(folder, id)?.map(Arc::new));
        }
        keys.sort_by(|a: &Arc<Self>, b| (a.number, &a.id).cmp(&(b.number, &b.id)));
        Ok(keys)
    }

    fn read(folder: &Path, id: String) -> Result<Option<Self>, KeysError> {
        let path = path(folder, &id);
        let damaged = |why: String| KeysError::Damaged {
            path: path.clone(),
            what: "private key on P-256",
            why,
        };
        // It may have been deleted since the folder was listed.
        let Some(pem) = files::read(&path)? else {
            return Ok(None);
        };
        let number = id.split('-').next().and_then(|number| number.parse().ok());
        let number =
            number.ok_or_else(|| damaged("its name does not begin with a number".into()))?;
        let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_ECDSA_P256_SHA256);
        let pair = pair.map_err(|error| damaged(error.to_string()))?;
        Ok(Some(Self::of(id, number, &pair)))
    }

    fn of(id: String, number: u64, pair: &KeyPair) -> Self {
        Self {
            id,
            number,
            signing: EncodingKey::from_ec_der(&pair.serialize_der()),
            public: PublicKey::p256(pair.public_key_raw()),
        }
    }
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
