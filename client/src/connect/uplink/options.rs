//! Channel arguments, as configurations spell them for gRPC's C core.

use std::time::Duration;

use tonic::transport::{Endpoint, Uri};
use tracing::warn;

/// How channels to controllers and routers behave.
///
/// The defaults suit both: a ping every 20 seconds also while nothing is asked, and 180 seconds for
/// its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelOptions {
    /// How often an open connection is checked; none for never.
    pub keepalive: Option<Duration>,
    /// How long the answer may take before the connection counts as broken.
    pub keepalive_timeout: Duration,
    /// Whether a connection is checked while no call uses it.
    pub keepalive_while_idle: bool,
    /// The largest message to accept, in bytes; none for any.
    pub largest_received: Option<usize>,
    /// The largest message to send, in bytes; none for any.
    pub largest_sent: Option<usize>,
    /// What goes before the library's name in `user-agent`.
    pub user_agent: Option<String>,
    /// What to say as `:authority`, instead of the target's.
    pub authority: Option<String>,
    /// The name that the peer's certificate must carry, instead of the target's.
    pub server_name: Option<String>,
}

/// The value of a channel argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// A text.
    Text(String),
    /// A number.
    Int(i64),
}

/// Arguments that mean something to the C core and nothing here.
const ELSEWHERE: [&str; 12] = [
    "grpc.enable_retries",
    "grpc.http2.max_pings_without_data",
    "grpc.http2.min_recv_ping_interval_without_data_ms",
    "grpc.http2.min_sent_ping_interval_without_data_ms",
    "grpc.http2.min_time_between_pings_ms",
    "grpc.initial_reconnect_backoff_ms",
    "grpc.lb_policy_name",
    "grpc.max_connection_age_ms",
    "grpc.max_reconnect_backoff_ms",
    "grpc.min_reconnect_backoff_ms",
    "grpc.service_config",
    "grpc.use_local_subchannel_pool",
];

/// The C core's number for "never" and "any".
const NEVER: i64 = i32::MAX as i64;

// === impl ChannelOptions ===

impl Default for ChannelOptions {
    fn default() -> Self {
        Self {
            keepalive: Some(Duration::from_secs(20)),
            keepalive_timeout: Duration::from_secs(180),
            keepalive_while_idle: true,
            largest_received: Some(4 << 20),
            largest_sent: None,
            user_agent: None,
            authority: None,
            server_name: None,
        }
    }
}

impl ChannelOptions {
    /// Reads channel arguments by the names that gRPC gives them; what they do not say stays as it
    /// is by default.
    ///
    /// Arguments that are not known, or have values of the wrong kind, are ignored with a warning.
    ///
    /// ```
    /// use std::time::Duration;
    /// use jumpstarter_client::connect::{ChannelOptions, OptionValue};
    ///
    /// let options = ChannelOptions::from_args([("grpc.keepalive_time_ms", OptionValue::Int(5_000))]);
    /// assert_eq!(options.keepalive, Some(Duration::from_secs(5)));
    /// assert_eq!(options.keepalive_timeout, Duration::from_secs(180));
    /// ```
    pub fn from_args<'a>(args: impl IntoIterator<Item = (&'a str, OptionValue)>) -> Self {
        let mut options = Self::default();
        for (name, value) in args {
            if options.set(name, &value).is_none() && !ELSEWHERE.contains(&name) {
                warn!(
                    "channel option `{name}` is not known or its value is unusable; it is ignored"
                );
            }
        }
        options
    }

    fn set(&mut self, name: &str, value: &OptionValue) -> Option<()> {
        match name {
            "grpc.keepalive_time_ms" => {
                let every = value.number().filter(|number| *number > 0)?;
                self.keepalive = (every < NEVER).then(|| millis(every));
            }
            "grpc.keepalive_timeout_ms" => {
                self.keepalive_timeout = millis(value.number().filter(|number| *number > 0)?);
            }
            "grpc.keepalive_permit_without_calls" => {
                self.keepalive_while_idle = value.number()? != 0;
            }
            "grpc.max_receive_message_length" => self.largest_received = value.size()?,
            "grpc.max_send_message_length" => self.largest_sent = value.size()?,
            "grpc.primary_user_agent" => self.user_agent = Some(value.text()?),
            "grpc.default_authority" => self.authority = Some(value.text()?),
            "grpc.ssl_target_name_override" => self.server_name = Some(value.text()?),
            _ => return None,
        }
        Some(())
    }

    /// Sets up HTTP/2 accordingly.
    pub(super) fn apply(&self, endpoint: Endpoint, encrypted: bool) -> Endpoint {
        let mut endpoint = match self.keepalive {
            Some(every) => endpoint.http2_keep_alive_interval(every),
            None => endpoint,
        };
        endpoint = endpoint
            .keep_alive_timeout(self.keepalive_timeout)
            .keep_alive_while_idle(self.keepalive_while_idle);
        let scheme = if encrypted { "https" } else { "http" };
        if let Some(authority) = &self.authority {
            match format!("{scheme}://{authority}").parse::<Uri>() {
                Ok(origin) => endpoint = endpoint.origin(origin),
                Err(error) => warn!("`{authority}` cannot be an authority: {error}"),
            }
        }
        let Some(agent) = &self.user_agent else {
            return endpoint;
        };
        match endpoint.clone().user_agent(agent.as_str()) {
            Ok(named) => named,
            Err(error) => {
                warn!("`{agent}` cannot be a user agent: {error}");
                endpoint
            }
        }
    }
}

// === impl OptionValue ===

impl OptionValue {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }

    /// A number of bytes; less than zero means that there is no limit.
    fn size(&self) -> Option<Option<usize>> {
        self.number().map(|number| usize::try_from(number).ok())
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }
}

fn millis(number: i64) -> Duration {
    Duration::from_millis(number.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(name: &str, value: i64) -> (&str, OptionValue) {
        (name, OptionValue::Int(value))
    }

    #[test]
    fn what_users_say_overrides_the_defaults() {
        let options = ChannelOptions::from_args([
            int("grpc.keepalive_time_ms", 5_000),
            int("grpc.keepalive_permit_without_calls", 0),
            int("grpc.max_receive_message_length", -1),
            int("grpc.max_send_message_length", 1024),
            (
                "grpc.ssl_target_name_override",
                OptionValue::Text("lab".into()),
            ),
            (
                "grpc.primary_user_agent",
                OptionValue::Text("farm/3".into()),
            ),
        ]);
        let wanted = ChannelOptions {
            keepalive: Some(Duration::from_secs(5)),
            keepalive_while_idle: false,
            largest_received: None,
            largest_sent: Some(1024),
            server_name: Some("lab".into()),
            user_agent: Some("farm/3".into()),
            ..ChannelOptions::default()
        };
        assert_eq!(options, wanted);
    }

    #[test]
    fn the_largest_number_turns_checks_off() {
        let never = ChannelOptions::from_args([int("grpc.keepalive_time_ms", NEVER)]);
        assert_eq!(never.keepalive, None);
    }

    #[test]
    fn unusable_values_and_unknown_names_change_nothing() {
        let options = ChannelOptions::from_args([
            int("grpc.keepalive_time_ms", 0),
            int("grpc.keepalive_timeout_ms", -5),
            ("grpc.keepalive_time_ms", OptionValue::Text("often".into())),
            int("grpc.default_authority", 7),
            int("grpc.http2.max_pings_without_data", 3),
            int("grpc.no_such_thing", 1),
        ]);
        assert_eq!(options, ChannelOptions::default());
    }
}
