//! Selectors in requests: as text, or as the message of older clients.

use jumpstarter_proto::selector::{Requirement, Selector, Test};
use jumpstarter_proto::v1::{LabelSelector, LabelSelectorRequirement};
use tonic::Status;

use super::errors;
use crate::model::{Labels, TAG_PREFIX, validate};

/// The longest selector, in bytes; lists show those of many leases.
const LONGEST: usize = 4096;

/// Reads the filter of a list. Its length is bounded, because all objects are compared with it.
pub(super) fn filter(text: &str) -> Result<Selector, Status> {
    if text.len() > LONGEST {
        return Err(too_long());
    }
    text.parse().map_err(|error| errors::selector(&error))
}

/// Reads a filter for tags, as one for the labels of leases.
pub(super) fn tags(text: &str) -> Result<Selector, Status> {
    if text.len() > LONGEST {
        return Err(Status::invalid_argument(format!(
            "invalid tag_filter: it is longer than {LONGEST} characters"
        )));
    }
    let tags: Selector = text
        .parse()
        .map_err(|error| Status::invalid_argument(format!("invalid tag_filter: {error}")))?;
    let requirements = tags.requirements().iter().map(|requirement| {
        let key = &requirement.key;
        if key.contains('/') {
            return Err(Status::invalid_argument(format!(
                "invalid tag_filter requirement: tags have no prefix, write `{}` for `{key}`",
                key.rsplit('/').next().unwrap_or_default()
            )));
        }
        Ok(Requirement {
            key: format!("{TAG_PREFIX}{key}"),
            test: requirement.test.clone(),
        })
    });
    Ok(Selector::new(requirements.collect::<Result<Vec<_>, _>>()?))
}

/// Reads the selector of a new lease.
pub(super) fn wanted(text: &str) -> Result<Selector, Status> {
    let selector = filter(text)?;
    check(&selector)?;
    Ok(selector)
}

/// Reads the selector of a new lease in an older client's message.
pub(super) fn of_message(message: LabelSelector) -> Result<Selector, Status> {
    let labels = message.match_labels.into_iter().map(|(key, value)| {
        valid(&key, [&value])?;
        Ok(Requirement {
            key,
            test: Test::Equals(value),
        })
    });
    let expressions = message.match_expressions.into_iter().map(requirement);
    let all: Result<Vec<_>, Status> = labels.chain(expressions).collect();
    let selector = Selector::new(all?);
    if selector.to_string().len() > LONGEST {
        return Err(too_long());
    }
    check(&selector)?;
    Ok(selector)
}

/// The opposite of [`of_message`].
pub(super) fn to_message(selector: &Selector) -> LabelSelector {
    let mut message = LabelSelector::default();
    for Requirement { key, test } in selector.requirements() {
        let (operator, values) = match test {
            Test::Equals(value) => {
                message.match_labels.insert(key.clone(), value.clone());
                continue;
            }
            Test::In(values) => ("In", values.iter().cloned().collect()),
            Test::NotIn(values) => ("NotIn", values.iter().cloned().collect()),
            Test::Exists => ("Exists", Vec::new()),
            Test::Absent => ("DoesNotExist", Vec::new()),
        };
        message.match_expressions.push(LabelSelectorRequirement {
            key: key.clone(),
            operator: operator.to_owned(),
            values,
        });
    }
    message
}

fn too_long() -> Status {
    errors::invalid(format!(
        "invalid selector: it is longer than {LONGEST} characters"
    ))
}

/// Checks that no label has to have two values at once.
fn check(selector: &Selector) -> Result<(), Status> {
    for pair in selector.requirements().windows(2) {
        if let [one, other] = pair
            && one.key == other.key
            && let (Test::Equals(first), Test::Equals(second)) = (&one.test, &other.test)
        {
            let key = &one.key;
            return Err(errors::invalid(format!(
                "invalid selector: label {key} cannot have multiple equality requirements with \
                 different values ({first} and {second})"
            )));
        }
    }
    Ok(())
}

fn requirement(expression: LabelSelectorRequirement) -> Result<Requirement, Status> {
    let LabelSelectorRequirement {
        key,
        operator,
        values,
    } = expression;
    valid(&key, &values)?;
    let count = |what: &str| {
        Err(errors::invalid(format!(
            "invalid selector: `{operator}` for label `{key}` {what} values"
        )))
    };
    let test = match operator.as_str() {
        "In" | "NotIn" if values.is_empty() => return count("needs"),
        "Exists" | "DoesNotExist" if !values.is_empty() => return count("takes no"),
        "In" => Test::In(values.into_iter().collect()),
        "NotIn" => Test::NotIn(values.into_iter().collect()),
        "Exists" => Test::Exists,
        "DoesNotExist" => Test::Absent,
        other => {
            return Err(Status::invalid_argument(format!(
                "unsupported label selector operator: {other}"
            )));
        }
    };
    Ok(Requirement { key, test })
}

/// Checks that labels with these keys and values are possible.
fn valid<'a>(key: &str, values: impl IntoIterator<Item = &'a String>) -> Result<(), Status> {
    let valid = |value: &str| {
        let label = Labels::from([(key.to_owned(), value.to_owned())]);
        validate::labels(&label).map_err(|why| errors::invalid(format!("invalid selector: {why}")))
    };
    valid("")?;
    values.into_iter().try_for_each(|value| valid(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nothing_that_is_asked_for_is_longer_than_a_selector_may_be() {
        for (read, code, text) in [
            (
                filter as fn(&str) -> Result<Selector, Status>,
                tonic::Code::Unknown,
                "invalid selector: it is longer than 4096 characters",
            ),
            (
                tags,
                tonic::Code::InvalidArgument,
                "invalid tag_filter: it is longer than 4096 characters",
            ),
            (
                wanted,
                tonic::Code::Unknown,
                "invalid selector: it is longer than 4096 characters",
            ),
        ] {
            let mut long = "!a,".repeat(LONGEST / 3);
            long.push('b');
            assert_eq!(long.len(), LONGEST);
            read(&long).unwrap();
            long.push('c');
            let refused = read(&long).unwrap_err();
            assert_eq!((refused.code(), refused.message()), (code, text));
        }
    }
}
