//! Access policies as they are written in files: the `spec` of an ExporterAccessPolicy.

use std::collections::BTreeSet;

use jumpstarter_proto::selector::{Requirement, Selector, Test};
use serde::{Deserialize, Serialize};

use crate::config::duration;
use crate::model::{Labels, Policy, Rule, validate};

/// Which clients may use which exporters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// The exporters it is about; an empty selector is all.
    #[serde(default)]
    pub exporter_selector: LabelSelector,
    /// Each rule grants by itself.
    #[serde(default)]
    pub policies: Vec<RuleSpec>,
}

/// Grants the exporters to some clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// Shown to clients to whom it grants nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Leases with a higher one are served first.
    #[serde(default)]
    pub priority: i64,
    /// The clients.
    #[serde(default)]
    pub from: Vec<FromSpec>,
    /// The longest lease it grants, as `2h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_duration: Option<String>,
    /// Whether it grants only until another client wants the exporter.
    #[serde(default)]
    pub spot_access: bool,
}

/// Selects some clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FromSpec {
    /// Selects them by their labels; an empty selector is all.
    #[serde(default)]
    pub client_selector: LabelSelector,
}

/// A label selector as in Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels and the values they must have.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub match_labels: Labels,
    /// All other conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
}

/// A condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expression {
    /// The key of the label.
    pub key: String,
    pub operator: Operator,
    /// The values for `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// It has one of the values.
    In,
    /// It has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

// === impl PolicySpec ===

impl PolicySpec {
    /// Turns it into what the lab keeps.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn read(&self) -> Result<(Selector, Vec<Rule>), String> {
        let exporters = self.exporter_selector.read("exporterSelector")?;
        let rules = self.policies.iter().enumerate();
        let rules = rules.map(|(at, rule)| rule.read(&format!("policies[{at}]")));
        Ok((exporters, rules.collect::<Result<_, _>>()?))
    }

    /// The opposite of [`Self::read`].
    pub fn of(policy: &Policy) -> Self {
        let rule = |rule: &Rule| RuleSpec {
            description: rule.description.clone(),
            priority: rule.priority,
            from: rule
                .from
                .iter()
                .map(|selector| FromSpec {
                    client_selector: LabelSelector::of(selector),
                })
                .collect(),
            maximum_duration: rule
                .maximum
                .map(|maximum| crate::model::Length::from(maximum).to_string()),
            spot_access: rule.spot,
        };
        Self {
            exporter_selector: LabelSelector::of(&policy.exporters),
            policies: policy.rules.iter().map(rule).collect(),
        }
    }
}

// === impl RuleSpec ===

impl RuleSpec {
    fn read(&self, path: &str) -> Result<Rule, String> {
        let from = self.from.iter().enumerate().map(|(at, from)| {
            let path = format!("{path}.from[{at}].clientSelector");
            from.client_selector.read(&path)
        });
        let maximum = self.maximum_duration.as_deref().map(|text| {
            duration::parse(text).ok_or_else(|| {
                format!("{path}.maximumDuration: `{text}` is no duration; write it as `2h30m`")
            })
        });
        Ok(Rule {
            description: self.description.clone(),
            priority: self.priority,
            from: from.collect::<Result<_, _>>()?,
            maximum: maximum.transpose()?,
            spot: self.spot_access,
        })
    }
}

// === impl LabelSelector ===

