//! `jmp driver inspect`: all that a plugin says about itself, without running it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use crate::cmd::options::Plugins;
use crate::cmd::{Failure, Outcome};
use crate::plugin::{DriverMetadata, Inspected, Metadata, Method, MethodKind, Registry};

use super::{Output, page, print, registry, schema};

/// Show what a plugin says about itself
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    /// A plugin file, or the type of a driver
    #[arg(value_name = "FILE|TYPE")]
    what: String,

    #[command(flatten)]
    plugins: Plugins,

    /// Print in this format
    #[arg(short, long, value_enum)]
    output: Option<Output>,
}

/// The plugin and what can be told about its file.
#[derive(Debug, Serialize)]
struct Report<'a> {
    path: &'a Path,
    sha256: &'a str,
    trusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    distrust: Option<String>,
    doors: Vec<&'static str>,
    glibc: Option<&'a str>,
    needed: &'a [String],
    metadata: &'a Metadata,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let registry = registry(&self.plugins);
        let (path, type_name) = resolve(&registry, &self.what)?;
        let inspected = registry.inspect(&path).map_err(Failure::error)?;
        match self.output {
            Some(output) => output.show(&report(&inspected))?,
            None => print(&describe(&inspected, type_name))?,
        }
        Ok(0)
    }
}

/// The file that is meant, and the type if one was named.
fn resolve<'a>(registry: &Registry, what: &'a str) -> Result<(PathBuf, Option<&'a str>), Failure> {
    if what.contains('/') || what.ends_with(".so") {
        let path = registry.locate(Path::new(what)).map_err(Failure::error)?;
        return Ok((path, None));
    }
    let found = registry.find(what).map_err(Failure::error)?;
    Ok((found.path, Some(what)))
}

fn report(inspected: &Inspected) -> Report<'_> {
    Report {
        path: &inspected.path,
        sha256: &inspected.sha256,
        trusted: inspected.trusted.is_ok(),
        distrust: inspected.trusted.as_ref().err().map(ToString::to_string),
        doors: doors(inspected),
        glibc: inspected.glibc.as_deref(),
        needed: &inspected.needed,
        metadata: &inspected.metadata,
    }
}

fn doors(inspected: &Inspected) -> Vec<&'static str> {
    let is_c = |symbol: &str| symbol == jumpstarter_driver_abi::ENTRY_SYMBOL;
    let kind = |symbol: &&'static str| if is_c(symbol) { "c" } else { "rust" };
    let mut doors: Vec<_> = inspected.doors.iter().map(kind).collect();
    doors.sort_unstable();
    doors
}

fn describe(inspected: &Inspected, type_name: Option<&str>) -> String {
    let metadata = &inspected.metadata;
    let mut text = format!("{}\n", metadata.title());
    if let Some(description) = &metadata.description {
        text += &page::indent(description, 2);
    }
    let rows = facts(inspected)
        .into_iter()
        .map(|(name, fact)| [format!("  {name}"), fact]);
    text += "\n";
    text += &rows
        .map(|[name, fact]| format!("{name:<11}{fact}\n"))
        .collect::<String>();
    let wanted = |driver: &&DriverMetadata| {
        type_name.is_none_or(|name| driver.types.iter().any(|own| own == name))
    };
    for driver in metadata.drivers.iter().filter(wanted) {
        text += &driver_text(driver);
    }
    text
}

