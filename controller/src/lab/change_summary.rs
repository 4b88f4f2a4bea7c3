//! What the record says of a change: `labels +room=7 -team=a; enabled true -> false`.

use std::fmt::Display;

use crate::model::Labels;

/// What has changed so far.
#[derive(Debug, Default)]
pub(super) struct ChangeSummary(Vec<String>);

// === impl ChangeSummary ===

impl ChangeSummary {
    /// A value that may be another now.
    pub(super) fn change<T: PartialEq + Display>(&mut self, what: &str, before: T, after: T) {
        if before != after {
            self.0.push(format!("{what} {before} -> {after}"));
        }
    }

    /// A value that need not be there.
    pub(super) fn optional<T: PartialEq + Display>(
        &mut self,
        what: &str,
        before: Option<T>,
        after: Option<T>,
    ) {
        let text = |value: Option<T>| value.map_or("-".to_owned(), |value| value.to_string());
        self.change(what, text(before), text(after));
    }

    /// Labels that were set or taken away.
    pub(super) fn labels(&mut self, before: &Labels, after: &Labels) {
        let not_in = |one: &Labels, other: &Labels, sign: char| -> Vec<String> {
            one.iter()
                .filter(|(key, value)| other.get(*key) != Some(*value))
                .map(|(key, value)| format!("{sign}{key}={value}"))
                .collect()
        };
        let mut all = not_in(before, after, '-');
        all.extend(not_in(after, before, '+'));
        if !all.is_empty() {
            self.0.push(format!("labels {}", all.join(" ")));
        }
    }

    /// All of it.
    pub(super) fn text(self) -> String {
        self.0.join("; ")
    }
}
