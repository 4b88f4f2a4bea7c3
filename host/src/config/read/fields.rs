//! A mapping whose keys are known, and the keys that are not.

use super::{Reader, Trail, did_you_mean};
use crate::config::{Member, Node, yaml::Value};

/// The members of a mapping that have not been asked for yet.
#[derive(Debug)]
pub(in crate::config) struct Fields<'n> {
    members: Vec<&'n Member>,
    known: Vec<&'static str>,
}

/// What to say about a key that nobody asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) enum Unknown {
    /// The reference refuses it.
    Refuse,
    /// The reference ignores it; the text says what to do about it.
    Ignore(&'static str),
}

// === impl Reader ===

impl Reader {
    /// The members of a mapping, or a mistake.
    pub(in crate::config) fn members<'n>(
        &mut self,
        trail: &Trail<'_>,
        node: &'n Node,
    ) -> &'n [Member] {
        match &node.value {
            Value::Map(members) => members,
            _ => {
                self.wrong(trail, node, "a mapping");
                &[]
            }
        }
    }

    /// The same, to be asked for key by key.
    pub(super) fn fields<'n>(&mut self, trail: &Trail<'_>, node: &'n Node) -> Fields<'n> {
        Fields {
            members: self.members(trail, node).iter().collect(),
            known: Vec::new(),
        }
    }

    /// Members whose keys are names. PyYAML reads a plain `on` or `5` as something else than text;
    /// here it is taken as written.
    pub(super) fn named<'n>(&mut self, trail: &Trail<'_>, node: &'n Node) -> &'n [Member] {
        let members = self.members(trail, node);
        for member in members.iter().filter(|member| member.odd) {
            let key = &member.key;
            let trail = trail.key(key, member.place);
            let message = format!(
                "taken as the text `{key}`, but the Python exporter does not read it as text; \
                 write \"{key}\" in quotes"
            );
            self.warn(member.place, &trail, message);
        }
        members
    }
}

// === impl Fields ===

impl<'n> Fields<'n> {
    /// The member with this key, which is taken out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'n Member> {
        self.known.push(name);
        self.take_quietly(name)
    }

    /// The same for a spelling that is accepted but not suggested.
    pub(super) fn take_quietly(&mut self, name: &str) -> Option<&'n Member> {
        let index = self.members.iter().position(|member| member.key == name)?;
        Some(self.members.remove(index))
    }

    /// Makes `name` a suggestion without taking it.
    pub(super) fn suggest(&mut self, name: &'static str) {
        self.known.push(name);
    }

    /// Says what is to be said about all that was not taken.
    pub(super) fn finish(self, reader: &mut Reader, trail: &Trail<'_>, unknown: Unknown) {
        for member in self.members {
            let trail = trail.key(&member.key, member.place);
            let meant = did_you_mean(&member.key, self.known.iter().copied());
            match unknown {
                Unknown::Refuse => {
                    let known = match meant.is_empty() {
                        true => format!("; only {} are allowed here", list(&self.known)),
                        false => meant,
                    };
                    reader.mistake(member.place, &trail, format!("unknown key{known}"));
                }
                Unknown::Ignore(advice) => {
                    let advice = match meant.is_empty() {
                        true => advice,
                        false => meant.as_str(),
                    };
                    reader.warn(
                        member.place,
                        &trail,
                        format!("unknown key, ignored{advice}"),
                    );
                }
            }
        }
    }
}

/// "`a`, `b` and `c`".
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
