//! The tree of drivers behind an exporter, as its report describes it.
//!
//! A report is a list in which parents stand before their children. A driver that is reachable under
//! two names is listed twice, with the same uuid, and its children follow it each time:
//!
//! ```text
//!   a            a
//!   ├ grp        ├── grp ── inner
//!   │ └ inner    └── alias ── inner      (alias: the uuid of grp again)
//!   └ alias
//!     └ inner
//! ```
//!
//! So a child belongs to the latest parent before it that has the uuid it names.

use std::collections::{HashMap, hash_map::Entry};

use jumpstarter_proto::descriptor::{DescriptorError, Interface};
use jumpstarter_proto::v1::DriverInstanceReport;
use thiserror::Error;

/// Label with a driver's name among its siblings.
const NAME: &str = "jumpstarter.dev/name";
/// Label with the class of a driver's client.
const CLIENT: &str = "jumpstarter.dev/client";

/// The drivers of an exporter.
#[derive(Debug, Clone)]
pub struct Tree {
    nodes: Vec<Node>,
    root: usize,
}

/// One driver, at one place of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    report: DriverInstanceReport,
    children: Vec<usize>,
}

/// Why a report is no tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// It lists nothing.
    #[error("the exporter's report lists no driver")]
    Empty,
    /// A driver is listed before its parent, or the parent is missing.
    #[error(
        "the exporter's report names `{parent}` as the parent of `{name}`, but does not list it before"
    )]
    NoParent {
        /// The driver.
        name: String,
        /// The uuid of the parent.
        parent: String,
    },
}

// === impl Tree ===

impl Tree {
    /// Sorts a report into a tree.
    ///
    /// ```
    /// use jumpstarter_client::report::Tree;
    /// use jumpstarter_proto::v1::DriverInstanceReport;
    ///
    /// let driver = |uuid: &str, parent: Option<&str>, name: &str| DriverInstanceReport {
    ///     uuid: uuid.into(),
    ///     parent_uuid: parent.map(Into::into),
    ///     labels: [("jumpstarter.dev/name".into(), name.into())].into(),
    ///     ..Default::default()
    /// };
    /// let tree = Tree::new(vec![driver("1", None, ""), driver("2", Some("1"), "power")])?;
    /// assert_eq!(tree.child(tree.root(), "power").map(|n| tree.node(n).uuid()), Some("2"));
    /// # Ok::<(), jumpstarter_client::report::TreeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is empty, or a parent is missing.
    pub fn new(reports: Vec<DriverInstanceReport>) -> Result<Self, TreeError> {
        let mut latest: HashMap<String, usize> = HashMap::with_capacity(reports.len());
        let mut nodes: Vec<Node> = Vec::with_capacity(reports.len());
        let mut named: HashMap<(usize, String), usize> = HashMap::new();
        let mut root = None;
        for report in reports {
            let index = nodes.len();
            let node = Node {
                report,
                children: Vec::new(),
            };
            match node.report.parent_uuid.as_deref() {
                None | Some("") => root = Some(index),
                Some(uuid) => {
                    let Some(&parent) = latest.get(uuid) else {
                        return Err(TreeError::NoParent {
                            name: node.name().to_owned(),
                            parent: uuid.to_owned(),
                        });
                    };
                    let children = &mut nodes[parent].children;
                    match named.entry((parent, node.name().to_owned())) {
                        // A name that comes again takes the place of the earlier one.
                        Entry::Occupied(place) => children[*place.get()] = index,
                        Entry::Vacant(place) => {
                            place.insert(children.len());
                            children.push(index);
                        }
                    }
                }
            }
            latest.insert(node.report.uuid.clone(), index);
            nodes.push(node);
        }
        let root = root.ok_or(TreeError::Empty)?;
        Ok(Self { nodes, root })
    }

    /// Index of the root, for [`node`](Self::node).
    pub fn root(&self) -> usize {
        self.root
    }

    /// The node with this index.
    ///
    /// # Panics
    ///
    /// When the index is of another tree.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// The child of `index` called `name`.
    pub fn child(&self, index: usize, name: &str) -> Option<usize> {
        let children = self.node(index).children.iter();
        children
            .copied()
            .find(|child| self.node(*child).name() == name)
    }
}

// === impl Node ===

impl Node {
    /// Identifies the driver in calls; several nodes may share it.
    pub fn uuid(&self) -> &str {
        &self.report.uuid
    }

    /// Its name among its siblings; `unknown` if the report has none.
    pub fn name(&self) -> &str {
        self.report
            .labels
            .get(NAME)
            .map_or("unknown", String::as_str)
    }

    /// The class of its client: `jumpstarter_driver_power.client.PowerClient`.
    pub fn class(&self) -> &str {
        self.report.labels.get(CLIENT).map_or("", String::as_str)
    }

