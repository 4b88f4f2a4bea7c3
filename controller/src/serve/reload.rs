//! SIGHUP: reads the settings again, and applies those that can change.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Installation, StartError};
use crate::config::Config;
use crate::log;
use crate::model::Key;

/// The stream of SIGHUP signals.
pub(super) fn hangups() -> Result<Signal, StartError> {
    signal(SignalKind::hangup()).map_err(StartError::Signal)
}

/// Reads the settings again. If there are mistakes in them, nothing changes.
pub(super) async fn reload(installation: &Installation) {
    let running = installation.config.get();
    let path = running.path.clone();
    let loaded = Config::load(path.as_deref()).map(|mut config| {
        // From the command line, or fixed at the start.
        config.data_dir.clone_from(&running.data_dir);
        config
    });
    let name = path.map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    let level = loaded.as_ref().ok().and_then(|config| config.log_level);
    let configured = loaded
        .map_err(|error| error.to_string())
        .and_then(|config| {
            let kept = installation.configure(config);
            kept.map_err(|error| error.to_string())
        });
    match configured {
        Err(error) => tracing::error!(
            path = name,
            error,
            "the configuration stays as it was; mend it and send SIGHUP again"
        ),
        Ok(kept) => {
            log::configure(level);
            for setting in kept {
                tracing::warn!(setting, "this setting counts from the next start on");
            }
            tracing::info!(path = name, "the configuration has been read again");
            let key = Key::new(&running.namespace, &name);
            let noted = installation
                .lab
                .note(
                    "signal:SIGHUP",
                    "ConfigurationRead",
                    ("configuration", key),
                    "",
                )
                .await;
            if let Err(error) = noted {
                tracing::warn!(%error, "that the configuration was read is not on record");
            }
        }
    }
}
