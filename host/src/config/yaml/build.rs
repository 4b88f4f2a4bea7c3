//! Builds the tree from the parser's events.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{Event, ScalarStyle, Span};

use super::{Document, MAX_COPIES, MAX_DEPTH, Member, Node, Style, Value, tag};
use crate::config::{Mistake, Place};

/// The state between two events.
#[derive(Default)]
pub(super) struct Builder {
    /// Lists and mappings that are still open, outermost first.
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    copies: usize,
    documents: usize,
    warnings: Vec<Mistake>,
}

/// A list or mapping whose end has not been seen.
struct Open {
    place: Place,
    anchor: usize,
    size: usize,
    height: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map(Box<Mapping>),
}

#[derive(Default)]
struct Mapping {
    own: Members,
    /// What `<<` brought; the mapping's own keys win.
    merged: Members,
    key: Option<Key>,
}

/// Members in the order of first appearance, as a Python dict keeps them.
#[derive(Default)]
struct Members {
    list: Vec<Member>,
    index: HashMap<String, usize>,
}

struct Key {
    text: String,
    place: Place,
    odd: bool,
    merge: bool,
}

struct Anchored {
    node: Node,
    written: String,
    size: usize,
    height: usize,
}

/// A finished node and what it costs to copy or to walk it.
struct Done<'a> {
    node: Node,
    /// The text of a scalar, as written.
    written: Cow<'a, str>,
    size: usize,
    height: usize,
    /// Whether it is a plain `<<`.
    merge: bool,
    anchor: usize,
}

// === impl Builder ===

