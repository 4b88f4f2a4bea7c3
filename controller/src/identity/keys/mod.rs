//! The keys that sign tokens, in `<data>/keys/`.
//!
//! ```text
//!  1-5f0c2ae1.pem        retired: verifies
//!  2-b81d9c04.pem        the newest: signs and verifies
//!  imported/old.json     public keys of another installation, with its issuer and audience
//! ```
//!
//! The number orders them, whatever the clock did; the random part keeps the keys of two installations
//! apart. The name without `.pem` is the `kid` of tokens.

mod import;
mod own;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub use import::Import;
pub(super) use import::Imported;
pub(super) use own::OwnKey;

use super::KeysError;
use super::files;

/// The signing keys of this installation; cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    folder: PathBuf,
    ring: Arc<RwLock<Arc<Ring>>>,
}

/// A snapshot of all keys.
#[derive(Debug)]
pub(super) struct Ring {
    /// The oldest first, never empty; the last one signs.
    own: Vec<Arc<OwnKey>>,
    imported: Vec<Imported>,
}

/// What `key list` shows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The `kid` of its tokens, or the name of an imported one.
    pub id: String,
    /// Whether it signs new tokens.
    pub signs: bool,
    /// The issuer of another installation whose tokens it verifies.
    pub issuer: Option<String>,
}

// === impl Keys ===

impl Keys {
    /// Reads the keys of a folder, or makes the folder and the first key.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, others can read it, or a key in it is damaged.
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        files::folder(folder)?;
        let _lock = files::lock(folder)?;
        let mut ring = Ring::read(folder)?;
        if ring.own.is_empty() {
            ring.own.push(Arc::new(OwnKey::make(folder, 1)?));
        }
        Ok(Self {
            folder: folder.to_owned(),
            ring: Arc::new(RwLock::new(Arc::new(ring))),
        })
    }

    /// Makes a new key, which signs from now on; returns its id. The others go on verifying what they
    /// signed.
    pub fn rotate(&self) -> Result<String, KeysError> {
        self.change(|ring| {
            let newest = ring.own.last().map_or(0, |key| key.number);
            let key = OwnKey::make(&self.folder, newest + 1)?;
            let id = key.id.clone();
            ring.own.push(Arc::new(key));
            Ok(id)
        })
    }

    /// Deletes a key that no longer signs. Tokens that it signed become invalid.
    pub fn forget(&self, id: &str) -> Result<(), KeysError> {
        self.change(|ring| {
            let retired = &ring.own[..ring.own.len().saturating_sub(1)];
            let place = retired.iter().position(|key| key.id == id);
            let place = place.ok_or_else(|| KeysError::NotRetired(id.to_owned()))?;
            files::remove(&own::path(&self.folder, id))?;
            ring.own.remove(place);
            Ok(())
        })
    }

    /// Accepts tokens of another installation from now on. An import of the same name is replaced.
    pub fn import(&self, import: Import) -> Result<(), KeysError> {
        self.change(|ring| {
            let imported = Imported::store(&self.folder, import)?;
            ring.imported.retain(|there| there.name != imported.name);
            ring.imported.push(imported);
            Ok(())
        })
    }

    /// Stops accepting those tokens. Returns whether there was an import of this name.
    pub fn forget_import(&self, name: &str) -> Result<bool, KeysError> {
        self.change(|ring| {
            let Some(place) = ring.imported.iter().position(|there| there.name == name) else {
                return Ok(false);
            };
            import::remove(&self.folder, name)?;
            ring.imported.remove(place);
            Ok(true)
        })
    }

    /// All keys: our own, the oldest first, then imported ones.
    pub fn list(&self) -> Vec<KeyState> {
        let ring = self.ring();
        let signing = ring.own.last().map(|key| &key.id);
        let own = ring.own.iter().map(|key| KeyState {
            id: key.id.clone(),
            signs: signing == Some(&key.id),
            issuer: None,
        });
        let imported = ring.imported.iter().map(|imported| KeyState {
            id: imported.name.clone(),
            signs: false,
            issuer: Some(imported.issuer.clone()),
        });
        own.chain(imported).collect()
    }

    pub(super) fn ring(&self) -> Arc<Ring> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&ring)
    }

    /// Changes files and memory. Files first: another program may have changed them.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Ring) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        let _lock = files::lock(&self.folder)?;
        let mut ring = Ring::read(&self.folder)?;
        let answer = change(&mut ring)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(answer)
    }
}

// === impl Ring ===

impl Ring {
    fn read(folder: &Path) -> Result<Self, KeysError> {
        Ok(Self {
            own: OwnKey::read_all(folder)?,
            imported: Imported::read_all(folder)?,
        })
    }

    /// The key that signs.
    pub(super) fn signing(&self) -> Result<&OwnKey, KeysError> {
        let key = self.own.last().map(AsRef::as_ref);
        key.ok_or_else(|| KeysError::Crypto("all keys have been deleted".to_owned()))
    }

    /// Our own key with this `kid`.
    pub(super) fn own(&self, id: &str) -> Option<&OwnKey> {
        let key = self.own.iter().find(|key| key.id == id);
        key.map(AsRef::as_ref)
    }

    /// The imports for this issuer.
    pub(super) fn imported(&self, issuer: &str) -> impl Iterator<Item = &Imported> {
        self.imported
            .iter()
            .filter(move |imported| imported.issuer == issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(keys: &Keys) -> Vec<(String, bool)> {
        keys.list()
            .into_iter()
            .map(|key| (key.id, key.signs))
            .collect()
    }

    #[test]
    fn keys_outlive_the_program() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("keys");
        let keys = Keys::open(&folder).unwrap();
        let first = ids(&keys);
        assert!(first.len() == 1 && first[0].1);
        assert_eq!(ids(&Keys::open(&folder).unwrap()), first);
        let second = keys.rotate().unwrap();
        let both = [(first[0].0.clone(), false), (second.clone(), true)];
        assert_eq!(ids(&keys), both);
        assert_eq!(ids(&Keys::open(&folder).unwrap()), both);
        assert!(matches!(
            keys.forget(&second),
            Err(KeysError::NotRetired(_))
        ));
        keys.forget(&first[0].0).unwrap();
        assert_eq!(ids(&Keys::open(&folder).unwrap()), [(second, true)]);
    }

    #[test]
    fn after_the_ninth_key_comes_the_tenth() {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::open(data.path().join("keys").as_path()).unwrap();
        let all: Vec<_> = (0..10).map(|_| keys.rotate().unwrap()).collect();
        let last = all[9].clone();
        assert!(last.starts_with("11-"));
        let again = Keys::open(data.path().join("keys").as_path()).unwrap();
        assert_eq!(ids(&again).last().unwrap(), &(last, true));
    }

    #[test]
    fn programs_that_start_together_have_the_same_key() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("keys");
        let open = || ids(&Keys::open(&folder).unwrap());
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(all.iter().all(|keys| keys.len() == 1 && *keys == all[0]));
    }

    #[test]
    fn two_installations_have_different_keys() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let make = |data: &tempfile::TempDir| ids(&Keys::open(&data.path().join("keys")).unwrap());
        assert_ne!(make(&a), make(&b));
    }

    #[test]
    fn a_damaged_key_is_named() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("keys");
        let keys = Keys::open(&folder).unwrap();
        let path = own::path(&folder, &keys.list()[0].id);
        files::write(&path, "-----BEGIN PRIVATE KEY-----\n").unwrap();
        let told = Keys::open(&folder).unwrap_err().to_string();
        assert!(
            told.contains(path.to_str().unwrap()) && told.contains("backup"),
            "{told}"
        );
    }
}
