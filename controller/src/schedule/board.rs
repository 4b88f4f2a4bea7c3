//! The exporters of a namespace, numbered in the order of their names.
//!
//! It is rebuilt whenever something changes that matters to selectors and policies, which is seldom. It
//! does not know what changes with every lease: which exporters are connected, and which are free.

use std::collections::HashMap;
use std::sync::Arc;

use jumpstarter_proto::selector::{Requirement, Selector, Test};

use super::bits::Bits;
use super::{Refusal, Snapshot};
use crate::model::Exporter;

/// The exporters, with an index by label.
#[derive(Debug, Default)]
pub(super) struct Board {
    exporters: Vec<Arc<Exporter>>,
    /// Numbers by label key and value.
    by_label: HashMap<(String, String), Vec<usize>>,
}

// === impl Board ===

impl Board {
    pub(super) fn of(snapshot: &Snapshot<'_>, namespace: &str) -> Self {
        let all = snapshot.exporters.values();
        let mut exporters: Vec<Arc<Exporter>> = all
            .filter(|exporter| exporter.key.namespace == namespace)
            .cloned()
            .collect();
        exporters.sort_by(|one, other| one.key.name.cmp(&other.key.name));
        let mut by_label: HashMap<_, Vec<_>> = HashMap::new();
        for (number, exporter) in exporters.iter().enumerate() {
            for label in exporter.all_labels() {
                by_label.entry(label).or_default().push(number);
            }
        }
        Self {
            exporters,
            by_label,
        }
    }

    /// The exporter with this number.
    pub(super) fn at(&self, number: usize) -> &Exporter {
        &self.exporters[number]
    }

    pub(super) fn len(&self) -> usize {
        self.exporters.len()
    }

    /// The exporters on which a lease could begin now.
    pub(super) fn open(&self, snapshot: &Snapshot<'_>) -> Bits {
        let mut open = Bits::none(self.len());
        for (number, exporter) in self.exporters.iter().enumerate() {
            if snapshot.is_open(exporter.uid) {
                open.insert(number);
            }
        }
        open
    }

    /// The enabled exporters that match a selector.
    pub(super) fn select(&self, selector: &Selector) -> Result<Vec<usize>, Refusal> {
        if selector.is_empty() {
            return Err(Refusal::NoSelector);
        }
        let mut matching = self.matching(selector);
        let count = matching.len();
        matching.retain(|number| self.at(*number).enabled);
        if matching.is_empty() && count > 0 {
            return Err(Refusal::AllDisabled { count });
        }
        Ok(matching)
    }

    /// The exporter with this name, if it fits the rest of the request.
    pub(super) fn pin(
        &self,
        name: &str,
        selector: &Selector,
        allow_disabled: bool,
    ) -> Result<usize, Refusal> {
        let named = || name.to_owned();
        let by_name = |exporter: &Arc<Exporter>| exporter.key.name.as_str().cmp(name);
        let Ok(number) = self.exporters.binary_search_by(by_name) else {
            return Err(Refusal::NotFound { exporter: named() });
        };
        let exporter = self.at(number);
        if !selector.matches(|key| exporter.label(key)) {
            return Err(Refusal::Mismatch {
                exporter: named(),
                selector: selector.to_string(),
            });
        }
        if !exporter.enabled && !allow_disabled {
            return Err(Refusal::Disabled { exporter: named() });
        }
        Ok(number)
    }

    /// Looks only at the exporters with the rarest of the required labels.
    fn matching(&self, selector: &Selector) -> Vec<usize> {
        let with_label = |requirement: &Requirement| match &requirement.test {
            Test::Equals(value) => {
                let label = (requirement.key.clone(), value.clone());
                Some(self.by_label.get(&label).map_or(&[][..], Vec::as_slice))
            }
            _ => None,
        };
        let rarest = selector
            .requirements()
            .iter()
            .filter_map(with_label)
            .min_by_key(|numbers| numbers.len());
        let suits = |number: &usize| selector.matches(|key| self.at(*number).label(key));
        match rarest {
            Some(numbers) => numbers.iter().copied().filter(suits).collect(),
            None => (0..self.len()).filter(suits).collect(),
        }
    }
}
