//! What a waiting lease waits for, and where it is in the queue.

/// Why a lease waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// None of its exporters is connected.
    Offline,
    /// All connected ones are leased.
    NotAvailable,
    /// Those that are free are still busy with the end of their last lease.
    NotReady,
}

/// The exporters of a waiting lease, and its position in the queue for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePosition {
    /// The number of exporters it may have.
    pub matching: usize,
    /// The number of those that are connected.
    pub online: usize,
    /// The number of connected ones that are not leased.
    pub free: usize,
    /// Its position in the queue; 1 is next. Counts the leases that wait for any of the same exporters.
    pub ordinal: usize,
    /// The first of the exporters by name.
    pub example: String,
}

// === impl Waiting ===

impl Waiting {
    /// One word in CamelCase, for programs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Offline => "Offline",
            Self::NotAvailable => "NotAvailable",
            Self::NotReady => "NotReady",
        }
    }

    /// A sentence for people.
    pub fn message(self, position: &QueuePosition) -> String {
        let QueuePosition {
            matching,
            online,
            free,
            ordinal,
            example,
        } = position;
        let turn = match ordinal {
            0 | 1 => "this lease is next in the queue".to_owned(),
            ordinal => format!("this lease is number {ordinal} in the queue"),
        };
        match self {
            Self::Offline => format!(
                "There are {matching} approved exporters (i.e. {example}), but none of them are \
                 online; {turn}"
            ),
            Self::NotAvailable => format!(
                "There are {matching} approved exporters (i.e. {example}), {online} of them online, \
                 but all of them are already leased; {turn}"
            ),
            Self::NotReady => format!(
                "There are {online} online exporters (i.e. {example}), {free} of them not leased, but \
                 none are ready: the previous lease is being cleaned up; {turn}"
            ),
        }
    }
}
