//! Which lease: one that is there, or a new one.

use std::io::{self, IsTerminal};
use std::time::Duration;

use super::time;
use crate::cli::printable_line;
use crate::env;
use crate::lease::{Lease, Leases, Request};
use crate::ui::{Failure, Signals, print, prompt, sentence, tell};

const NONE: &str = "no active leases found. Use --selector/-l or --name/-n to create one, \
                    or create a lease with 'jmp create lease'.";

/// What the options ask for.
#[derive(Debug)]
pub(in crate::jmp::shell) struct Wants {
    pub(in crate::jmp::shell) lease: Option<String>,
    pub(in crate::jmp::shell) selector: Option<String>,
    pub(in crate::jmp::shell) exporter: Option<String>,
    pub(in crate::jmp::shell) duration: Duration,
}

/// What it comes to.
#[derive(Debug)]
pub(super) struct Choice {
    /// The lease that is to be used; without it, or if it is not what is asked for, a new one.
    pub(super) lease: Option<String>,
    /// What to ask for.
    pub(super) request: Request,
}

/// Finds out which lease is meant.
pub(super) async fn choose(
    leases: &Leases,
    wants: &Wants,
    signals: &mut Signals,
) -> Result<Choice, Failure> {
    let named = wants.lease.clone().or_else(|| env::text(env::LEASE));
    let lease = match named {
        Some(name) => Some(name),
        None if wants.selector.is_some() || wants.exporter.is_some() => None,
        None => Some(one_of(leases, signals).await?),
    };
    let request = Request::new(wants.selector.clone(), wants.exporter.clone());
    Ok(Choice {
        lease,
        request: request.lasting(wants.duration),
    })
}

/// The only active lease, or the one that somebody picks.
async fn one_of(leases: &Leases, signals: &mut Signals) -> Result<String, Failure> {
    let listed = async {
        leases
            .active()
            .await
            .map_err(|error| sentence::unasked(&error))
    };
    let mut active = signals.or(listed).await?;
    match active.len() {
        0 => Err(Failure::Usage(NONE.to_owned())),
        1 => Ok(active.remove(0).name),
        _ if io::stdin().is_terminal() => {
            tokio::select! {
                // A question that Ctrl-C ended has its own words for that.
                biased;
                picked = pick(&active) => picked,
                () = signals.stopped() => Err(Failure::Quiet(signals.code())),
            }
        }
        _ => Err(Failure::Usage(several(&active))),
    }
}

async fn pick(active: &[Lease]) -> Result<String, Failure> {
    let count = active.len();
    print("Multiple active leases found:")?;
    print("")?;
    for (number, lease) in (1..).zip(active) {
        print(&format!("  {number}) {}", printable_line(&lease.name)))?;
        match info(lease) {
            info if info.is_empty() => {}
            info => print(&format!("     {}", printable_line(&info)))?,
        }
    }
    print("")?;
    loop {
        let Some(answer) = prompt::ask(&format!("Select a lease [1-{count}]"), None).await? else {
            return Err(Failure::Error("Aborted by user.".to_owned()));
        };
        let answer = answer.trim();
        match answer.parse::<usize>() {
            Ok(number @ 1..) if number <= count => return Ok(active[number - 1].name.clone()),
            Ok(_) => tell(&format!(
                "Error: {answer} is not in the range 1<=x<={count}."
            )),
            Err(_) => tell(&format!("Error: '{answer}' is not a valid integer range.")),
        }
    }
}

fn several(active: &[Lease]) -> String {
    let mut text = "multiple active leases found:\n".to_owned();
    for lease in active {
        text.push_str(&format!("  {} ({})\n", lease.name, info(lease)));
    }
    text + "Use --lease to specify one, or run interactively to select."
}

/// What tells a lease from others.
fn info(lease: &Lease) -> String {
    let mut parts = Vec::new();
    if let Some(exporter) = &lease.exporter {
        parts.push(format!("exporter={exporter}"));
    }
    if !lease.selector.is_empty() {
        parts.push(format!("selector={}", lease.selector));
    }
    if let Some(end) = lease.expected_end() {
        parts.push(format!("expires {}", time::minute(end)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jumpstarter_proto::client_v1;

    use super::*;

    fn lease(name: &str, exporter: &str, selector: &str) -> Lease {
        let shown = client_v1::Lease {
            name: format!("namespaces/lab/leases/{name}"),
            client: Some("namespaces/lab/clients/me".to_owned()),
            exporter: (!exporter.is_empty())
                .then(|| format!("namespaces/lab/exporters/{exporter}")),
            selector: selector.to_owned(),
            ..client_v1::Lease::default()
        };
        shown.try_into().unwrap()
    }

    #[test]
    fn each_of_several_is_told_apart() {
        let active = [lease("one", "left", "board=a"), lease("two", "", "")];
        assert_eq!(
            several(&active),
            "multiple active leases found:\n  one (exporter=left, selector=board=a)\n  two ()\n\
             Use --lease to specify one, or run interactively to select."
        );
    }
}
