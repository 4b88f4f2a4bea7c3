//! Which labels are hidden, and which are deprecated.

use std::collections::{BTreeMap, BTreeSet};

use jumpstarter_proto::selector::Selector;

use crate::model::Labels;

/// What the configuration says about labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelRules {
    /// Hidden unless a client asks for them. Selectors may use them.
    pub hidden: BTreeSet<String>,
    /// Hidden as well; whoever uses them in a selector is told why not to.
    pub deprecated: BTreeMap<String, String>,
}

/// The labels of an object, as a client sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The labels that are shown.
    pub labels: Labels,
    /// The deprecated labels of the object, with what to say about each.
    pub deprecated: Labels,
}

// === impl LabelRules ===

impl LabelRules {
    /// Drops hidden and deprecated labels, unless `everything` is wanted, and names the deprecated ones.
    pub fn show(&self, mut labels: Labels, everything: bool) -> Shown {
        let told = |key: &String| {
            self.deprecated
                .get(key)
                .map(|text| (key.clone(), text.clone()))
        };
        let deprecated = labels.keys().filter_map(told).collect();
        if !everything {
            labels
                .retain(|key, _| !self.hidden.contains(key) && !self.deprecated.contains_key(key));
        }
        Shown { labels, deprecated }
    }

    /// The deprecated labels that a selector uses.
    pub fn used(&self, selector: &Selector) -> Labels {
        let keys = selector
            .requirements()
            .iter()
            .map(|requirement| &requirement.key);
        keys.filter_map(|key| self.deprecated.get_key_value(key))
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::samples::labels;

    #[test]
    fn hidden_and_deprecated_labels_are_shown_on_request() {
        let rules = LabelRules {
            hidden: ["secret".to_owned()].into(),
            deprecated: [("old".to_owned(), "use new".to_owned())].into(),
        };
        let all = labels("board=x,old=1,secret=2");
        let shown = rules.show(all.clone(), false);
        assert_eq!(shown.labels, labels("board=x"));
        assert_eq!(shown.deprecated, labels("old=use new"));
        assert_eq!(rules.show(all.clone(), true).labels, all);
        assert_eq!(LabelRules::default().show(all.clone(), false).labels, all);
        let selector = "board=x,old,secret!=3".parse().unwrap();
        assert_eq!(rules.used(&selector), labels("old=use new"));
    }
}
