//! Who plays in a story.

use super::Make;

/// Whose client, and whose exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// The one with the lease.
    pub client: Make,
    /// The one that is leased.
    pub exporter: Make,
}

// === impl Cast ===

impl Cast {
    /// Nothing of ours but the controller.
    pub const REFERENCE: Self = Self {
        client: Make::Reference,
        exporter: Make::Reference,
    };
    /// The reference's client at our exporter.
    pub const OUR_EXPORTER: Self = Self {
        client: Make::Reference,
        exporter: Make::Ours,
    };
    /// Nothing of the reference.
    pub const OURS: Self = Self {
        client: Make::Ours,
        exporter: Make::Ours,
    };

    /// This client, and the exporter that stories are told about: ours, unless `JMP_PEER=python`.
    pub fn with(client: Make) -> Self {
        Self {
            client,
            exporter: Make::of_exporter(),
        }
    }

    /// `false`, said on the error output, in a story that does not hold for the reference's exporter.
    pub fn holds_for_exporter(self, reason: &str) -> bool {
        let holds = self.exporter == Make::Ours;
        if !holds {
            eprintln!("not told about the reference: {reason}");
        }
        holds
    }
}

/// Makes three tests of each story, which takes a [`Cast`]: with the reference's client and exporter,
/// with its client and our exporter, with ours.
#[macro_export]
macro_rules! three_ways {
    ($($story:ident),* $(,)?) => {
        mod the_reference {
            $(#[test] fn $story() { super::$story($crate::Cast::REFERENCE); })*
        }
        mod our_exporter {
            $(#[test] fn $story() { super::$story($crate::Cast::OUR_EXPORTER); })*
        }
        mod ours {
            $(#[test] fn $story() { super::$story($crate::Cast::OURS); })*
        }
    };
}

/// Makes two tests of each story, which takes a [`Make`]: with the reference's client and with ours.
#[macro_export]
macro_rules! both_clients {
    ($($story:ident),* $(,)?) => {
        mod the_reference_client {
            $(#[test] fn $story() { super::$story($crate::Make::Reference); })*
        }
        mod our_client {
            $(#[test] fn $story() { super::$story($crate::Make::Ours); })*
        }
    };
}
