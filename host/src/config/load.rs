//! Reads a configuration from a file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use super::{
    AliasError, ConfigErrors, ExporterConfig, Locations, Mistake, Mistakes, Source,
    read::{self, Reader},
    shape::{Fault, ROOT, Shape},
    yaml,
};

/// What the environment fills in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// `JMP_NAMESPACE`, for a file without `metadata.namespace`.
    pub namespace: Option<String>,
    /// `JMP_NAME`, for a file without `metadata.name`.
    pub name: Option<String>,
}

// === impl Env ===

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self {
            namespace: std::env::var("JMP_NAMESPACE").ok(),
            name: std::env::var("JMP_NAME").ok(),
        }
    }
}

/// A file as far as it could be read, and all that is wrong with it.
#[derive(Debug)]
pub struct Draft {
    /// What it says; values that are wrong are left out or have their default.
    pub config: ExporterConfig,
    /// What is wrong, in the order of the file.
    pub mistakes: Vec<Mistake>,
}

/// Loads a file.
///
/// # Errors
///
/// It cannot be read, or something is wrong with it.
pub fn load(path: &Path) -> Result<ExporterConfig, ConfigErrors> {
    draft(path)?.finish()
}

/// Loads a file that may be wrong, to look for further mistakes.
///
/// # Errors
///
/// It cannot be read, or is not YAML.
pub fn draft(path: &Path) -> Result<Draft, ConfigErrors> {
    let bytes = fs::read(path).map_err(|error| cannot_open(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ConfigErrors::NotText {
            path: path.to_owned(),
            line: 1 + good.iter().filter(|byte| **byte == b'\n').count(),
        }
    })?;
    Draft::read(&Source::new(path, &text), &Env::of_process())
}

/// The file of an alias: the user's, or else the machine's.
pub fn find(alias: &str) -> Result<PathBuf, AliasError> {
    Locations::from_env().find(alias)
}

/// Loads the file of an alias.
pub fn load_alias(alias: &str) -> Result<ExporterConfig, ConfigErrors> {
    load(&find(alias)?)
}

/// Reads a text.
///
/// # Errors
///
/// Something is wrong with it.
pub fn parse(source: &Source, env: &Env) -> Result<ExporterConfig, ConfigErrors> {
    Draft::read(source, env)?.finish()
}

// === impl Draft ===

impl Draft {
    fn read(source: &Source, env: &Env) -> Result<Self, ConfigErrors> {
        let document = yaml::parse(source.text()).map_err(|mistake| Mistakes {
            source: source.clone(),
            list: vec![mistake],
        })?;
        let mut reader = Reader {
            warnings: document.warnings,
            ..Reader::default()
        };
        let mut config = read::exporter(&mut reader, &document.root, source, env);
        references(&mut reader, &config);
        let Reader {
            mut mistakes,
            mut warnings,
        } = reader;
        sort(&mut mistakes);
        sort(&mut warnings);
        config.warnings = warnings;
        Ok(Self { config, mistakes })
    }

    fn finish(self) -> Result<ExporterConfig, ConfigErrors> {
        let Self { config, mistakes } = self;
        if mistakes.is_empty() {
            return Ok(config);
        }
        Err(ConfigErrors::Mistakes(Mistakes {
            source: config.source,
            list: mistakes,
        }))
    }
}

/// Puts mistakes in the order of the file.
pub(crate) fn sort(mistakes: &mut [Mistake]) {
    mistakes.sort_by_key(|mistake| (mistake.place.line, mistake.place.column));
}

/// Finds the references that cannot work whatever the drivers bring along.
fn references(reader: &mut Reader, config: &ExporterConfig) {
    let mut shape = Shape::of(&config.export);
    let faults = shape.resolve(false);
    for Fault { spot, message } in &faults {
        let path = format!("export.{}.ref", shape.path(*spot));
        let at = shape.spots()[*spot].at;
        reader.mistakes.push(Mistake::new(at, path, message));
    }
    if faults.is_empty() && shape.visits().is_none() {
        let message = "references to references multiply this tree beyond any use";
        reader
            .mistakes
            .push(Mistake::new(shape.spots()[ROOT].at, "export", message));
    }
}

/// Words an error of the operating system as Python does.
fn cannot_open(path: &Path, error: &io::Error) -> ConfigErrors {
    let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    ConfigErrors::Open {
        path: path.to_owned(),
        errno: errno as i32,
        reason: errno.desc(),
    }
}
