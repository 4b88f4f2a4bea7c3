//! The tree without its drivers: names, groups and references.
//!
//! A reference stands for another place of the tree. In the report it is replaced by the whole
//! subtree it refers to, once more in full, so a client sees a plain tree:
//!
//! ```text
//!   in the file                      in the report
//!   root                             root
//!   ├─ led -> board.led              ├─ led        (the led of board)
//!   └─ board                         └─ board
//!      └─ led                           └─ led
//! ```
//!
//! The same code checks a file that was only read and, later, the tree with the children that
//! drivers have brought along.

use std::collections::HashMap;

use super::{Entry, Place, suggest};

/// More entries than any report needs; a few references to references can ask for billions.
const MAX_VISITS: usize = 20_000;

/// The number of the root.
pub const ROOT: usize = 0;

/// A tree of names. Parents come before their children.
#[derive(Clone, Debug)]
pub struct Shape {
    spots: Vec<Spot>,
}

/// One place of the tree.
#[derive(Clone, Debug)]
pub struct Spot {
    /// Its name in its parent; empty for the root.
    pub name: String,
    /// Its parent; none for the root.
    pub parent: Option<usize>,
    /// What is below it, in order.
    pub children: Vec<usize>,
    /// What it is.
    pub kind: SpotKind,
    /// Where it is written.
    pub at: Place,
    by_name: HashMap<String, usize>,
}

/// What a place is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpotKind {
    /// A group: nothing but its children.
    Group,
    /// A driver, which may bring further children when it is opened.
    Driver,
    /// Another name for another place.
    Reference {
        /// Dotted path from the root.
        path: String,
        /// The place, once it is found.
        target: Option<usize>,
    },
}

/// A reference that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place with the reference.
    pub spot: usize,
    /// What is wrong with it.
    pub message: String,
}

/// One entry of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The driver or group itself.
    pub spot: usize,
    /// The place that gives the name: the same, or the reference that led here.
    pub named_by: usize,
    /// The driver or group above it in the report.
    pub parent: Option<usize>,
}

// === impl Shape ===

impl Shape {
    /// The tree of an `export` block.
    pub fn of(export: &[(String, Entry)]) -> Self {
        let mut shape = Self { spots: Vec::new() };
        shape
            .spots
            .push(Spot::new("", None, SpotKind::Group, Place::default()));
        shape.add_entries(ROOT, export);
        shape
    }

    fn add_entries(&mut self, parent: usize, entries: &[(String, Entry)]) {
        for (name, entry) in entries {
            let kind = match entry {
                Entry::Composite(_) => SpotKind::Group,
                Entry::Driver(driver) if driver.is_composite() => SpotKind::Group,
                Entry::Driver(_) => SpotKind::Driver,
                Entry::Proxy(proxy) => SpotKind::Reference {
                    path: proxy.reference.clone(),
                    target: None,
                },
            };
            let spot = self.add(parent, name, kind, entry.at());
            self.add_entries(spot, entry.children());
        }
    }

    /// Adds a child; one of the same name is replaced, at the same position.
    pub fn add(&mut self, parent: usize, name: &str, kind: SpotKind, at: Place) -> usize {
        let new = self.spots.len();
        self.spots.push(Spot::new(name, Some(parent), kind, at));
        let parent = &mut self.spots[parent];
        match parent.by_name.insert(name.to_owned(), new) {
            None => parent.children.push(new),
            Some(old) => parent
                .children
                .iter_mut()
                .filter(|c| **c == old)
                .for_each(|c| *c = new),
        }
        new
    }

    /// Every place, by number.
    pub fn spots(&self) -> &[Spot] {
        &self.spots
    }

    /// The child of this name, also of what a reference stands for.
    pub fn child(&self, spot: usize, name: &str) -> Option<usize> {
        self.spots[self.real(spot)?].by_name.get(name).copied()
    }

    /// What a reference stands for in the end; anything else stands for itself.
    pub fn real(&self, mut spot: usize) -> Option<usize> {
        // A chain cannot be longer than the tree has places, unless it goes round.
        for _ in 0..self.spots.len() {
            match self.spots[spot].kind {
                SpotKind::Reference { target, .. } => spot = target?,
                _ => return Some(spot),
            }
        }
        None
    }

    /// Dotted path from the root, for messages.
    pub fn path(&self, spot: usize) -> String {
        let mut names = Vec::new();
        let mut at = Some(spot);
        while let Some(spot) = at.map(|spot| &self.spots[spot]) {
            if spot.parent.is_some() {
                names.push(spot.name.as_str());
            }
            at = spot.parent;
        }
        names.reverse();
        names.join(".")
    }

