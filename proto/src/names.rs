//! Names of things a controller keeps: `namespaces/lab/leases/42`.

use std::fmt::{self, Display};

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `namespaces/{namespace}/clients/{name}`.
    Client,
    /// `namespaces/{namespace}/exporters/{name}`.
    Exporter,
    /// `namespaces/{namespace}/leases/{name}`.
    Lease,
}

/// A full name, which displays as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// What it names.
    pub kind: Kind,
    /// Where.
    pub namespace: String,
    /// The short name, which people use.
    pub name: String,
}

/// Why text is not the name it should be. Programs know these sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Too few or too many parts between the slashes.
    #[error("incorrect number of segments in identifier, expecting 4, got {0}")]
    Segments(usize),
    /// It does not begin with `namespaces`.
    #[error("incorrect first segment in identifier, expecting namespaces, got {0}")]
    First(String),
    /// It names something else.
    #[error("incorrect third segment in identifier, expecting {expected}, got {got}")]
    Third {
        /// The kind that was asked for.
        expected: Kind,
        /// What it says instead.
        got: String,
    },
}

// === impl Kind ===

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Client => "clients",
            Kind::Exporter => "exporters",
            Kind::Lease => "leases",
        })
    }
}

// === impl Name ===

impl Name {
    /// The name of a `kind` called `name` in `namespace`.
    pub fn new(kind: Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Reads the full name of a `kind`.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, NameError> {
        let segments: Vec<_> = text.split('/').collect();
        let [first, namespace, third, name] = segments[..] else {
            return Err(NameError::Segments(segments.len()));
        };
        if first != "namespaces" {
            return Err(NameError::First(first.to_owned()));
        }
        if third != kind.to_string() {
            return Err(NameError::Third {
                expected: kind,
                got: third.to_owned(),
            });
        }
        Ok(Self::new(kind, namespace, name))
    }

    /// The name of the namespace it is in, which requests call its parent.
    pub fn parent(&self) -> String {
        parent(&self.namespace)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "namespaces/{}/{}/{}",
            self.namespace, self.kind, self.name
        )
    }
}

/// The full name of a namespace, which requests call the parent of what is in it.
pub fn parent(namespace: &str) -> String {
    format!("namespaces/{namespace}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mistakes_are_told_in_the_known_words() {
        for (text, expected) in [
            (
                "",
                "incorrect number of segments in identifier, expecting 4, got 1",
            ),
            (
                "a/b/c/d/e",
                "incorrect number of segments in identifier, expecting 4, got 5",
            ),
            (
                "places/lab/leases/42",
                "incorrect first segment in identifier, expecting namespaces, got places",
            ),
            (
                "namespaces/lab/exporters/42",
                "incorrect third segment in identifier, expecting leases, got exporters",
            ),
        ] {
            assert_eq!(
                Name::parse(Kind::Lease, text).unwrap_err().to_string(),
                expected
            );
        }
    }

    #[test]
    fn a_name_knows_its_parts() {
        let name = Name::parse(Kind::Exporter, "namespaces/lab/exporters/rack-1").unwrap();
        assert_eq!(name, Name::new(Kind::Exporter, "lab", "rack-1"));
        assert_eq!(name.parent(), "namespaces/lab");
    }

    proptest! {
        #[test]
        fn what_is_printed_can_be_read(
            kind in prop::sample::select(&[Kind::Client, Kind::Exporter, Kind::Lease][..]),
            namespace in "[^/]{0,20}",
            name in "[^/]{0,20}",
        ) {
            let name = Name::new(kind, namespace, name);
            prop_assert_eq!(Name::parse(kind, &name.to_string()), Ok(name));
        }

        #[test]
        fn what_is_read_prints_the_same(text in "(namespaces|x)/\\PC{0,9}/(leases|clients)/\\PC{0,9}") {
            if let Ok(name) = Name::parse(Kind::Lease, &text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
