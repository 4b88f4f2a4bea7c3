//! Label selectors: which exporter will do, which leases to list.
//!
//! The language is that of Kubernetes, commas mean *and*:
//!
//! ```text
//! board=imx8   board==imx8      the label is this
//! board!=imx8                   it is not, or there is none
//! board in (imx8, imx9)         it is one of these
//! board notin (imx8, imx9)      it is none of these, or there is none
//! board                         there is one, whatever it is
//! !board                        there is none
//! ```

mod parse;

use std::collections::BTreeSet;
use std::fmt::{self, Display};

/// Conditions on labels, all of which must hold. None at all match everything.
///
/// It displays in one canonical spelling: sorted, without needless spaces, with `!=` as `notin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selector {
    /// Sorted, each once, with at most one [`Test::NotIn`] per key.
    requirements: Vec<Requirement>,
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What must hold for it.
    pub test: Test,
}

/// What must hold for a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// It has this value.
    Equals(String),
    /// It has one of these values.
    In(BTreeSet<String>),
    /// It has none of these values, or is not there.
    NotIn(BTreeSet<String>),
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
}

/// Why text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Something stands where a label should.
    #[error(
        "`{0}` is no label: up to 63 letters, digits, `-`, `_` and `.`, the ends a letter or \
         digit, and before a `/` perhaps a DNS name"
    )]
    Key(String),
    /// Something stands where a value should.
    #[error(
        "`{value}` is no value for label `{key}`: up to 63 letters, digits, `-`, `_` and `.`, the \
         ends a letter or digit"
    )]
    Value {
        /// The label.
        key: String,
        /// What stands there.
        value: String,
    },
    /// Something else stands behind a label.
    #[error(
        "cannot read `{rest}` after `{key}`, expecting `=`, `!=`, `in (...)`, `notin (...)` or a \
         comma"
    )]
    Operator {
        /// The label.
        key: String,
        /// What stands there.
        rest: String,
    },
    /// A list of values has no end or no beginning.
    #[error("the values of `{0}` belong in parentheses, as in `{0} in (a, b)`")]
    Parentheses(String),
}

// === impl Selector ===

impl Selector {
    /// A selector of these requirements, in any order.
    pub fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let mut all: Vec<_> = requirements.into_iter().collect();
        all.sort();
        all.dedup();
        // `a!=b,a!=c` says the same as `a notin (b,c)`; sorted, the two are neighbours.
        all.dedup_by(|next, first| match (&mut first.test, &mut next.test) {
            (Test::NotIn(first_values), Test::NotIn(values)) if first.key == next.key => {
                first_values.append(values);
                true
            }
            _ => false,
        });
        Self { requirements: all }
    }

    /// The requirements, sorted.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object with these labels will do; `label` looks up a label's value.
    pub fn matches<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.test.holds(label(&requirement.key)))
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

// === impl Test ===

impl Test {
    /// Whether it holds for a label with this value, or for one that is not there.
    pub fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Test::Equals(wanted) => value == Some(wanted),
            Test::In(wanted) => value.is_some_and(|value| wanted.contains(value)),
            Test::NotIn(refused) => value.is_none_or(|value| !refused.contains(value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
        }
    }
}

// === impl Requirement ===

impl Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.test {
            Test::Equals(value) => write!(f, "{key}={value}"),
            Test::In(values) => write!(f, "{key} in ({})", Values(values)),
            Test::NotIn(values) => write!(f, "{key} notin ({})", Values(values)),
            Test::Exists => f.write_str(key),
            Test::Absent => write!(f, "!{key}"),
        }
    }
}

struct Values<'a>(&'a BTreeSet<String>);

impl Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, value) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
