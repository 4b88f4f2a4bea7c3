//! A lab: a private place where programs run without the user's files or environment.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

use crate::{Certs, Outcome, PATIENCE, Programs, Setup, run};

/// A private folder with a home and a runtime folder in it, and the programs to run there. What they
/// leave behind when they are killed is in it and goes away with it.
#[derive(Debug)]
pub struct Lab {
    folder: TempDir,
    programs: Programs,
    files: AtomicU32,
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Lab ===

impl Lab {
    /// An empty lab.
    pub fn new() -> Self {
        // Short, because a socket's path may not be longer than about a hundred bytes.
        let folder = tempfile::Builder::new().prefix("lab").tempdir().unwrap();
        for name in ["home", "run"] {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(folder.path().join(name))
                .unwrap();
        }
        Self {
            folder,
            programs: Programs::find(),
            files: AtomicU32::new(0),
        }
    }

    /// An exporter with this `export:` block, to be set up further and started.
    pub fn exporter(&self, export: &str) -> Setup<'_> {
        let mut yaml = String::from(
            "apiVersion: jumpstarter.dev/v1alpha1\n\
             kind: ExporterConfig\n\
             metadata:\n  namespace: lab\n  name: story\n\
             export:\n",
        );
        for line in export.lines() {
            yaml.push_str("  ");
            yaml.push_str(line);
            yaml.push('\n');
        }
        self.exporter_from(&yaml)
    }

    /// An exporter with this whole configuration file.
    pub fn exporter_from(&self, yaml: &str) -> Setup<'_> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let config = self.file(&format!("exporter-{number}.yaml"), yaml);
        Setup::new(self, config)
    }

    /// Runs `jmp` to its end.
    pub fn jmp<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(self.command("jmp").args(args), PATIENCE)
    }

    /// Runs `jmp-exporter` to its end.
    pub fn jmp_exporter<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(self.command("jmp-exporter").args(args), PATIENCE)
    }

    /// One of our programs, with the lab's environment and nothing of the tester's.
    pub fn command(&self, program: &str) -> Command {
        self.foreign(&self.programs.program(program))
    }

    /// Any program, with the lab's environment; `jmp` and `j` are on its `PATH`.
    pub fn foreign(&self, program: &Path) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env(
                "PATH",
                format!("{}:{path}", self.programs.folder().display()),
            )
            .env("HOME", self.folder("home"))
            .env("XDG_RUNTIME_DIR", self.folder("run"))
            .env("TMPDIR", self.folder("run"))
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .current_dir(self.folder.path());
        command
    }

    /// Writes a file into the lab.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A path inside the lab.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new folder of plugins, each a copy of `from` under the name given.
    pub fn plugins(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.folder(name);
        fs::DirBuilder::new().mode(0o755).create(&folder).unwrap();
        for (file, bytes) in files {
            fs::write(folder.join(file), bytes).unwrap();
        }
        folder
    }

    /// A certificate authority and a certificate for this machine.
    pub fn certs(&self) -> Certs {
        Certs::make(self.folder.path())
    }

    /// The built programs.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }
}
