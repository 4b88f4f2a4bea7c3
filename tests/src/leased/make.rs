//! Whose program tells a story: ours, or the reference's.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Lab;

/// Who made a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// This project.
    Ours,
    /// The Python 0.9.0 reference, unmodified.
    Reference,
}

// === impl Make ===

impl Make {
    /// The exporter that stories are told about: ours, unless `JMP_PEER=python`.
    pub fn of_exporter() -> Self {
        match std::env::var("JMP_PEER").as_deref() {
            Ok("python") => Self::Reference,
            _ => Self::Ours,
        }
    }

    /// The exporter of a story that does not hold for the reference; `None`, said on the error
    /// output, if that is the one to be tested.
    pub fn but_not_the_reference(reason: &str) -> Option<Self> {
        let make = Self::of_exporter();
        if make == Self::Reference {
            eprintln!("not told about the reference: {reason}");
            return None;
        }
        Some(make)
    }

    /// A program of this make in a lab, with its own kind first on the `PATH`.
    pub fn command(self, lab: &Lab, program: &str) -> Command {
        let path = match self {
            Self::Ours => lab.programs().program(program),
            Self::Reference => {
                let python = lab.programs().python(program);
                python.expect("`make venv` has put the reference there")
            }
        };
        let mut command = lab.foreign(&path);
        command.env("PATH", self.search_path(&path));
        command
    }

    fn search_path(self, program: &Path) -> String {
        let folder: PathBuf = program.parent().expect("a file is in a folder").into();
        let rest = std::env::var("PATH").unwrap_or_default();
        format!("{}:{rest}", folder.display())
    }
}
