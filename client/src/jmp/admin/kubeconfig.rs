//! Files that say where a controller is, whom to trust and what lets us in: those of kubectl, of which
//! `jmp-controller user create --kubeconfig` writes the part that is used here.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::access::{Afar, token};
use crate::Secret;
use crate::connect::{Roots, Tls};
use crate::ui::Failure;

#[derive(Deserialize)]
struct File {
    #[serde(rename = "current-context", default)]
    current: String,
    #[serde(default)]
    contexts: Vec<Named>,
    #[serde(default)]
    clusters: Vec<Named>,
    #[serde(default)]
    users: Vec<Named>,
}

/// `{name: x, cluster: {…}}`, and the same for users and contexts.
#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(flatten)]
    parts: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority_data: Option<String>,
    certificate_authority: Option<PathBuf>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    token: Option<Secret<String>>,
    token_file: Option<PathBuf>,
}

/// The way to the controller of a context, and its namespace.
pub(super) fn read(path: &Path, context: Option<&str>) -> Result<(Afar, Option<String>), Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::Error(format!("cannot use `{}`: {why}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let file: File = serde_yaml::from_str(&text).map_err(|error| wrong(&error))?;
    let context = context.unwrap_or(&file.current);
    let context: Context = find(&file.contexts, "context", context).map_err(|why| wrong(&why))?;
    let cluster: Cluster =
        find(&file.clusters, "cluster", &context.cluster).map_err(|why| wrong(&why))?;
    let user: User = find(&file.users, "user", &context.user).map_err(|why| wrong(&why))?;
    // Paths in the file are meant from where it is.
    let beside = |name: PathBuf| path.parent().unwrap_or(Path::new("")).join(name);
    let roots = match (
        cluster.certificate_authority_data,
        cluster.certificate_authority,
    ) {
        (Some(data), _) => {
            let pem = STANDARD.decode(data.trim());
            Roots::Pem(pem.map_err(|_| wrong(&"certificate-authority-data is no base64"))?)
        }
        (None, Some(file)) => Roots::File(beside(file)),
        (None, None) => Roots::System,
    };
    let afar = Afar {
        server: cluster.server,
        tls: match cluster.insecure_skip_tls_verify {
            true => Tls::Unverified,
            false => Tls::Verified(roots),
        },
        token: match (user.token, user.token_file) {
            (Some(token), _) => token,
            (None, Some(file)) => token(&beside(file))?,
            (None, None) => {
                let user = &context.user;
                let why =
                    format!("user `{user}` has no token; other credentials are not understood");
                return Err(wrong(&why));
            }
        },
    };
    Ok((afar, context.namespace))
}

fn find<T: DeserializeOwned>(all: &[Named], part: &str, name: &str) -> Result<T, String> {
    let Some(found) = all.iter().find(|named| named.name == name) else {
        let names: Vec<_> = all.iter().map(|named| named.name.as_str()).collect();
        return Err(format!(
            "there is no {part} `{name}` in it; there is: {}",
            names.join(", ")
        ));
    };
    let value = found.parts.get(part).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| format!("{part} `{name}`: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const FILE: &str = "\
apiVersion: v1
kind: Config
current-context: lab
contexts:
- {name: lab, context: {cluster: lab, user: admin, namespace: east}}
- {name: half, context: {cluster: lab, user: nobody}}
- {name: lost, context: {cluster: gone, user: admin}}
clusters:
- {name: lab, cluster: {server: 'https://lab:8082', certificate-authority-data: UEVN}}
users:
- {name: admin, user: {token: secret}}
- {name: nobody, user: {client-certificate: x.pem}}
";

    fn with(context: Option<&str>) -> Result<(Afar, Option<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.conf");
        std::fs::write(&path, FILE).unwrap();
        read(&path, context).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn the_current_context_counts_unless_another_is_named() {
        let (afar, namespace) = with(None).unwrap();
        assert_eq!(
            (afar.server.as_str(), namespace.as_deref()),
            ("https://lab:8082", Some("east"))
        );
        assert_eq!(afar.token.expose(), "secret");
        assert!(matches!(&afar.tls, Tls::Verified(Roots::Pem(pem)) if pem == b"PEM"));
        assert!(!format!("{afar:?}").contains("secret"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (context, words) in [
            (
                Some("other"),
                "no context `other` in it; there is: lab, half, lost",
            ),
            (Some("half"), "user `nobody` has no token"),
            (Some("lost"), "no cluster `gone`"),
        ] {
            let told = with(context).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
