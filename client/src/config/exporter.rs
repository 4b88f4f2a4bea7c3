//! The files of exporters, as far as a client writes them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{
    API_VERSION, ConfigError, Lock, TlsSettings, edit, expect, files, home, is_name, read, stem,
    write,
};
use crate::{Secret, yaml};

/// Exporters of the whole machine.
const SYSTEM: &str = "/etc/jumpstarter/exporters";

const KIND: &str = "ExporterConfig";

/// An exporter's file: who it is, and what else stands in it.
#[derive(Debug, Clone)]
pub struct ExporterConfig {
    /// What the user calls it.
    pub alias: String,
    /// The file it came from; none before it is saved.
    pub path: Option<PathBuf>,
    /// The namespace it belongs to.
    pub namespace: Option<String>,
    /// Its name there.
    pub name: String,
    /// Where the controller is.
    pub endpoint: Option<String>,
    /// Whom to trust.
    pub tls: TlsSettings,
    /// What proves who it is.
    pub token: Option<Secret<String>>,
    /// The rest, as it stands in the file.
    rest: Map<String, Value>,
}

/// Where files of exporters are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExporterPaths {
    /// The user's, whether it exists or not.
    pub own: PathBuf,
    /// The machine's, whether it exists or not.
    pub system: PathBuf,
}

/// The file of the exporter called `alias`: the user's, else the machine's.
///
/// If neither exists it is where the user's would be.
///
/// # Errors
///
/// When the alias is no name, or there is no configuration folder.
pub fn find_exporter(alias: &str) -> Result<PathBuf, ConfigError> {
    let ExporterPaths { own, system } = ExporterPaths::of(alias)?;
    Ok(if !own.exists() && system.exists() {
        system
    } else {
        own
    })
}

/// Checks that an exporter can be called this.
///
/// # Errors
///
/// When a file of that name would be in another folder.
pub fn check_exporter_alias(alias: &str) -> Result<(), ConfigError> {
    if is_name(alias) {
        Ok(())
    } else {
        Err(ConfigError::Alias(alias.to_owned()))
    }
}

// === impl ExporterPaths ===

impl ExporterPaths {
    /// Where the file of the exporter called `alias` can be.
    ///
    /// # Errors
    ///
    /// When the alias is no name, or there is no configuration folder.
    pub fn of(alias: &str) -> Result<Self, ConfigError> {
        check_exporter_alias(alias)?;
        let file = format!("{alias}.yaml");
        Ok(Self {
            own: home()?.join("exporters").join(&file),
            system: Path::new(SYSTEM).join(&file),
        })
    }
}

// === impl ExporterConfig ===

impl ExporterConfig {
    /// An exporter without devices.
    pub fn new(alias: &str, namespace: Option<String>, name: String) -> Self {
        Self {
            alias: alias.to_owned(),
            path: None,
            namespace,
            name,
            endpoint: None,
            tls: TlsSettings::default(),
            token: None,
            rest: Map::new(),
        }
    }

