//! What the conditions of a lease mean for whoever waits for it.
//!
//! ```text
//! Ready=True ─► ready      Unsatisfiable=True ─► never      Invalid=True ─► never
//! Pending=False, Ready=False ─► over             anything else ─► wait
//! ```

use std::fmt;

use jumpstarter_proto::v1::Condition;

/// What older controllers say while there is no exporter that would do, although one may still come.
const NO_EXPORTER: &str = "NoExporter";

/// How far a lease is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It holds an exporter.
    Ready,
    /// There is no exporter for it now, and a controller of an older release will not look again.
    NoExporter(String),
    /// There will never be an exporter for it.
    Unsatisfiable(String),
    /// It makes no sense.
    Invalid(String),
    /// It waits no more, and nobody says why.
    NotPending,
    /// It is over.
    Over(String),
    /// It waits; the controller says what for, and how many others do.
    Pending(String),
    /// The controller has not said anything yet.
    Unknown,
}

// === impl Phase ===

impl Phase {
    /// Reads conditions. Each type counts where it comes first, and types count in a fixed order.
    pub fn of(conditions: &[Condition]) -> Self {
        let find = |kind: &str| conditions.iter().find(|it| it.r#type() == kind);
        let is = |kind: &str, status: &str| find(kind).filter(|it| it.status() == status);
        if is("Ready", "True").is_some() {
            Self::Ready
        } else if let Some(why) = is("Unsatisfiable", "True") {
            let message = why.message().to_owned();
            match why.reason() {
                NO_EXPORTER => Self::NoExporter(message),
                _ => Self::Unsatisfiable(message),
            }
        } else if let Some(why) = is("Invalid", "True") {
            Self::Invalid(why.message().to_owned())
        } else if is("Pending", "False").is_some() {
            Self::NotPending
        } else if let Some(why) = is("Ready", "False") {
            Self::Over(why.message().to_owned())
        } else if let Some(waits) = is("Pending", "True") {
            Self::Pending(waits.message().to_owned())
        } else {
            Self::Unknown
        }
    }
}

/// What to tell somebody who waits.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending(message) if message.is_empty() => {
                f.write_str("Waiting for lease to be ready...")
            }
            Self::Pending(message) | Self::NoExporter(message) => {
                write!(f, "Waiting for lease: {message}")
            }
            Self::Unknown => f.write_str("Waiting for server to provide status updates..."),
            Self::Ready => f.write_str("The lease is ready"),
            Self::Unsatisfiable(message) => write!(f, "the lease cannot be satisfied: {message}"),
            Self::Invalid(message) => write!(f, "the lease is invalid: {message}"),
            Self::NotPending => f.write_str("the lease is not in pending"),
            Self::Over(message) if message.is_empty() => f.write_str("lease is no longer active"),
            Self::Over(message) => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn condition(kind: &str, status: &str) -> Condition {
        told(kind, status, "", "why")
    }

    fn told(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
        Condition {
            r#type: Some(kind.to_owned()),
            status: Some(status.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            ..Condition::default()
        }
    }

    #[test]
    fn types_count_in_their_order() {
        let why = || "why".to_owned();
        // Each of them hides all that come after it.
        let ladder = [
            (condition("Ready", "True"), Phase::Ready),
            (
                condition("Unsatisfiable", "True"),
                Phase::Unsatisfiable(why()),
            ),
            (condition("Invalid", "True"), Phase::Invalid(why())),
            (condition("Pending", "False"), Phase::NotPending),
        ];
        for (at, (_, expected)) in ladder.iter().enumerate() {
            let mut rest: Vec<_> = ladder[at..].iter().map(|step| step.0.clone()).collect();
            rest.reverse();
            assert_eq!(Phase::of(&rest), *expected);
        }
        let ended = [condition("Pending", "True"), condition("Ready", "False")];
        assert_eq!(Phase::of(&ended), Phase::Over(why()));
        assert_eq!(
            Phase::of(&[condition("Pending", "True")]),
            Phase::Pending(why())
        );
        assert_eq!(Phase::of(&[]), Phase::Unknown);
        assert_eq!(
            Phase::of(&[condition("Unsatisfiable", "False")]),
            Phase::Unknown
        );
    }

    #[test]
    fn only_one_reason_leaves_hope() {
        let old = [told("Unsatisfiable", "True", "NoExporter", "none is there")];
        let phase = Phase::of(&old);
        assert_eq!(phase, Phase::NoExporter("none is there".to_owned()));
        assert_eq!(phase.to_string(), "Waiting for lease: none is there");
        let new = [told("Unsatisfiable", "True", "NoExporters", "none matches")];
        assert_eq!(
            Phase::of(&new).to_string(),
            "the lease cannot be satisfied: none matches"
        );
    }

    #[test]
    fn who_waits_is_told_what_for() {
        let pending = |message: &str| Phase::of(&[told("Pending", "True", "", message)]);
        assert_eq!(pending("").to_string(), "Waiting for lease to be ready...");
        assert_eq!(
            pending("2 match, none is free, you are third").to_string(),
            "Waiting for lease: 2 match, none is free, you are third"
        );
        assert_eq!(
            Phase::Unknown.to_string(),
            "Waiting for server to provide status updates..."
        );
        assert_eq!(
            Phase::Over(String::new()).to_string(),
            "lease is no longer active"
        );
    }

    proptest! {
        /// Only the first of a type counts, wherever others stand.
        #[test]
        fn ready_is_ready_unless_it_was_said_before(
            kinds in prop::collection::vec(("Pending|Invalid|Unsatisfiable|Odd", "True|False"), 0..8),
            at in 0_usize..8,
            again in "True|False",
        ) {
            let mut conditions: Vec<_> =
                kinds.iter().map(|(kind, status)| condition(kind, status)).collect();
            let at = at.min(conditions.len());
            conditions.insert(at, condition("Ready", "True"));
            conditions.push(condition("Ready", &again));
            prop_assert_eq!(Phase::of(&conditions), Phase::Ready);
            conditions[at].status = Some("False".to_owned());
            prop_assert_ne!(Phase::of(&conditions), Phase::Ready);
        }
    }
}
