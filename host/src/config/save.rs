//! Writes a configuration, in the form and order of the reference.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    API_VERSION, AliasError, DriverEntry, Entry, ExporterConfig, GrpcOption, Hook, KIND, Node,
    Value, emit,
};

/// Why a configuration could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Not a name.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// The operating system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn save(path: &Path, config: &ExporterConfig) -> Result<(), SaveError> {
    let text = to_yaml(config);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SaveError::Io { path, source }
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let written = write_new(&draft, &text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // The draft holds the token: do not leave it behind.
        drop(fs::remove_file(&draft));
    }
    written.map_err(failed(path))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    // An older draft of ours may have had another mode.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The text of a configuration. It holds the token.
pub fn to_yaml(config: &ExporterConfig) -> String {
    let ExporterConfig {
        metadata,
        endpoint,
        tls,
        token,
        grpc_options,
        description,
        motd,
        export,
        hooks,
        failure_detection,
        exit_on_lease_end,
        plugins,
        source: _,
        warnings: _,
    } = config;
    let mut members = vec![
        ("apiVersion", text(API_VERSION)),
        ("kind", text(KIND)),
        (
            "metadata",
            map([
                ("namespace", text_or_null(metadata.namespace.as_deref())),
                ("name", text(&metadata.name)),
            ]),
        ),
        ("endpoint", text_or_null(endpoint.as_deref())),
        (
            "tls",
            map([
                ("ca", text(&tls.ca)),
                ("insecure", Node::bare(Value::Bool(tls.insecure))),
            ]),
        ),
        (
            "token",
            text_or_null(token.as_ref().map(|token| token.expose().as_str())),
        ),
        (
            "grpcOptions",
            Node::map(
                grpc_options
                    .iter()
                    .map(|(key, value)| (key.clone(), option(value))),
            ),
        ),
        ("description", text_or_null(description.as_deref())),
        ("motd", text_or_null(motd.as_deref())),
        ("export", entries(export)),
        (
            "hooks",
            map([
                ("beforeLease", hook(hooks.before_lease.as_ref())),
                ("afterLease", hook(hooks.after_lease.as_ref())),
            ]),
        ),
        (
            "failureDetection",
            map([
                (
                    "maxRapidFailures",
                    int(failure_detection.max_rapid_failures),
                ),
                (
                    "rapidFailureWindow",
                    int(failure_detection.rapid_failure_window),
                ),
            ]),
        ),
        (
            "exitOnLeaseEnd",
            Node::bare(Value::Bool(*exit_on_lease_end)),
        ),
    ];
    if !plugins.is_empty() {
        let paths = plugins.iter().map(|path| text(&path.to_string_lossy()));
        members.push(("plugins", Node::bare(Value::List(paths.collect()))));
    }
    emit::emit(&map(members))
}

fn entries(entries: &[(String, Entry)]) -> Node {
    Node::map(
        entries
            .iter()
            .map(|(name, entry)| (name.clone(), self::entry(entry))),
    )
}

fn entry(entry: &Entry) -> Node {
    match entry {
        Entry::Driver(driver) => self::driver(driver),
        Entry::Proxy(proxy) => map([("ref", text(&proxy.reference))]),
        Entry::Composite(group) => map([("children", entries(&group.children))]),
    }
}

fn driver(driver: &DriverEntry) -> Node {
    let DriverEntry {
        type_name,
        description,
        methods_description,
        config_node,
        children,
        ..
    } = driver;
    let texts = methods_description
        .iter()
        .map(|(key, value)| (key.clone(), text(value)));
    map([
        ("type", text(type_name)),
        ("description", text_or_null(description.as_deref())),
        ("methods_description", Node::map(texts)),
        ("config", config_node.clone()),
        ("children", entries(children)),
    ])
}

fn hook(hook: Option<&Hook>) -> Node {
    let Some(Hook {
        script,
        exec,
        timeout,
        on_failure,
    }) = hook
    else {
        return Node::bare(Value::Null);
    };
    map([
        ("script", text(script)),
        ("exec", text_or_null(exec.as_deref())),
        ("timeout", int(*timeout)),
        ("onFailure", text(on_failure.name())),
    ])
}

fn option(value: &GrpcOption) -> Node {
    match value {
        GrpcOption::Text(value) => text(value),
        GrpcOption::Int(value) => int(*value),
    }
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    Node::map(
        members
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value)),
    )
}

fn text(value: &str) -> Node {
    Node::bare(Value::Text(value.to_owned()))
}

fn text_or_null(value: Option<&str>) -> Node {
    value.map_or(Node::bare(Value::Null), text)
}

fn int(value: i64) -> Node {
    Node::bare(Value::Int(value.into()))
}