fn facts(inspected: &Inspected) -> Vec<(&'static str, String)> {
    let metadata = &inspected.metadata;
    let some = |value: &Option<String>| value.clone();
    let hash = metadata
        .abi_hash
        .as_ref()
        .map(|hash| format!(" (hash {hash})"));
    let built = [
        metadata.kind.clone(),
        metadata
            .rustc
            .as_ref()
            .map(|version| format!("rustc {version}")),
        metadata.sdk.as_ref().map(|sdk| format!("SDK {sdk}")),
        some(&metadata.target),
        metadata
            .panic
            .as_ref()
            .map(|panic| format!("panic={panic}")),
    ];
    let built: Vec<_> = built.into_iter().flatten().collect();
    let glibc = inspected
        .glibc
        .as_ref()
        .map(|version| format!("GLIBC_{version}"));
    let needs: Vec<_> = glibc
        .into_iter()
        .chain(inspected.needed.iter().cloned())
        .collect();
    let trust = match &inspected.trusted {
        Ok(()) => "yes: only its owner and root can change it".to_owned(),
        Err(distrust) => format!("NO: {distrust}"),
    };
    let facts = [
        ("file", Some(inspected.path.display().to_string())),
        ("sha256", Some(inspected.sha256.clone())),
        ("trusted", Some(trust)),
        (
            "abi",
            Some(format!("{}{}", metadata.jmp_abi, hash.unwrap_or_default())),
        ),
        ("doors", Some(doors(inspected).join(", "))),
        ("built", (!built.is_empty()).then(|| built.join(", "))),
        ("needs", (!needs.is_empty()).then(|| needs.join(", "))),
        ("vendor", some(&metadata.vendor)),
        ("license", some(&metadata.license)),
    ];
    facts
        .into_iter()
        .filter_map(|(name, fact)| Some((name, fact?)))
        .collect()
}

fn driver_text(driver: &DriverMetadata) -> String {
    let mut text = format!("\n{}\n", driver.types.join(", "));
    text += &page::indent(&driver.doc, 2);
    if let Some(client) = &driver.client {
        text += &format!("  client   {client}\n");
    }
    text += &format!("  category {}\n", driver.category);
    if !driver.methods.is_empty() {
        text += "\n  Methods\n";
    }
    for method in &driver.methods {
        text += &format!("    {}\n", signature(method));
        text += &page::indent(&method.doc, 8);
    }
    if driver.dynamic {
        text += "    ...and others, which it tells when it is opened\n";
    }
    text += &config_text(driver);
    text
}

fn signature(method: &Method) -> String {
    let params: Vec<_> = method
        .params
        .iter()
        .map(|param| {
            let mark = if param.optional { "?" } else { "" };
            format!("{}{mark}: {}", param.name, schema::words(&param.schema))
        })
        .collect();
    let result = method.result.as_ref().map(schema::words);
    let result = result.filter(|words| words != "null");
    let result = match (method.kind, result) {
        (MethodKind::Bytes, _) => " -> bytes".to_owned(),
        (MethodKind::Stream, result) => {
            format!(
                " -> stream of {}",
                result.unwrap_or_else(|| "any".to_owned())
            )
        }
        (MethodKind::Call, Some(result)) => format!(" -> {result}"),
        (MethodKind::Call, None) => String::new(),
    };
    format!("{}({}){result}", method.name, params.join(", "))
}

fn config_text(driver: &DriverMetadata) -> String {
    let mut text = String::new();
    let config = driver.config.as_ref();
    let properties = config.map(schema::properties).unwrap_or_default();
    if !properties.is_empty() {
        text += "\n  Config\n";
    }
    for (name, property, required) in properties {
        let note = match (required, property.get("default")) {
            (true, _) => ", required".to_owned(),
            (false, Some(default)) => format!(", {default} if not given"),
            (false, None) => String::new(),
        };
        text += &format!("    {name}: {}{note}\n", schema::words(property));
        let doc = property.get("description").and_then(Value::as_str);
        text += &page::indent(doc.unwrap_or_default(), 8);
    }
    let type_name = driver.types.first().map_or("", String::as_str);
    let mut entry = json!({"type": type_name});
    let example = config.map(schema::example).unwrap_or_default();
    if example
        .as_object()
        .is_some_and(|example| !example.is_empty())
    {
        entry["config"] = example;
    }
    let name = match driver.category.as_str() {
        "other" => "device",
        category => category,
    };
    // A tree of strings and numbers always has a YAML form.
    let yaml = serde_yaml::to_string(&json!({"export": {name: entry}})).unwrap_or_default();
    text + "\n  Example\n" + &page::indent(&yaml, 4)
}
