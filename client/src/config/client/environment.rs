//! What the environment says about a client: it fills gaps of a file, or stands for one.

use super::{ClientConfig, Drivers, Leases, lenient};
use crate::config::ConfigError;
use crate::{Secret, env};

/// Looks a variable up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of this process, in whatever case its name is written.
pub(super) fn variable(name: &str) -> Option<String> {
    let exact = std::env::var(name).ok();
    exact.or_else(|| {
        let mut all = std::env::vars_os();
        let found =
            all.find(|(key, _)| key.to_str().is_some_and(|it| it.eq_ignore_ascii_case(name)));
        found.and_then(|(_, value)| value.into_string().ok())
    })
}

/// The client that the variables describe; none unless they say both of its names.
pub(super) fn client(variable: Lookup<'_>) -> Result<Option<ClientConfig>, ConfigError> {
    let (Some(namespace), Some(name)) = (variable("JMP_NAMESPACE"), variable("JMP_NAME")) else {
        return Ok(None);
    };
    let mut config = ClientConfig::new("default", Some(namespace), name);
    config.endpoint = variable("JMP_ENDPOINT");
    config.token = variable("JMP_TOKEN").map(Secret::new);
    config.refresh_token = variable("JMP_REFRESH_TOKEN").map(Secret::new);
    config.drivers = drivers(None, None, variable).map_err(ConfigError::Environment)?;
    config.leases = leases([None; 3], variable).map_err(ConfigError::Environment)?;
    Ok(Some(config))
}

/// Which driver clients may be used.
pub(super) fn drivers(
    allow: Option<Vec<String>>,
    any: Option<bool>,
    variable: Lookup<'_>,
) -> Result<Drivers, String> {
    let listed = |text: String| text.split(',').map(str::to_owned).collect();
    let allow = allow.or_else(|| variable(env::DRIVERS_ALLOW).map(listed));
    let any = match (any, variable(env::DRIVERS_UNSAFE)) {
        (Some(any), _) => any,
        (None, None) => false,
        (None, Some(word)) => lenient::truth(&word).ok_or_else(|| {
            format!(
                "{}: `{word}` is neither true nor false",
                env::DRIVERS_UNSAFE
            )
        })?,
    };
    Ok(Drivers::new(allow.unwrap_or_default(), any))
}

/// How patient one is: what the file says, else the variables, else the defaults.
pub(super) fn leases(said: [Option<f64>; 3], variable: Lookup<'_>) -> Result<Leases, String> {
    let seconds = |said: Option<f64>, name: &str, least: f64, default: f64| {
        let text = variable(name);
        let number = match (said, &text) {
            (Some(said), _) => said,
            (None, None) => default,
            (None, Some(text)) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| format!("{name}: `{text}` is no number of seconds"))?,
        };
        if number < least {
            let key = name.to_ascii_lowercase();
            return Err(format!("leases: `{key}` must be at least {least} seconds"));
        }
        Ok(number)
    };
    let default = Leases::default();
    let [acquisition, dial, retry] = said;
    let acquisition = seconds(acquisition, "ACQUISITION_TIMEOUT", 5.0, 7200.0)?;
    if acquisition.fract() != 0.0 {
        return Err("leases: `acquisition_timeout` must be a whole number of seconds".to_owned());
    }
    Ok(Leases {
        // Not negative, and whole.
        acquisition_timeout: acquisition as u64,
        dial_timeout: seconds(dial, "DIAL_TIMEOUT", 5.0, default.dial_timeout)?,
        retry_timeout: seconds(retry, "RETRY_TIMEOUT", 0.0, default.retry_timeout)?,
    })
}
