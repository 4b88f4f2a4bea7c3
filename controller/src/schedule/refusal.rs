//! Why a lease will never get an exporter, in words for its client.

use std::fmt::{self, Display};

/// No more of the rules' descriptions than this, in bytes.
const LONGEST: usize = 4096;

/// What is wrong with a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for nothing.
    NoSelector,
    /// There is no exporter of that name.
    NotFound {
        /// The name.
        exporter: String,
    },
    /// The exporter of that name is not what else was asked for.
    Mismatch {
        /// The name.
        exporter: String,
        /// What else was asked for.
        selector: String,
    },
    /// The exporter of that name is out of service.
    Disabled {
        /// The name.
        exporter: String,
    },
    /// All exporters that would do are out of service.
    AllDisabled {
        /// How many they are.
        count: usize,
    },
    /// None of the exporters that would do is for this client, or none for so long.
    NoAccess {
        /// How many would do.
        count: usize,
        /// Some of them could be had for a shorter time.
        too_long: bool,
        /// What rules for others say of themselves, each once.
        others: Vec<String>,
    },
    /// Exporters could be had only until somebody else wants them, which is not possible yet.
    OnlySpot {
        /// How many could.
        count: usize,
    },
}

// === impl Refusal ===

impl Refusal {
    /// A word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoSelector => "InvalidSelector",
            Self::NotFound { .. } => "ExporterNotFound",
            Self::Mismatch { .. } => "SelectorMismatch",
            Self::Disabled { .. } => "ExporterDisabled",
            Self::AllDisabled { .. } => "AllDisabled",
            Self::NoAccess { .. } => "NoAccess",
            Self::OnlySpot { .. } => "SpotAccess",
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSelector => {
                f.write_str("The lease asks for no labels and for no exporter by name")
            }
            Self::NotFound { exporter } => write!(f, "There is no exporter named {exporter}"),
            Self::Mismatch { exporter, selector } => write!(
                f,
                "The exporter {exporter} does not have the labels that were asked for, too: {selector}"
            ),
            Self::Disabled { exporter } => write!(
                f,
                "The exporter {exporter} is disabled; a lease with allowDisabled (--allow-disabled) \
                 gets it nevertheless"
            ),
            Self::AllDisabled { count } => {
                write!(
                    f,
                    "There are {count} matching exporters, but all of them are disabled"
                )
            }
            Self::NoAccess { count: 0, .. } => f.write_str(
                "There are no matching exporters, so none of them are approved by any policy",
            ),
            Self::NoAccess {
                count,
                too_long,
                others,
            } => {
                write!(f, "There are {count} matching exporters, but ")?;
                f.write_str(if *too_long {
                    "a policy allows them for a shorter time only; for the requested duration none of \
                     them are approved by any policy"
                } else {
                    "none of them are approved by any policy"
                })?;
                if !others.is_empty() {
                    write!(f, ". Matching policies: {}", cut(&others.join("; ")))?;
                }
                Ok(())
            }
            Self::OnlySpot { count } => write!(
                f,
                "There are {count} matching exporters, but policies grant them for spot access only, \
                 which is not possible yet"
            ),
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, _)| at);
    let end = ends.take_while(|at| *at <= LONGEST).last();
    format!("{}...", &text[..end.unwrap_or_default()])
}
