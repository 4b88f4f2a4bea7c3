//! `jmp version`, as this program answers it.

use std::io::Write;

use super::Outcome;

/// Show the version
#[derive(Debug, clap::Args)]
pub struct Cmd {}

// === impl Cmd ===

impl Cmd {
    /// Prints one line.
    pub fn run(self) -> Outcome {
        // A closed pipe leaves nobody to tell.
        writeln!(
            std::io::stdout(),
            "Jumpstarter v{} (exporter)",
            env!("CARGO_PKG_VERSION")
        )
        .ok();
        Ok(0)
    }
}
