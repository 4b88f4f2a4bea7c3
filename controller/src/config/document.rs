//! YAML with line numbers, which serde does not keep.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle};
use serde_json::Value;

use super::Mistake;

/// The deepest nesting that is accepted.
const DEEPEST: usize = 64;
/// How many values aliases may copy in all; a few lines of aliases could ask for billions.
const MOST_COPIES: usize = 10_000;

/// A value with its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A scalar without quotes, which may be a number.
    Plain(String),
    /// A scalar in quotes, or a block.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) line: usize,
    pub(super) text: String,
}

/// A list or mapping while it is read.
struct Open {
    anchor: usize,
    node: Node,
    key: Option<Key>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    copies: usize,
}

/// Parses a text with one document, which begins at line `first`. An empty text is an empty mapping.
pub(super) fn parse(text: &str, first: usize) -> Result<Node, Mistake> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let line = first + error.marker().line() - 1;
            wrong(line, format!("this is not YAML: {}", error.info()))
        })?;
        builder.take(event, first + span.start.line() - 1)?;
    }
    let nothing = Node {
        line: first,
        kind: Kind::Map(Vec::new()),
    };
    Ok(builder.root.unwrap_or(nothing))
}

fn wrong(line: usize, message: impl Into<String>) -> Mistake {
    Mistake {
        line: Some(line),
        path: String::new(),
        message: message.into(),
    }
}

// === impl Builder ===

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Mistake> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(wrong(
                line,
                "a second document begins here; a configuration is one document",
            )),
            Event::Scalar(text, style, anchor, _) => {
                let kind = match style {
                    ScalarStyle::Plain => Kind::Plain(text.into_owned()),
                    _ => Kind::Text(text.into_owned()),
                };
                self.put(Node { line, kind }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.enter(line, anchor, Kind::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.enter(line, anchor, Kind::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.put(open.node, open.anchor),
                None => Ok(()),
            },
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some(node) => {
                    self.copies += node.size();
                    if self.copies > MOST_COPIES {
                        return Err(wrong(line, "aliases stand for too many values"));
                    }
                    self.put(node, 0)
                }
                None => Err(wrong(line, "this alias refers to what it is part of")),
            },
            _ => Ok(()),
        }
    }

    fn enter(&mut self, line: usize, anchor: usize, kind: Kind) -> Result<(), Mistake> {
        if self.open.len() >= DEEPEST {
            return Err(wrong(line, "nested too deeply"));
        }
        let node = Node { line, kind };
        self.open.push(Open {
            anchor,
            node,
            key: None,
        });
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(members) => match open.key.take() {
                Some(key) => {
                    if let Some((first, _)) = members.iter().find(|(old, _)| old.text == key.text) {
                        let first = first.line;
                        let text = format!("`{}` is written twice; see line {first}", key.text);
                        return Err(wrong(key.line, text));
                    }
                    members.push((key, node));
                }
                None => {
                    let line = node.line;
                    let (Kind::Plain(text) | Kind::Text(text)) = node.kind else {
                        return Err(wrong(line, "a key must be a text"));
                    };
                    open.key = Some(Key { line, text });
                }
            },
            Kind::Plain(_) | Kind::Text(_) => {}
        }
        Ok(())
    }
}

// === impl Node ===

impl Node {
    fn size(&self) -> usize {
        match &self.kind {
            Kind::Plain(_) | Kind::Text(_) => 1,
            Kind::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Map(members) => 1 + members.iter().map(|(_, node)| node.size()).sum::<usize>(),
        }
    }

    /// Whether it is null or empty.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Plain(text) if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// Names its type, for error messages.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            _ if self.is_null() => "nothing".to_owned(),
            Kind::Plain(text) | Kind::Text(text) => format!("`{text}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }

    /// As JSON, for types that serde reads. Plain scalars become numbers and booleans if they can.
    pub(super) fn json(&self) -> Value {
        match &self.kind {
            _ if self.is_null() => Value::Null,
            Kind::Plain(text) => match text.as_str() {
                "true" | "True" => true.into(),
                "false" | "False" => false.into(),
                text => match text.parse::<i64>() {
                    Ok(number) => number.into(),
                    Err(_) => text.into(),
                },
            },
            Kind::Text(text) => text.as_str().into(),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(members) => {
                let members = members
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.json()));
                Value::Object(members.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_are_known() {
        let node = parse("a: 1\nb:\n  - x\n  - {c: 'true'}\n", 10).unwrap();
        let Kind::Map(members) = &node.kind else {
            panic!("{node:?}")
        };
        assert_eq!((members[0].0.line, members[1].0.line), (10, 11));
        let Kind::List(items) = &members[1].1.kind else {
            panic!("{node:?}")
        };
        assert_eq!((items[0].line, items[1].line), (12, 13));
        assert_eq!(
            node.json(),
            serde_json::json!({"a": 1, "b": ["x", {"c": "true"}]})
        );
    }

    #[test]
    fn what_is_not_one_document_is_told_with_its_line() {
        for (text, line) in [
            ("a: [", 2),
            ("a: 1\n---\nb: 1\n", 2),
            ("a: 1\nb: 2\na: 3\n", 3),
            ("{[a]: 1}", 1),
        ] {
            let mistake = parse(text, 1).unwrap_err();
            assert!(
                mistake.line.is_some_and(|found| found.abs_diff(line) <= 1),
                "{text}: {mistake:?}"
            );
        }
        let deep = "[".repeat(1000);
        assert!(parse(&deep, 1).is_err());
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n";
        assert!(parse(bomb, 1).is_err());
    }
}