impl LabelSelector {
    /// Turns it into a selector; `path` is where it is, for errors.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn read(&self, path: &str) -> Result<Selector, String> {
        let equal = self.match_labels.iter().map(|(key, value)| {
            let test = Test::Equals(value.clone());
            Ok((key, test))
        });
        let others = self.match_expressions.iter().map(|expression| {
            let test = expression.test().map_err(|why| format!("{path}: {why}"))?;
            Ok((&expression.key, test))
        });
        let requirements = equal.chain(others).map(|found: Result<_, String>| {
            let (key, test) = found?;
            let values: Vec<&String> = match &test {
                Test::Equals(value) => vec![value],
                Test::In(values) | Test::NotIn(values) => values.iter().collect(),
                Test::Exists | Test::Absent => Vec::new(),
            };
            let empty = String::new();
            for value in values.into_iter().chain([&empty]) {
                let label = Labels::from([(key.clone(), value.clone())]);
                validate::labels(&label).map_err(|why| format!("{path}: {why}"))?;
            }
            let key = key.clone();
            Ok(Requirement { key, test })
        });
        Ok(Selector::new(
            requirements.collect::<Result<Vec<_>, String>>()?,
        ))
    }

    /// The opposite of [`Self::read`].
    pub fn of(selector: &Selector) -> Self {
        let mut found = Self::default();
        for Requirement { key, test } in selector.requirements() {
            let (operator, values) = match test {
                Test::Equals(value) if !found.match_labels.contains_key(key) => {
                    found.match_labels.insert(key.clone(), value.clone());
                    continue;
                }
                Test::Equals(value) => (Operator::In, vec![value.clone()]),
                Test::In(values) => (Operator::In, values.iter().cloned().collect()),
                Test::NotIn(values) => (Operator::NotIn, values.iter().cloned().collect()),
                Test::Exists => (Operator::Exists, Vec::new()),
                Test::Absent => (Operator::DoesNotExist, Vec::new()),
            };
            let key = key.clone();
            found.match_expressions.push(Expression {
                key,
                operator,
                values,
            });
        }
        found
    }
}

// === impl Expression ===

impl Expression {
    fn test(&self) -> Result<Test, String> {
        let values: BTreeSet<String> = self.values.iter().cloned().collect();
        let key = &self.key;
        match (self.operator, values.is_empty()) {
            (Operator::In, false) => Ok(Test::In(values)),
            (Operator::NotIn, false) => Ok(Test::NotIn(values)),
            (Operator::Exists, true) => Ok(Test::Exists),
            (Operator::DoesNotExist, true) => Ok(Test::Absent),
            (_, true) => Err(format!("`{key}` needs values")),
            (_, false) => Err(format!("`{key}` takes no values")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const POLICY: &str = "
exporterSelector:
  matchLabels: {board: rpi}
  matchExpressions:
  - {key: broken, operator: DoesNotExist}
  - {key: rack, operator: In, values: [a, b]}
policies:
- description: the team
  priority: 10
  from:
  - clientSelector: {matchLabels: {team: x}}
  - clientSelector: {}
  maximumDuration: 2h30m0s
  spotAccess: false
";

    #[test]
    fn files_of_the_reference_are_read_and_written() {
        let spec: PolicySpec = serde_yaml::from_str(POLICY).unwrap();
        let (exporters, rules) = spec.read().unwrap();
        assert_eq!(exporters.to_string(), "board=rpi,!broken,rack in (a,b)");
        assert_eq!(rules[0].from[0].to_string(), "team=x");
        assert_eq!(rules[0].maximum.unwrap().as_secs(), 9000);
        let policy = Policy {
            uid: crate::model::Uid::random(),
            key: crate::model::Key::new("lab", "p"),
            exporters,
            rules,
            generation: 1,
            created: crate::model::Time(0),
        };
        assert_eq!(PolicySpec::of(&policy), spec);
    }

    #[test]
    fn mistakes_are_located() {
        for (text, words) in [
            (
                "exporterSelector: {matchLabels: {'a b': c}}",
                "exporterSelector: ",
            ),
            (
                "policies: [{maximumDuration: 1d}]",
                "policies[0].maximumDuration",
            ),
            (
                "policies: [{from: [{clientSelector: {matchExpressions: [{key: a, operator: In}]}}]}]",
                "policies[0].from[0].clientSelector: `a` needs values",
            ),
        ] {
            let spec: PolicySpec = serde_yaml::from_str(text).unwrap();
            let told = spec.read().unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