    /// Finds what every reference stands for. Until drivers are open, `complete` is false: a path
    /// that leads to a child that a driver may still bring along is then left open.
    pub fn resolve(&mut self, complete: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        for spot in 0..self.spots.len() {
            let SpotKind::Reference { path, .. } = &self.spots[spot].kind else {
                continue;
            };
            match self.find(path, complete) {
                Ok(found) => {
                    if let SpotKind::Reference { target, .. } = &mut self.spots[spot].kind {
                        *target = found;
                    }
                }
                Err(hint) => {
                    let name = &self.spots[spot].name;
                    let message =
                        format!("Proxy driver {name} references nonexistent driver {path}{hint}");
                    faults.push(Fault { spot, message });
                }
            }
        }
        faults.extend(self.rounds());
        faults.sort_by_key(|fault| fault.spot);
        faults
    }

    /// The place at the end of a path, or what to say about the path.
    fn find(&self, path: &str, complete: bool) -> Result<Option<usize>, String> {
        if path.is_empty() {
            return Err("; the path is empty".to_owned());
        }
        let mut at = ROOT;
        let mut walked = 0;
        for step in path.split('.') {
            let spot = &self.spots[at];
            if let SpotKind::Reference { path: onward, .. } = &spot.kind {
                let rest = &path[walked..];
                let name = &spot.name;
                return Err(format!(
                    "; `{name}` is itself a reference, and a path cannot go through one: \
                     write `{onward}.{rest}`"
                ));
            }
            at = match spot.by_name.get(step) {
                Some(&child) => child,
                None if !complete && spot.kind == SpotKind::Driver => return Ok(None),
                None => {
                    let known = spot.by_name.keys().map(String::as_str);
                    let before = &path[..walked];
                    return Err(match suggest::closest(step, known) {
                        Some(meant) => format!(", did you mean `{before}{meant}`?"),
                        None if spot.children.is_empty() => {
                            format!("; there is nothing below `{}`", self.path(at))
                        }
                        None => format!("; there is no `{step}` in `{}`", self.label(at)),
                    });
                }
            };
            walked += step.len() + 1;
        }
        Ok(Some(at))
    }

    fn label(&self, spot: usize) -> String {
        match spot {
            ROOT => "export".to_owned(),
            _ => self.path(spot),
        }
    }

    /// References that lead back to themselves, on their own or through what they refer to: their
    /// subtree would contain itself.
    fn rounds(&self) -> Vec<Fault> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Not,
            Above,
            Done,
        }
        let mut seen = vec![Seen::Not; self.spots.len()];
        let mut faults = Vec::new();
        // What is being walked, and how many of its ways down have been taken.
        let mut stack: Vec<(usize, usize)> = vec![(ROOT, 0)];
        seen[ROOT] = Seen::Above;
        while let Some((at, taken)) = stack.last_mut() {
            let spot = &self.spots[*at];
            let next = match &spot.kind {
                SpotKind::Reference { target, .. } => target.filter(|_| *taken == 0),
                _ => spot.children.get(*taken).copied(),
            };
            *taken += 1;
            match next {
                None => {
                    seen[*at] = Seen::Done;
                    stack.pop();
                }
                Some(next) if seen[next] == Seen::Not => {
                    seen[next] = Seen::Above;
                    stack.push((next, 0));
                }
                Some(next) if seen[next] == Seen::Above => {
                    let from = stack.iter().position(|(at, _)| *at == next).unwrap_or(0);
                    let round: Vec<usize> = stack[from..].iter().map(|(at, _)| *at).collect();
                    faults.extend(self.round(&round));
                }
                Some(_) => {}
            }
        }
        faults
    }

    fn round(&self, round: &[usize]) -> Option<Fault> {
        let is_reference =
            |spot: &usize| matches!(self.spots[*spot].kind, SpotKind::Reference { .. });
        let first = round.iter().position(is_reference)?;
        let spot = round[first];
        let name = &self.spots[spot].name;
        let message = match round {
            [_] => format!("Proxy driver {name} references itself"),
            _ => {
                let mut way: Vec<String> = Vec::new();
                for step in round[first..].iter().chain(&round[..=first]) {
                    way.push(self.label(*step));
                }
                format!(
                    "Proxy driver {name} references what contains it: {}",
                    way.join(" -> ")
                )
            }
        };
        Some(Fault { spot, message })
    }

    /// The report's entries in their order, every reference replaced by what it stands for. Only
    /// after [`resolve`](Self::resolve) has found no fault. None if there are too many.
    pub fn visits(&self) -> Option<Vec<Visit>> {
        let mut visits = Vec::with_capacity(self.spots.len());
        let mut stack = vec![(ROOT, None)];
        while let Some((named_by, parent)) = stack.pop() {
            let Some(spot) = self.real(named_by) else {
                continue;
            };
            if visits.len() == MAX_VISITS {
                return None;
            }
            visits.push(Visit {
                spot,
                named_by,
                parent,
            });
            for child in self.spots[spot].children.iter().rev() {
                stack.push((*child, Some(spot)));
            }
        }
        Some(visits)
    }
}

// === impl Spot ===

impl Spot {
    fn new(name: &str, parent: Option<usize>, kind: SpotKind, at: Place) -> Self {
        Self {
            name: name.to_owned(),
            parent,
            children: Vec::new(),
            kind,
            at,
            by_name: HashMap::new(),
        }
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