    /// All its labels.
    pub fn labels(&self) -> &HashMap<String, String> {
        &self.report.labels
    }

    /// What the exporter's configuration says about it.
    pub fn description(&self) -> Option<&str> {
        self.report
            .description
            .as_deref()
            .filter(|text| !text.is_empty())
    }

    /// What the exporter's configuration says about its commands, by command name.
    pub fn methods_description(&self) -> &HashMap<String, String> {
        &self.report.methods_description
    }

    /// Its children, in the order of the report.
    pub fn children(&self) -> &[usize] {
        &self.children
    }

    /// Its methods with their parameters and results, if the exporter tells them.
    pub fn interface(&self) -> Option<Result<Interface, DescriptorError>> {
        let descriptor = self.report.file_descriptor_proto.as_deref()?;
        Some(Interface::decode(descriptor))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn driver(uuid: &str, parent: &str, name: &str) -> DriverInstanceReport {
        DriverInstanceReport {
            uuid: uuid.to_owned(),
            parent_uuid: (!parent.is_empty()).then(|| parent.to_owned()),
            labels: [
                (NAME.to_owned(), name.to_owned()),
                (CLIENT.to_owned(), format!("class.of.{uuid}")),
            ]
            .into(),
            ..Default::default()
        }
    }

    /// `name(child child)`, in order.
    fn draw(tree: &Tree, index: usize) -> String {
        let node = tree.node(index);
        let children: Vec<_> = node.children().iter().map(|c| draw(tree, *c)).collect();
        if children.is_empty() {
            node.name().to_owned()
        } else {
            format!("{}({})", node.name(), children.join(" "))
        }
    }

    #[test]
    fn a_driver_listed_twice_keeps_its_children_in_both_places() {
        let tree = Tree::new(vec![
            driver("root", "", "root"),
            driver("x", "root", "x"),
            driver("power", "root", "power"),
            driver("grp", "root", "grp"),
            driver("inner", "grp", "inner"),
            driver("inner", "root", "ref1"),
            driver("grp", "root", "ref2"),
            driver("inner", "grp", "inner"),
        ])
        .unwrap();
        assert_eq!(
            draw(&tree, tree.root()),
            "root(x power grp(inner) ref1 ref2(inner))"
        );
        let grp = tree.child(tree.root(), "grp").unwrap();
        let alias = tree.child(tree.root(), "ref2").unwrap();
        assert_eq!(tree.node(grp).uuid(), tree.node(alias).uuid());
        assert_ne!(tree.node(grp).children(), tree.node(alias).children());
    }

    #[test]
    fn a_later_child_of_the_same_name_replaces_the_earlier_one() {
        let tree = Tree::new(vec![
            driver("root", "", "root"),
            driver("1", "root", "power"),
            driver("2", "root", "serial"),
            driver("3", "root", "power"),
        ])
        .unwrap();
        assert_eq!(draw(&tree, tree.root()), "root(power serial)");
        let power = tree.child(tree.root(), "power").unwrap();
        assert_eq!(tree.node(power).uuid(), "3");
    }

    #[test]
    fn a_single_driver_is_the_root() {
        let tree = Tree::new(vec![DriverInstanceReport {
            uuid: "1".to_owned(),
            parent_uuid: Some(String::new()),
            description: Some(String::new()),
            ..Default::default()
        }])
        .unwrap();
        let root = tree.node(tree.root());
        assert_eq!((root.name(), root.class()), ("unknown", ""));
        assert_eq!(root.description(), None);
        assert!(root.children().is_empty());
    }

    #[test]
    fn broken_reports_are_refused() {
        assert_eq!(Tree::new(Vec::new()).unwrap_err(), TreeError::Empty);
        let orphan = Tree::new(vec![driver("root", "", "root"), driver("a", "b", "a")]);
        assert_eq!(
            orphan.unwrap_err().to_string(),
            "the exporter's report names `b` as the parent of `a`, but does not list it before"
        );
    }

    proptest! {
        /// However parents are chosen, every driver is reachable exactly once.
        #[test]
        fn nothing_is_lost(parents in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
            let mut reports = vec![driver("0", "", "n0")];
            for (i, parent) in parents.iter().enumerate() {
                let parent = parent.index(i + 1).to_string();
                reports.push(driver(&(i + 1).to_string(), &parent, &format!("n{}", i + 1)));
            }
            let count = reports.len();
            let tree = Tree::new(reports).unwrap();
            let mut seen = vec![false; count];
            let mut open = vec![tree.root()];
            while let Some(index) = open.pop() {
                prop_assert!(!std::mem::replace(&mut seen[index], true));
                open.extend(tree.node(index).children());
            }
            prop_assert!(seen.into_iter().all(|seen| seen));
        }
    }
}
