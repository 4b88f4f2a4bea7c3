//! The way from the root of the file to a value: `export.power.config.port`.

use std::fmt;

use crate::config::{Node, Place, error::is_secret, yaml::Value};

/// One step and, through its parent, all before it. Lives on the stack of the walk.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Trail<'a> {
    parent: Option<&'a Trail<'a>>,
    step: Step<'a>,
    /// Where the key is written, or the item begins.
    pub(in crate::config) place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Path(&'a str),
    Key(&'a str),
    Item(usize),
}

// === impl Trail ===

impl<'a> Trail<'a> {
    pub(in crate::config) fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
            place: Place::default(),
        }
    }

    /// A value whose path is already known.
    pub(in crate::config) fn path(path: &'a str, place: Place) -> Self {
        Self {
            parent: None,
            step: Step::Path(path),
            place,
        }
    }

    pub(in crate::config) fn key(&'a self, key: &'a str, place: Place) -> Trail<'a> {
        Trail {
            parent: Some(self),
            step: Step::Key(key),
            place,
        }
    }

    pub(in crate::config) fn item(&'a self, index: usize, place: Place) -> Trail<'a> {
        Trail {
            parent: Some(self),
            step: Step::Item(index),
            place,
        }
    }

    /// What a value is, for a message; values of secret keys are not shown.
    pub(in crate::config) fn describe(&self, node: &Node) -> String {
        let secret = matches!(self.step, Step::Key(key) if is_secret(key));
        match &node.value {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) if secret => {
                "something else".to_owned()
            }
            _ => node.to_string(),
        }
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            if !matches!(
                (parent.step, self.step),
                (Step::Root, _) | (_, Step::Item(_))
            ) {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Path(path) => f.write_str(path),
            Step::Key(key) if key.is_empty() || key.contains(['.', ' ', '\n']) => {
                write!(f, "{key:?}")
            }
            Step::Key(key) => f.write_str(key),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}
