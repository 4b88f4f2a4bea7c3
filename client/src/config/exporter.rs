//! Where the file of an exporter is.

use std::path::{Path, PathBuf};

use super::{ConfigError, home};

/// Exporters of the whole machine.
const SYSTEM: &str = "/etc/jumpstarter/exporters";

/// The file of the exporter called `alias`: the user's, else the machine's.
///
/// If neither exists it is where the user's would be.
///
/// # Errors
///
/// When the alias is no name, or there is no configuration folder.
pub fn find_exporter(alias: &str) -> Result<PathBuf, ConfigError> {
    if matches!(alias, "" | "." | "..") || alias.contains(['/', '\\']) {
        return Err(ConfigError::Alias(alias.to_owned()));
    }
    let file = format!("{alias}.yaml");
    let own = home()?.join("exporters").join(&file);
    let system = Path::new(SYSTEM).join(&file);
    Ok(if !own.exists() && system.exists() {
        system
    } else {
        own
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn aliases_are_names() {
        for alias in ["", ".", "..", "a/b", "../x", "a\\b"] {
            let error = find_exporter(alias).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("must not contain path separators")
            );
        }
        let path = find_exporter("lab.3").unwrap();
        assert!(path.ends_with("exporters/lab.3.yaml"), "{}", path.display());
    }
}
