//! What can be wrong with a plugin, and what can be wrong with a call.

use std::fmt;
use std::path::{Path, PathBuf};

use jumpstarter_completion::Answer;
pub use jumpstarter_driver_abi::Code;

use super::elf::FileError;
use super::trust::Distrust;

/// Why a plugin, or the plugin of a driver type, cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginError {
    /// The file was asked for by name and is in none of the folders.
    #[error("driver plugin {name}: not found in {}", list(folders))]
    NotFound {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// The file cannot be a plugin of this machine.
    #[error("driver plugin {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: FileError,
    },
    /// A sound library that is something else.
    #[error("{}: {what}not a jumpstarter driver plugin{why}", path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// What it is, if that is known.
        what: String,
        /// How one can tell.
        why: &'static str,
    },
    /// The metadata cannot be understood.
    #[error("driver plugin {}: its metadata {reason}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong with the metadata.
        reason: String,
    },
    /// Another major version of the boundary.
    #[error(
        "driver plugin {plugin} ({}): built for driver ABI {built_for}; this jmp speaks {}.x. \
         {advice}",
        path.display(), jumpstarter_driver_abi::ABI_MAJOR
    )]
    Abi {
        /// Name and version.
        plugin: String,
        /// The file.
        path: PathBuf,
        /// What it says it was built for.
        built_for: String,
        /// Which of the two to replace.
        advice: &'static str,
    },
    /// The plugin works differently from what the boundary asks for.
    #[error("driver plugin {plugin} ({}): {reason}", path.display())]
    Unfit {
        /// Name and version.
        plugin: String,
        /// The file.
        path: PathBuf,
        /// In what way.
        reason: String,
    },
    /// Somebody else could have changed the file.
    #[error(transparent)]
    Untrusted(#[from] Distrust),
    /// The private copy could not be made.
    #[error("driver plugin {}: cannot keep a private copy in {}: {reason}", path.display(), folder.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// The folder of private copies.
        folder: PathBuf,
        /// What failed.
        reason: String,
    },
    /// The file is not the one that was looked at.
    #[error("driver plugin {}: the file changed while it was being loaded; try again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The C library of this machine is older than the one the plugin was linked with.
    #[error("driver plugin {plugin}: needs GLIBC_{needs}; this machine has {has}")]
    Glibc {
        /// Name and version.
        plugin: String,
        /// The version asked for.
        needs: String,
        /// The version there is.
        has: String,
    },
    /// A library that the plugin is linked with is not there.
    #[error(
        "driver plugin {plugin}: {library}: cannot open shared object file: No such file or \
         directory. Install that library or put it beside the plugin."
    )]
    Dependency {
        /// Name and version.
        plugin: String,
        /// The library.
        library: String,
    },
    /// The dynamic linker or the plugin's doors refused.
    #[error("driver plugin {plugin}: {reason}")]
    Load {
        /// Name and version.
        plugin: String,
        /// Why.
        reason: String,
    },
    /// No plugin on the search path offers the type.
    #[error("{}", no_such_type(type_name, suggestion.as_deref(), known, refused, folders))]
    NoSuchType {
        /// The type of the configuration.
        type_name: String,
        /// A type with a similar name, and where it is.
        suggestion: Option<Box<(String, PathBuf)>>,
        /// All types there are.
        known: Vec<String>,
        /// Why the other files were no usable plugins.
        refused: Vec<String>,
        /// Where was looked.
        folders: Vec<PathBuf>,
    },
    /// Two plugins offer the type.
    #[error(
        "driver class `{type_name}` is in both {} and {}; remove one of them or take its folder \
         off the search path",
        first.display(), second.display()
    )]
    Ambiguous {
        /// The type of the configuration.
        type_name: String,
        /// One file that offers it.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
    },
}

/// Why a call failed, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The status.
    pub code: Code,
    /// The text, one line if the host wrote it.
    pub message: String,
}

/// gRPC carries the text in a header, and peers limit those.
const MAX_MESSAGE: usize = 4096;
/// So many types can be listed in an error without burying it.
const FEW: usize = 6;

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<_> = folders.iter().map(|f| f.display().to_string()).collect();
    names.join(", ")
}

