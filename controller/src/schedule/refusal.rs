//! Why a lease will never get an exporter, in words for its client.

use std::fmt::{self, Display};

/// How many bytes of the rules' descriptions are shown at most.
const LONGEST: usize = 4096;

/// Why a lease can never begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for nothing.
    NoSelector,
    /// There is no exporter of this name.
    NotFound { exporter: String },
    /// The exporter of this name does not match the selector.
    Mismatch { exporter: String, selector: String },
    /// The exporter of this name is disabled.
    Disabled { exporter: String },
    /// All matching exporters are disabled.
    AllDisabled {
        /// How many match.
        count: usize,
    },
    /// No policy grants this client any of the matching exporters for this length.
    NoAccess {
        /// How many match.
        count: usize,
        /// Whether a shorter lease would be granted.
        too_long: bool,
        /// The descriptions of the rules that grant nothing, each once.
        others: Vec<String>,
    },
    /// Policies grant the exporters only until another client wants them, which is not supported yet.
    OnlySpot {
        /// How many match.
        count: usize,
    },
}

// === impl Refusal ===

impl Refusal {
    /// One word in CamelCase, for programs.
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
