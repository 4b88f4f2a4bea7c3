//! Events beside the lab that belong on record, too: a key was made, settings were read again.

use super::step::{Command, Step};
use super::{Lab, LabError};
use crate::model::Key;

struct Note {
    actor: String,
    what: &'static str,
    kind: &'static str,
    object: Key,
    detail: String,
}

// === impl Lab ===

impl Lab {
    /// Adds an event to the audit log; it is committed when this returns.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub async fn note(
        &self,
        actor: &str,
        what: &'static str,
        (kind, object): (&'static str, Key),
        detail: impl Into<String>,
    ) -> Result<(), LabError> {
        let note = Note {
            actor: actor.to_owned(),
            what,
            kind,
            object,
            detail: detail.into(),
        };
        self.change(note).await
    }
}

// === impl Command ===

impl Command for Note {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        step.record(
            self.actor,
            self.what,
            (self.kind, &self.object),
            self.detail,
        );
        Ok(())
    }
}