fn no_such_type(
    type_name: &str,
    suggestion: Option<&(String, PathBuf)>,
    known: &[String],
    refused: &[String],
    folders: &[PathBuf],
) -> String {
    let mut text = format!("no driver class `{type_name}` in any plugin");
    if let Some((similar, path)) = suggestion {
        text += &format!("; did you mean `{similar}` ({})?", path.display());
    }
    if known.is_empty() {
        text += &format!("; no usable plugins in {}", list(folders));
    } else {
        text += if suggestion.is_some() { " " } else { ". " };
        text += &known_types(type_name, known, folders);
    }
    match refused {
        [] => {}
        [reason] => text += &format!(". One file was refused: {reason}"),
        [first, ..] => {
            let count = refused.len();
            text += &format!(". {count} files were refused (`jmp driver list` shows all): {first}");
        }
    }
    text
}

/// What there is instead: the neighbours of the type in its package, or all if they are few.
fn known_types(type_name: &str, known: &[String], folders: &[PathBuf]) -> String {
    let package = |name: &str| name.split_once('.').map(|(package, _)| package.to_owned());
    let wanted = package(type_name);
    let neighbours: Vec<_> = known
        .iter()
        .filter(|name| package(name) == wanted)
        .collect();
    if known.len() <= FEW {
        return format!("Known: {}", known.join(", "));
    }
    if let [first, rest @ ..] = &neighbours[..] {
        let others = rest.iter().map(|name| format!(", {name}"));
        return format!("Its package has: {first}{}", others.collect::<String>());
    }
    format!(
        "`jmp driver list` shows the {} types in {}",
        known.len(),
        list(folders)
    )
}

// === impl PluginError ===

impl PluginError {
    pub(super) fn not_a_plugin(path: &Path) -> Self {
        Self::NotAPlugin {
            path: path.to_owned(),
            what: String::new(),
            why: " (no symbol jmp_plugin_meta)",
        }
    }
}

// === impl CallError ===

impl CallError {
    /// An error with this text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            let room = MAX_MESSAGE - '…'.len_utf8();
            let end = (0..=room).rev().find(|at| message.is_char_boundary(*at));
            message.truncate(end.unwrap_or(0));
            message.push('…');
        }
        Self { code, message }
    }

    /// The driver broke a rule of the boundary.
    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Tells success and failure of an answer apart.
    pub(super) fn check(answer: Answer) -> Result<Answer, Self> {
        match answer.code {
            Code::Ok => Ok(answer),
            code => Err(Self::new(code, answer.message)),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            return write!(f, "{:?}", self.code);
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_message_is_cut_at_a_character() {
        let error = CallError::new(Code::Unknown, "ü".repeat(5000));
        assert!(error.message.len() <= MAX_MESSAGE);
        assert!(error.message.ends_with("ü…"));
    }

    #[test]
    fn many_types_are_not_listed() {
        let known: Vec<_> = (0..20).map(|n| format!("acme.Type{n}")).collect();
        let folders = ["/p".into()];
        assert_eq!(
            no_such_type("other.Type1", None, &known, &[], &folders),
            "no driver class `other.Type1` in any plugin. \
             `jmp driver list` shows the 20 types in /p"
        );
        let few = [&known[..], &["other.A".to_owned(), "other.B".to_owned()]].concat();
        assert_eq!(
            no_such_type("other.Type1", None, &few, &[], &folders),
            "no driver class `other.Type1` in any plugin. Its package has: other.A, other.B"
        );
    }

    #[test]
    fn an_unknown_type_names_the_similar_one() {
        let error = PluginError::NoSuchType {
            type_name: "acme.Powr".to_owned(),
            suggestion: Some(Box::new(("acme.Power".to_owned(), "/p/acme.so".into()))),
            known: vec!["acme.Power".to_owned(), "acme.Usb".to_owned()],
            refused: Vec::new(),
            folders: vec!["/p".into()],
        };
        assert_eq!(
            error.to_string(),
            "no driver class `acme.Powr` in any plugin; did you mean `acme.Power` (/p/acme.so)? \
             Known: acme.Power, acme.Usb"
        );
    }
}