impl Builder {
    pub(super) fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Mistake> {
        let place = place(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Mistake::new(
                        place,
                        "",
                        "a second document begins here; a configuration is one document, \
                         remove the `---` or split the file",
                    ));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = tag::scalar(&text, style, tag.as_deref(), place)?;
                let merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
                self.put(Done {
                    node,
                    written: text,
                    size: 1,
                    height: 1,
                    merge,
                    anchor,
                })
            }
            Event::SequenceStart(_, anchor, tag) => {
                tag::expect(tag.as_deref(), "seq", place)?;
                self.enter(place, anchor, Kind::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                tag::expect(tag.as_deref(), "map", place)?;
                self.enter(place, anchor, Kind::Map(Box::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            Event::Alias(id) => self.alias(id, place),
            _ => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Document {
        let nothing = Node {
            value: Value::Null,
            place: Place::default(),
            style: Style::Plain,
        };
        Document {
            root: self.root.unwrap_or(nothing),
            warnings: self.warnings,
        }
    }

    fn enter(&mut self, place: Place, anchor: usize, kind: Kind) -> Result<(), Mistake> {
        self.check_depth(1, place)?;
        self.open.push(Open {
            place,
            anchor,
            size: 1,
            height: 1,
            kind,
        });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Mistake> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.kind {
            Kind::List(items) => Value::List(items),
            Kind::Map(mapping) => Value::Map(mapping.finish()),
        };
        let node = Node {
            value,
            place: open.place,
            style: Style::Plain,
        };
        self.put(Done {
            node,
            written: Cow::Borrowed(""),
            size: open.size,
            height: open.height,
            merge: false,
            anchor: open.anchor,
        })
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<(), Mistake> {
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(Mistake::new(
                place,
                "",
                "this alias refers to what it is part of",
            ));
        };
        let Anchored {
            ref node,
            ref written,
            size,
            height,
        } = *anchored;
        charge(&mut self.copies, size, place)?;
        let (node, written) = (node.clone(), Cow::Owned(written.clone()));
        self.check_depth(height, place)?;
        self.put(Done {
            node,
            written,
            size,
            height,
            merge: false,
            anchor: 0,
        })
    }

    fn check_depth(&self, height: usize, place: Place) -> Result<(), Mistake> {
        if self.open.len() + height > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(Mistake::new(place, "", message));
        }
        Ok(())
    }

    /// Gives a finished node to the list or mapping it is in.
    fn put(&mut self, done: Done<'_>) -> Result<(), Mistake> {
        if done.anchor != 0 {
            let Done {
                ref node,
                ref written,
                size,
                height,
                ..
            } = done;
            charge(&mut self.copies, size, node.place)?;
            let (node, written) = (node.clone(), written.to_string());
            let anchored = Anchored {
                node,
                written,
                size,
                height,
            };
            self.anchors.insert(done.anchor, anchored);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(done.node);
            return Ok(());
        };
        open.size += done.size;
        open.height = open.height.max(done.height + 1);
        match &mut open.kind {
            Kind::List(items) => items.push(done.node),
            Kind::Map(mapping) => match mapping.key.take() {
                None => mapping.key = Some(key(done)?),
                Some(key) if key.merge => mapping.merge(done.node)?,
                Some(key) => {
                    let (place, text) = (key.place, key.text.clone());
                    let member = Member {
                        key: key.text,
                        place: key.place,
                        odd: key.odd,
                        value: done.node,
                    };
                    if let Some(before) = mapping.own.set(member) {
                        let message = format!(
                            "`{text}` is written twice; this one wins over line {}",
                            before.line
                        );
                        self.warnings.push(Mistake::new(place, "", message));
                    }
                }
            },
        }
        Ok(())
    }
}

// === impl Mapping ===

impl Mapping {
    fn finish(self) -> Vec<Member> {
        let mut members = self.merged;
        if members.list.is_empty() {
            return self.own.list;
        }
        for member in self.own.list {
            members.set(member);
        }
        members.list
    }

    /// `<<: *base` or `<<: [*first, *second]`, where the first wins.
    fn merge(&mut self, node: Node) -> Result<(), Mistake> {
        let maps = match node.value {
            Value::Map(members) => vec![members],
            Value::List(items) => {
                let mut maps = Vec::with_capacity(items.len());
                for item in items {
                    let Value::Map(members) = item.value else {
                        return Err(cannot_merge(&item));
                    };
                    maps.push(members);
                }
                maps
            }
            _ => return Err(cannot_merge(&node)),
        };
        for member in maps.into_iter().rev().flatten() {
            self.merged.set(member);
        }
        Ok(())
    }
}

// === impl Members ===

impl Members {
    /// Sets a key, and answers where it was set before.
    fn set(&mut self, member: Member) -> Option<Place> {
        match self.index.get(&member.key) {
            Some(&index) => {
                let before = self.list[index].place;
                self.list[index] = member;
                Some(before)
            }
            None => {
                self.index.insert(member.key.clone(), self.list.len());
                self.list.push(member);
                None
            }
        }
    }
}

/// Counts what anchors and aliases copy.
fn charge(copies: &mut usize, size: usize, place: Place) -> Result<(), Mistake> {
    *copies = copies.saturating_add(size);
    if *copies > MAX_COPIES {
        let message = format!("aliases stand for more than {MAX_COPIES} values; write fewer");
        return Err(Mistake::new(place, "", message));
    }
    Ok(())
}

fn key(done: Done<'_>) -> Result<Key, Mistake> {
    let place = done.node.place;
    let (text, odd) = match done.node.value {
        Value::Text(text) => (text, false),
        // `0x10` and `16` are the same key.
        Value::Int(value) => (value.to_string(), true),
        Value::List(_) | Value::Map(_) => {
            let message = "a key must be a text, not a list or a mapping";
            return Err(Mistake::new(place, "", message));
        }
        Value::Null | Value::Bool(_) | Value::Float(_) => (done.written.into_owned(), true),
    };
    let merge = done.merge;
    Ok(Key {
        text,
        place,
        odd,
        merge,
    })
}

fn cannot_merge(node: &Node) -> Mistake {
    let message = format!("`<<` takes a mapping or a list of mappings, not {node}");
    Mistake::new(node.place, "", message)
}

fn place(span: &Span) -> Place {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (start, end) = (span.start, span.end);
    let width = match start.line() == end.line() {
        true => end.col().saturating_sub(start.col()),
        false => 1,
    };
    Place {
        line: number(start.line()),
        column: number(start.col() + 1),
        width: number(width),
    }
}
