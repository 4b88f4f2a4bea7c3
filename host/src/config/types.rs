//! What an exporter configuration says, after everything in it has been checked.

use std::{collections::BTreeMap, path::PathBuf};

use jumpstarter_client::Secret;
use uuid::Uuid;

use super::{Mistake, Node, Place, Source};

/// The only `apiVersion` there is.
pub const API_VERSION: &str = "jumpstarter.dev/v1alpha1";
/// The `kind` of this file.
pub const KIND: &str = "ExporterConfig";
/// The type of a group, which may also be written as an entry without a type.
pub const COMPOSITE: &str = "jumpstarter_driver_composite.driver.Composite";
/// The type of a reference, which may also be written as an entry with only `ref`.
pub const PROXY: &str = "jumpstarter_driver_composite.driver.Proxy";

/// An exporter configuration.
#[derive(Clone, Debug, Default)]
pub struct ExporterConfig {
    /// Who this exporter is.
    pub metadata: Metadata,
    /// `host:port` of the controller.
    pub endpoint: Option<String>,
    /// How to trust the controller.
    pub tls: Tls,
    /// What the controller knows this exporter by.
    pub token: Option<Secret<String>>,
    /// Channel arguments, as gRPC names them.
    pub grpc_options: BTreeMap<String, GrpcOption>,
    /// Description of the root of the tree.
    pub description: Option<String>,
    /// Message of the day, shown to whoever opens a shell.
    pub motd: Option<String>,
    /// The tree, in the order of the file.
    pub export: Vec<(String, Entry)>,
    /// What to run around a lease.
    pub hooks: Hooks,
    /// When to give up restarting.
    pub failure_detection: FailureDetection,
    /// Whether to stop after the first lease.
    pub exit_on_lease_end: bool,
    /// Plugin files and folders, absolute or relative to the working directory.
    pub plugins: Vec<PathBuf>,
    /// The file it was read from.
    pub source: Source,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Mistake>,
}

/// Who the exporter is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Namespace at the controller.
    pub namespace: Option<String>,
    /// Name within it.
    pub name: String,
}

/// How to trust the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Base64 of a PEM bundle; empty for the system's roots.
    pub ca: String,
    /// Do not check certificates.
    pub insecure: bool,
}

/// A channel argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrpcOption {
    /// A text.
    Text(String),
    /// A number.
    Int(i64),
}

/// What to run around a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Before the client may call drivers.
    pub before_lease: Option<Hook>,
    /// After the client has gone.
    pub after_lease: Option<Hook>,
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The script itself, or the path of a file.
    pub script: String,
    /// The interpreter; none for `/bin/sh`.
    pub exec: Option<String>,
    /// Seconds it may take.
    pub timeout: i64,
    /// What its failure means.
    pub on_failure: OnFailure,
}

/// What the failure of a hook means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Say so and go on.
    #[default]
    Warn,
    /// End the lease.
    EndLease,
    /// Stop the exporter.
    Exit,
}

/// When to give up restarting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureDetection {
    /// How many quick failures in a row are too many.
    pub max_rapid_failures: i64,
    /// Seconds within which a failure is quick.
    pub rapid_failure_window: i64,
}

/// A place in the tree.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all entries are drivers")]
pub enum Entry {
    /// A driver from a plugin.
    Driver(DriverEntry),
    /// Another name for another place in the tree.
    Proxy(ProxyEntry),
    /// A group.
    Composite(CompositeEntry),
}

/// A driver.
#[derive(Clone, Debug)]
pub struct DriverEntry {
    /// Its type, for example `jumpstarter_driver_power.driver.MockPower`.
    pub type_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Help for its methods.
    pub methods_description: BTreeMap<String, String>,
    /// Its settings, as they are in the file; [`DriverEntry::settings`] is what its plugin gets.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The settings that every driver has.
    pub base: Base,
    /// The drivers below it.
    pub children: Vec<(String, Entry)>,
    /// Where its name is written.
    pub at: Place,
    /// Where its type is written.
    pub type_at: Place,
    /// Where its `config` is written; where its type is, if it has none.
    pub config_at: Place,
    /// `config` with the position of every value.
    pub config_node: Node,
}

/// The keys of `config` that every driver has; they are the host's, the plugin does not see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The least important log lines to keep.
    pub log_level: LogLevel,
    /// A fixed uuid instead of a new one per session.
    pub uuid: Option<Uuid>,
    /// Labels for the report.
    pub labels: BTreeMap<String, String>,
}

/// The level of a driver's log, named as Python names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What the driver does.
    #[default]
    Info,
    /// What went wrong and was dealt with.
    Warning,
    /// What went wrong.
    Error,
    /// What went badly wrong.
    Critical,
}

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyEntry {
    /// Dotted path from the root of the tree.
    pub reference: String,
    /// Where it is written.
    pub at: Place,
}

/// A group.
#[derive(Clone, Debug)]
pub struct CompositeEntry {
    /// What is in it.
    pub children: Vec<(String, Entry)>,
    /// Where its name is written.
    pub at: Place,
}

// === impl FailureDetection ===

impl Default for FailureDetection {
    fn default() -> Self {
        Self {
            max_rapid_failures: 5,
            rapid_failure_window: 60,
        }
    }
}

// === impl Hook ===

impl Hook {
    /// Seconds a hook may take if it does not say.
    pub const TIMEOUT: i64 = 120;
}

// === impl OnFailure ===

impl OnFailure {
    /// Every name, as the file spells it.
    pub const NAMES: [(&'static str, Self); 3] = [
        ("warn", Self::Warn),
        ("endLease", Self::EndLease),
        ("exit", Self::Exit),
    ];

    /// As the file spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::EndLease => "endLease",
            Self::Exit => "exit",
        }
    }
}

// === impl LogLevel ===

impl LogLevel {
    /// Every name that Python knows.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("DEBUG", Self::Debug),
        ("INFO", Self::Info),
        ("WARNING", Self::Warning),
        ("ERROR", Self::Error),
        ("CRITICAL", Self::Critical),
        ("NOTSET", Self::Debug),
        ("WARN", Self::Warning),
        ("FATAL", Self::Critical),
    ];
}

// === impl DriverEntry ===

impl DriverEntry {
    /// Keys of `config` that are the host's.
    pub const BASE_KEYS: [&'static str; 3] = ["labels", "log_level", "uuid"];

    /// `config` as the plugin gets it.
    pub fn settings(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut settings = self.config.clone();
        settings.retain(|key, _| !Self::BASE_KEYS.contains(&key.as_str()));
        settings
    }

    /// Whether this is a group that was written with its type.
    pub fn is_composite(&self) -> bool {
        self.type_name == COMPOSITE
    }
}

// === impl Entry ===

impl Entry {
    /// What is below it in the file.
    pub fn children(&self) -> &[(String, Entry)] {
        match self {
            Self::Driver(entry) => &entry.children,
            Self::Composite(entry) => &entry.children,
            Self::Proxy(_) => &[],
        }
    }

    /// Where it is written.
    pub fn at(&self) -> Place {
        match self {
            Self::Driver(entry) => entry.at,
            Self::Composite(entry) => entry.at,
            Self::Proxy(entry) => entry.at,
        }
    }
}
