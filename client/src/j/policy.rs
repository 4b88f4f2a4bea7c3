//! Which devices `j` offers.

use crate::config::UserConfig;
use crate::ui::Failure;
use crate::{Allow, env};

/// The rule: from the environment, else from the current client's settings, else nothing.
///
/// `jmp shell` always sets the environment, so files are read only outside of it.
pub(super) fn allow() -> Result<Allow, Failure> {
    let globs = env::text(env::DRIVERS_ALLOW);
    let any = env::text(env::DRIVERS_UNSAFE);
    if globs.is_none() && any.is_none() {
        let client = UserConfig::current().map_err(unusable)?;
        return Ok(client.map_or_else(Allow::default, |client| client.drivers.allow()));
    }
    if any.map_or(Ok(false), |any| yes(&any))? {
        return Ok(Allow::everything());
    }
    Ok(globs.map_or_else(Allow::default, |globs| Allow::from_list(&globs)))
}

fn yes(text: &str) -> Result<bool, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "t" | "y" => Ok(true),
        "0" | "false" | "no" | "off" | "f" | "n" => Ok(false),
        _ => Err(unusable(format!(
            "{}: `{text}` should be true or false",
            env::DRIVERS_UNSAFE
        ))),
    }
}

fn unusable(why: impl std::fmt::Display) -> Failure {
    Failure::Error(format!("Failed to load config: {why}"))
}

/// What to say when a device that is needed is not allowed.
pub(super) fn refused(class: &str) -> Failure {
    Failure::Error(format!(
        "Driver '{class}' is not installed. It is not among the drivers this client may use: \
         add it to {} or to `drivers.allow` of the client configuration",
        env::DRIVERS_ALLOW
    ))
}
