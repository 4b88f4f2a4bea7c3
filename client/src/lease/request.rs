//! What somebody wants to have.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use jumpstarter_proto::client_v1::{CreateLeaseRequest, Lease};
use jumpstarter_proto::names;

/// Half an hour, as long as a lease is if nobody says otherwise.
const USUAL: Duration = Duration::from_secs(30 * 60);

/// What somebody wants to have, and for how long.
///
/// ```
/// use std::time::Duration;
/// use jumpstarter_client::lease::Request;
///
/// let any = Request::matching("board=imx8,!broken").lasting(Duration::from_secs(600));
/// let that_one = Request::named("rack-3-left");
/// assert_eq!(that_one.selector, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Labels that the exporter must have.
    pub selector: Option<String>,
    /// The one exporter that will do.
    pub exporter: Option<String>,
    /// For how long.
    pub duration: Duration,
    /// From when on; none for as soon as possible.
    pub begin: Option<SystemTime>,
    /// What to call the lease; without it the controller finds a name.
    pub lease_id: Option<String>,
    /// Words by which people find their leases again.
    pub tags: HashMap<String, String>,
    /// What the exporter's hooks are told.
    pub context: HashMap<String, String>,
    /// Whether an exporter will do that was taken out of service.
    pub allow_disabled: bool,
}

// === impl Request ===

impl Request {
    /// Any exporter with these labels, for half an hour.
    pub fn matching(selector: impl Into<String>) -> Self {
        Self::new(Some(selector.into()), None)
    }

    /// The exporter called this, for half an hour.
    pub fn named(exporter: impl Into<String>) -> Self {
        Self::new(None, Some(exporter.into()))
    }

    /// An exporter with these labels and this name, if they are said; for half an hour.
    pub fn new(selector: Option<String>, exporter: Option<String>) -> Self {
        Self {
            selector,
            exporter,
            duration: USUAL,
            begin: None,
            lease_id: None,
            tags: HashMap::new(),
            context: HashMap::new(),
            allow_disabled: false,
        }
    }

    /// The same for as long as this.
    #[must_use]
    pub fn lasting(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }

    /// As it travels. A duration of more than 300,000 years is none.
    pub(super) fn to_wire(&self, namespace: &str) -> CreateLeaseRequest {
        CreateLeaseRequest {
            parent: names::parent(namespace),
            lease_id: self.lease_id.clone().unwrap_or_default(),
            lease: Some(Lease {
                selector: self.selector.clone().unwrap_or_default(),
                duration: self.duration.try_into().ok(),
                begin_time: self.begin.map(Into::into),
                // Controllers tell "none" from "not said".
                exporter_name: Some(self.exporter.clone().unwrap_or_default()),
                tags: self.tags.clone(),
                context: self.context.clone(),
                allow_disabled: self.allow_disabled,
                ..Lease::default()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_not_said_travels_as_nothing() {
        let sent = Request::matching("a=b").to_wire("lab");
        assert_eq!(
            (sent.parent.as_str(), sent.lease_id.as_str()),
            ("namespaces/lab", "")
        );
        let lease = sent.lease.unwrap();
        assert_eq!(lease.selector, "a=b");
        assert_eq!(lease.exporter_name.as_deref(), Some(""));
        assert_eq!(lease.duration.unwrap().seconds, 1800);
        assert_eq!(lease.begin_time, None);
        assert!(lease.tags.is_empty() && lease.context.is_empty() && !lease.allow_disabled);

        let lease = Request::named("left").to_wire("lab").lease.unwrap();
        assert_eq!(lease.selector, "");
        assert_eq!(lease.exporter_name.as_deref(), Some("left"));
    }
}
