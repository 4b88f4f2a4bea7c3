//! Comments in a descriptor: help texts, and names protobuf cannot spell.
//!
//! They are kept as a compiler keeps them, with the space that follows the slashes and the line
//! end, and filed under the path of field numbers and indices to what they stand at.

use std::collections::HashMap;

use prost_types::SourceCodeInfo;
use prost_types::source_code_info::Location;

/// What stands before an exact spelling in a comment.
const SPELLED: &str = "spelled: ";

/// Comments while a descriptor is written.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<Location>);

/// Comments of a descriptor.
#[derive(Debug)]
pub(super) struct Reader<'a>(HashMap<&'a [i32], &'a Location>);

// === impl Writer ===

impl Writer {
    /// A help text.
    pub(super) fn doc(&mut self, path: &[i32], doc: &str) {
        if !doc.is_empty() {
            self.push(
                path,
                Location {
                    leading_comments: Some(comment(doc)),
                    ..place()
                },
            );
        }
    }

    /// The exact spelling of a name that had to be bent.
    pub(super) fn spelling(&mut self, path: &[i32], exact: &str) {
        let comment = comment(&format!("{SPELLED}{exact}"));
        self.push(
            path,
            Location {
                trailing_comments: Some(comment),
                ..place()
            },
        );
    }

    fn push(&mut self, path: &[i32], location: Location) {
        self.0.push(Location {
            path: path.to_vec(),
            ..location
        });
    }

    pub(super) fn finish(self) -> Option<SourceCodeInfo> {
        (!self.0.is_empty()).then_some(SourceCodeInfo { location: self.0 })
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(info: Option<&'a SourceCodeInfo>) -> Self {
        let locations = info.map_or(&[][..], |info| &info.location);
        Self(
            locations
                .iter()
                .map(|location| (&location.path[..], location))
                .collect(),
        )
    }

    pub(super) fn doc(&self, path: &[i32]) -> String {
        self.0
            .get(path)
            .map_or_else(String::new, |at| text(at.leading_comments()))
    }

    pub(super) fn spelling(&self, path: &[i32]) -> Option<String> {
        let comment = text(self.0.get(path)?.trailing_comments());
        comment.strip_prefix(SPELLED).map(str::to_owned)
    }
}

/// Readers insist on a position; there is no source text to point into.
fn place() -> Location {
    Location {
        span: vec![0, 0, 0],
        ..Location::default()
    }
}

fn comment(text: &str) -> String {
    text.split('\n')
        .flat_map(|line| [" ", line, "\n"])
        .collect()
}

fn text(comment: &str) -> String {
    let comment = comment.strip_suffix('\n').unwrap_or(comment);
    let lines: Vec<_> = comment
        .split('\n')
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}
