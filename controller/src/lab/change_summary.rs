//! What the audit log says of a change: `labels +room=7 -team=a; enabled true -> false`.

use std::fmt::Display;

use crate::model::Labels;

/// The changes so far, each as a text.
#[derive(Debug, Default)]
pub(super) struct ChangeSummary(Vec<String>);

// === impl ChangeSummary ===

impl ChangeSummary {
    /// Notes a value, if it has changed.
    pub(super) fn change<T: PartialEq + Display>(&mut self, what: &str, before: T, after: T) {
        if before != after {
            self.0.push(format!("{what} {before} -> {after}"));
        }
    }

    /// Notes an optional value, if it has changed.
    pub(super) fn optional<T: PartialEq + Display>(
        &mut self,
        what: &str,
        before: Option<T>,
        after: Option<T>,
    ) {
        let text = |value: Option<T>| value.map_or("-".to_owned(), |value| value.to_string());
        self.change(what, text(before), text(after));
    }

    /// Notes labels that were set or removed.
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

    /// All changes in one line.
    pub(super) fn text(self) -> String {
        self.0.join("; ")
    }
}
