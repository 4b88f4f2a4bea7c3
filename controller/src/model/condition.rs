//! Conditions of a lease, in the order in which they first held: clients look at the last one.

use super::Time;

/// The type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// The lease waits for an exporter. Never false.
    Pending,
    /// The lease has its exporter; false once it has ended.
    Ready,
    /// The lease can never get an exporter. Never false.
    Unsatisfiable,
    /// The lease asks for nothing. Never false.
    Invalid,
}

/// A condition of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub kind: ConditionType,
    /// Whether it holds.
    pub holds: bool,
    /// One word in CamelCase, for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The generation of the lease when this was written.
    pub generation: i64,
    /// When `holds` last changed.
    pub since: Time,
}

/// The conditions of a lease, each type at most once.
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

    /// The type with this name.
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
    /// Replaces the condition of the same type, or adds it at the end. `since` is kept if `holds` is
    /// the same.
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

    /// The condition of this type.
    pub fn get(&self, kind: ConditionType) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.kind == kind)
    }

    /// All conditions, in the order in which their types were added.
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
