//! Conditions of a lease, in the order in which they first held: clients look at the last one.

use super::Time;

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// It waits. Only ever true.
    Pending,
    /// It has its exporter; false once it has ended.
    Ready,
    /// It will never have one. Only ever true.
    Unsatisfiable,
    /// It asks for nothing. Only ever true.
    Invalid,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What it is about.
    pub kind: ConditionType,
    /// Whether it holds.
    pub holds: bool,
    /// A word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The generation of the lease when it was written.
    pub generation: i64,
    /// When `holds` last changed.
    pub since: Time,
}

/// Each type at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions(Vec<Condition>);

// === impl ConditionType ===

impl ConditionType {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Ready => "Ready",
            Self::Unsatisfiable => "Unsatisfiable",
            Self::Invalid => "Invalid",
        }
    }

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Ready,
            Self::Unsatisfiable,
            Self::Invalid,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

// === impl Conditions ===

impl Conditions {
    /// Takes the place of the one of its type, or comes last. The time is kept if it holds as before.
    pub fn set(&mut self, mut condition: Condition) {
        match self.0.iter_mut().find(|old| old.kind == condition.kind) {
            Some(old) => {
                if old.holds == condition.holds {
                    condition.since = old.since;
                }
                *old = condition;
            }
            None => self.0.push(condition),
        }
    }

    /// The one of this type.
    pub fn get(&self, kind: ConditionType) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.kind == kind)
    }

    /// All, oldest type first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Condition> {
        self.0.iter()
    }
}

impl FromIterator<Condition> for Conditions {
    fn from_iter<T: IntoIterator<Item = Condition>>(conditions: T) -> Self {
        let mut all = Self::default();
        conditions
            .into_iter()
            .for_each(|condition| all.set(condition));
        all
    }
}
