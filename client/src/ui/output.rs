//! What commands show of things: a table for people, or JSON, YAML and names for programs.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::table::terminal_width;
use super::{Failure, Table, print};
use crate::cli::printable_line;
use crate::yaml;

/// How to print, when it is not for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Json,
    Yaml,
    Name,
}

/// Something that commands show.
pub(crate) trait Resource {
    /// All of it.
    fn json(&self) -> Value;
    /// What it is called; several if it is a list.
    fn names(&self) -> Vec<String>;
    /// What people want to know.
    fn table(&self) -> Table;
}

/// Prints it as asked for.
pub(crate) fn show(resource: &impl Resource, format: Option<Format>) -> Result<(), Failure> {
    match format {
        Some(Format::Name) => {
            let names = resource.names();
            let names: Vec<_> = names.iter().map(|it| printable_line(it)).collect();
            if names.is_empty() {
                return Ok(());
            }
            print(&names.join("\n"))
        }
        Some(format) => value(&resource.json(), format),
        None => {
            let table = resource.table();
            if table.is_empty() {
                print("No resources found.")
            } else {
                print(&table.lines(terminal_width()).join("\n"))
            }
        }
    }
}

/// Prints a value: as it is in JSON, with sorted keys in YAML.
pub(crate) fn value(value: &Value, format: Format) -> Result<(), Failure> {
    let failed = |error: serde_json::Error| Failure::Error(error.to_string());
    if format == Format::Yaml {
        // An empty line follows.
        return print(&yaml::to_string(&yaml::sorted(value.clone())).map_err(failed)?);
    }
    let mut out = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, indent);
    value.serialize(&mut serializer).map_err(failed)?;
    print(&String::from_utf8_lossy(&out))
}
