//! What can go wrong at a controller, on request.

use tonic::Code;

use super::journal::{Kind, Rpc};

/// How a call is treated instead of being answered.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, this text.
    Answer(Code, &'static str),
    /// gRPC that says OK and carries a message nobody can read.
    Garbage,
    /// The web page of a proxy whose backend is down.
    WebPage,
    /// No answer, for as long as the caller waits.
    Silence,
    /// The controller vanishes before it does what was asked.
    Gone,
    /// The controller does what was asked, and vanishes instead of saying so.
    GoneAfter,
}

/// A fault and the calls that meet it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) rpc: Rpc,
    pub(super) kind: Option<Kind>,
    pub(super) fault: Fault,
    /// How many more calls meet it; `None` is all of them.
    pub(super) left: Option<u32>,
}

/// The fault that a call meets now, if any. Rules that were made later come first.
pub(super) fn strike(rules: &mut Vec<Rule>, rpc: Rpc, kind: Kind) -> Option<Fault> {
    let meets = |rule: &Rule| rule.rpc == rpc && rule.kind.is_none_or(|k| k == kind);
    let at = rules.iter().rposition(meets)?;
    let fault = rules[at].fault.clone();
    if let Some(left) = &mut rules[at].left {
        *left -= 1;
        if *left == 0 {
            rules.remove(at);
        }
    }
    Some(fault)
}