    /// Reads an exporter's file; none if there is none.
    ///
    /// Only what is known here is checked; `jmp check` looks at everything.
    ///
    /// # Errors
    ///
    /// When it is there but of no use.
    pub fn load(path: &Path) -> Result<Option<Self>, ConfigError> {
        let Some(mut rest) = read::<Map<String, Value>>(path)? else {
            return Ok(None);
        };
        let text = |part: Option<&mut Map<String, Value>>, key: &str| match part
            .and_then(|part| part.remove(key))
        {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(ConfigError::Invalid {
                path: path.to_owned(),
                why: format!("{key}: `{other}` should be a text"),
            }),
        };
        for (key, right) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            if let Some(value) = text(Some(&mut rest), key)? {
                expect(path, key, &value, right)?;
            }
        }
        let (mut metadata, mut tls) = (rest.remove("metadata"), rest.remove("tls"));
        let mut metadata = metadata.as_mut().and_then(Value::as_object_mut);
        let tls = tls.as_mut().and_then(Value::as_object_mut);
        let insecure = tls.as_ref().and_then(|tls| tls.get("insecure")?.as_bool());
        Ok(Some(Self {
            alias: stem(path),
            path: Some(path.to_owned()),
            namespace: text(metadata.as_deref_mut(), "namespace")?,
            name: text(metadata, "name")?.unwrap_or_default(),
            endpoint: text(Some(&mut rest), "endpoint")?,
            tls: TlsSettings {
                ca: text(tls, "ca")?.unwrap_or_default(),
                insecure: insecure.unwrap_or_default(),
            },
            token: text(Some(&mut rest), "token")?.map(Secret::new),
            rest,
        }))
    }

    /// Where all exporters of this user are: the user's own, then the machine's that have no file
    /// of the user's before them.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn files() -> Result<Vec<PathBuf>, ConfigError> {
        let mut all = files(&home()?.join("exporters"))?;
        for path in files(Path::new(SYSTEM))? {
            if !all.iter().any(|own| own.file_name() == path.file_name()) {
                all.push(path);
            }
        }
        Ok(all)
    }

    /// Writes a new file, which only the user can read.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_to(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = yaml::to_string(&self.describe()).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        write::privately(path, &text)?;
        self.path = Some(path.to_owned());
        self.alias = stem(path);
        Ok(())
    }

    /// Changes the token in the file it came from, and nothing else there: comments stay.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, or its token is not on one line.
    pub fn save_token(&mut self, token: Secret<String>) -> Result<(), ConfigError> {
        let Some(path) = &self.path else {
            self.token = Some(token);
            return Ok(());
        };
        let _lock = Lock::around(path);
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let changed = edit::replace(&text, &[("token", token.expose())]).ok_or_else(|| {
            ConfigError::Invalid {
                path: path.clone(),
                why:
                    "token: it is not on a line of its own, so it cannot be replaced; write it as \
                  `token: …`"
                        .to_owned(),
            }
        })?;
        write::privately(path, &changed)?;
        self.token = Some(token);
        Ok(())
    }

    /// All that is known about it, the token included, in the order of the file.
    pub fn describe(&self) -> Map<String, Value> {
        let rest = |key: &str, default: Value| match self.rest.get(key) {
            Some(value) if !value.is_null() => value.clone(),
            _ => default,
        };
        let entries = [
            ("apiVersion", json!(API_VERSION)),
            ("kind", json!(KIND)),
            (
                "metadata",
                json!({"namespace": self.namespace, "name": self.name}),
            ),
            ("endpoint", json!(self.endpoint)),
            (
                "tls",
                json!({"ca": self.tls.ca, "insecure": self.tls.insecure}),
            ),
            ("token", json!(self.token.as_ref().map(Secret::expose))),
            ("grpcOptions", rest("grpcOptions", json!({}))),
            ("description", rest("description", Value::Null)),
            ("motd", rest("motd", Value::Null)),
            ("export", rest("export", json!({}))),
            (
                "hooks",
                rest("hooks", json!({"beforeLease": null, "afterLease": null})),
            ),
            (
                "failureDetection",
                rest(
                    "failureDetection",
                    json!({"maxRapidFailures": 5, "rapidFailureWindow": 60}),
                ),
            ),
            ("exitOnLeaseEnd", rest("exitOnLeaseEnd", json!(false))),
        ];
        let entries = entries.map(|(key, value)| (key.to_owned(), value));
        entries.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn aliases_are_names() {
        for alias in ["", ".", "..", "a/b", "../x", "a\\b"] {
            let error = find_exporter(alias).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("must not contain path separators")
            );
        }
        let path = find_exporter("lab.3").unwrap();
        assert!(path.ends_with("exporters/lab.3.yaml"), "{}", path.display());
    }

    #[test]
    fn a_new_exporter_has_a_place_for_everything() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("exporters/e1.yaml");
        let mut config = ExporterConfig::new("x", Some("default".to_owned()), "exp".to_owned());
        config.endpoint = Some("grpc.lab:8082".to_owned());
        config.token = Some(Secret::new("abc".to_owned()));
        config.save_to(&path).unwrap();
        let expected = "\
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  namespace: default
  name: exp
endpoint: grpc.lab:8082
tls:
  ca: ''
  insecure: false
token: abc
grpcOptions: {}
description: null
motd: null
export: {}
hooks:
  beforeLease: null
  afterLease: null
failureDetection:
  maxRapidFailures: 5
  rapidFailureWindow: 60
exitOnLeaseEnd: false
";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        let again = ExporterConfig::load(&path).unwrap().unwrap();
        assert_eq!(
            (again.alias.as_str(), again.describe()),
            ("e1", config.describe())
        );
        assert!(!format!("{again:?}").contains("abc"));
    }

    #[test]
    fn only_the_token_of_a_file_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lab.yaml");
        let text =
            "# our lab\nkind: ExporterConfig\ntoken: old # until May\nexport:\n  a: {token: x}\n";
        fs::write(&path, text).unwrap();
        let mut config = ExporterConfig::load(&path).unwrap().unwrap();
        config.save_token(Secret::new("new".to_owned())).unwrap();
        let expected = "# our lab\nkind: ExporterConfig\ntoken: new\nexport:\n  a: {token: x}\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
}
