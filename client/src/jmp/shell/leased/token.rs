//! The token: whether it is still good for anything.

use std::io::{self, IsTerminal};

use crate::config::ClientConfig;
use crate::oidc::Claims;
use crate::ui::{Failure, print};

/// Refuses to begin with a token that is good for nothing any more.
pub(super) fn check(config: &ClientConfig) -> Result<(), Failure> {
    if is_expired(config) {
        return Err(Failure::TokenExpired("token is expired".to_owned()));
    }
    Ok(())
}

/// For how many seconds the token is still good; none if it does not say.
pub(super) fn remaining(config: &ClientConfig) -> Option<f64> {
    let claims = Claims::of(config.token.as_ref()?).ok()?;
    claims.remaining()
}

pub(super) fn is_expired(config: &ClientConfig) -> bool {
    remaining(config).is_some_and(|seconds| seconds <= 0.0)
}

/// Says what becomes of a lease that nobody is allowed to release any more.
pub(super) fn warn_of_lease(lease: &str) {
    let lines = [
        ("33", "Token expired - lease cleanup will fail.".to_owned()),
        ("33", format!("Lease '{lease}' will remain active.")),
        ("36", format!("To reconnect: JMP_LEASE={lease} jmp shell")),
    ];
    for (colour, line) in lines {
        let line = match io::stdout().is_terminal() {
            true => format!("\x1b[{colour}m{line}\x1b[0m"),
            false => line,
        };
        // Without stdout there is nobody to tell.
        print(&line).ok();
    }
}
