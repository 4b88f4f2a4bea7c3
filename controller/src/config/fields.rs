//! Reads a mapping key by key, and collects the mistakes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::{Kind, Node};
use super::{Mistake, duration};

/// Unknown keys at least this similar to a known one are taken for a misspelling, from 0 to 1.
const ALIKE: f64 = 0.82;

/// The mistakes so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(pub(super) Vec<Mistake>);

/// A mapping, some keys of which have been read.
pub(super) struct Fields {
    path: String,
    line: usize,
    members: Vec<(super::document::Key, Node)>,
    known: Vec<&'static str>,
}

// === impl Mistakes ===

impl Mistakes {
    pub(super) fn add(&mut self, line: usize, path: &str, message: impl Into<String>) {
        self.0.push(Mistake {
            line: Some(line),
            path: path.to_owned(),
            message: message.into(),
        });
    }

    pub(super) fn expected(&mut self, node: &Node, path: &str, what: &str) {
        let found = node.describe();
        self.add(node.line, path, format!("expected {what}, found {found}"));
    }
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

// === impl Fields ===

impl Fields {
    /// The fields of a mapping; null is an empty mapping.
    pub(super) fn of(node: Node, path: &str, mistakes: &mut Mistakes) -> Self {
        let line = node.line;
        let members = match node.kind {
            Kind::Map(members) => members,
            _ if node.is_null() => Vec::new(),
            _ => {
                mistakes.expected(&node, path, "a mapping");
                Vec::new()
            }
        };
        Self {
            path: path.to_owned(),
            line,
            members,
            known: Vec::new(),
        }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The line of a value that was not read yet; that of the mapping if the key is missing.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let found = self.members.iter().find(|(found, _)| found.text == key);
        found.map_or(self.line, |(_, node)| node.line)
    }

    pub(super) fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Takes out the value of a key; `None` if it is missing or null.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let place = self
            .members
            .iter()
            .position(|(found, _)| found.text == key)?;
        let (_, node) = self.members.remove(place);
        (!node.is_null()).then_some(node)
    }

    /// The mapping at a key.
    pub(super) fn section(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<Self> {
        let node = self.take(key)?;
        Some(Self::of(node, &self.path(key), mistakes))
    }

    pub(super) fn text(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<String> {
        self.located(key, mistakes).map(|(_, text)| text)
    }

    /// A string, with its line.
    pub(super) fn located(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<(usize, String)> {
        let node = self.take(key)?;
        match node.kind {
            Kind::Plain(text) | Kind::Text(text) => Some((node.line, text)),
            _ => {
                mistakes.expected(&node, &self.path(key), "a text");
                None
            }
        }
    }

    pub(super) fn flag(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<bool> {
        let node = self.take(key)?;
        let flag = node.json().as_bool();
        if flag.is_none() {
            mistakes.expected(&node, &self.path(key), "`true` or `false`");
        }
        flag
    }

    pub(super) fn integer(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<i64> {
        let node = self.take(key)?;
        let number = node.json().as_i64();
        if number.is_none() {
            mistakes.expected(&node, &self.path(key), "a whole number");
        }
        number
    }

    pub(super) fn duration(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Duration> {
        let node = self.take(key)?;
        let found = match &node.kind {
            Kind::Plain(text) | Kind::Text(text) => duration::parse(text),
            _ => None,
        };
        if found.is_none() {
            let what = "a duration as `8760h` or `1h30m` (there is no unit for days)";
            mistakes.expected(&node, &self.path(key), what);
        }
        found
    }

    pub(super) fn texts(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Vec<String> {
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        let path = self.path(key);
        let Kind::List(items) = node.kind else {
            mistakes.expected(&node, &path, "a list");
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items {
            match item.kind {
                Kind::Plain(text) | Kind::Text(text) => found.push(text),
                _ => mistakes.expected(&item, &path, "a text"),
            }
        }
        found
    }

    /// A mapping of any keys to strings.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> BTreeMap<String, String> {
        let Some(section) = self.section(key, mistakes) else {
            return BTreeMap::new();
        };
        let mut table = BTreeMap::new();
        for (key, node) in section.members {
            match node.kind {
                _ if node.is_null() => drop(table.insert(key.text, String::new())),
                Kind::Plain(text) | Kind::Text(text) => drop(table.insert(key.text, text)),
                _ => mistakes.expected(&node, &join(&section.path, &key.text), "a text"),
            }
        }
        table
    }

    /// All values that were not read, with their keys.
    pub(super) fn all(self) -> impl Iterator<Item = (String, Node)> {
        self.members.into_iter().map(|(key, node)| (key.text, node))
    }

    /// Reports all keys that were not read as unknown.
    pub(super) fn finish(self, mistakes: &mut Mistakes) {
        for (key, _) in &self.members {
            let path = join(&self.path, &key.text);
            let hint = match closest(&key.text, &self.known) {
                Some(known) => format!("unknown key, did you mean `{known}`?"),
                None => format!("unknown key; known here: {}", self.known.join(", ")),
            };
            mistakes.add(key.line, &path, hint);
        }
    }
}

fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let bare = |word: &str| -> String {
        let letters = word.chars().filter(|c| !matches!(c, '_' | '-'));
        letters.flat_map(char::to_lowercase).collect()
    };
    let word = bare(word);
    let scored = known
        .iter()
        .map(|known| (strsim::jaro_winkler(&word, &bare(known)), *known));
    scored
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}
