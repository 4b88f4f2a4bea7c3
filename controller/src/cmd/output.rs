//! How commands print.

use std::fmt;
use std::io::Write;

use serde::Serialize;

use super::{Failure, Outcome};

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For programs
    Json,
    /// For programs and people
    Yaml,
    /// Only the name
    Name,
}

/// Prints a line.
pub(super) fn line(text: impl fmt::Display) -> Outcome {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::error)
}

/// Prints a message to stderr, so that it does not get into a pipe with the result.
pub(super) fn tell(text: impl fmt::Display) {
    // Without stderr there is nowhere to report to.
    writeln!(std::io::stderr(), "{text}").ok();
}

/// Prints an object: `name` for `-o name`, `table` for people.
pub(super) fn show(
    format: Option<Format>,
    object: &impl Serialize,
    name: &str,
    table: impl FnOnce() -> String,
) -> Outcome {
    let text = match format {
        None => table(),
        Some(Format::Name) => name.to_owned(),
        Some(Format::Json) => serde_json::to_string_pretty(object).map_err(Failure::error)?,
        Some(Format::Yaml) => serde_yaml::to_string(object).map_err(Failure::error)?,
    };
    line(text.trim_end())
}

/// A table with a header.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut all = vec![head.map(str::to_owned)];
    all.extend(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = all.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in all {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Labels as `a=b,c=d`.
pub(super) fn labels(labels: &crate::model::Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}

/// Reads `key=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` should be `key=value`")),
    }
}
