//! Every environment variable we read or set, in one place.

/// Where the exporter of this shell is: `host:port` or the path of a unix socket.
pub const HOST: &str = "JUMPSTARTER_HOST";

/// Driver clients that may be used: comma-separated globs, or `UNSAFE` for all.
pub const DRIVERS_ALLOW: &str = "JMP_DRIVERS_ALLOW";

/// True: any driver client may be used.
pub const DRIVERS_UNSAFE: &str = "JMP_DRIVERS_UNSAFE";

/// Not empty: do not warn about driver clients that are not available.
pub const SUPPRESS_DRIVER_WARNINGS: &str = "_JMP_SUPPRESS_DRIVER_WARNINGS";

/// `1`: `jmp` does not verify TLS certificates, and `j` speaks plaintext to a TCP host.
pub const GRPC_INSECURE: &str = "JMP_GRPC_INSECURE";

/// The older name of [`GRPC_INSECURE`].
pub const GRPC_INSECURE_OLD: &str = "JUMPSTARTER_GRPC_INSECURE";

/// Set by our `jmp shell` when it uses TLS without verification, so that `j` does the same although
/// [`GRPC_INSECURE`] tells it to speak plaintext.
pub const TLS_UNVERIFIED: &str = "_JMP_TLS_UNVERIFIED";

/// The passphrase of an exporter in direct mode.
pub const GRPC_PASSPHRASE: &str = "JMP_GRPC_PASSPHRASE";

/// Name of the exporter of this shell.
pub const EXPORTER: &str = "JMP_EXPORTER";

/// Labels of the exporter of this shell: `a=1,b=2`.
pub const EXPORTER_LABELS: &str = "JMP_EXPORTER_LABELS";

/// How long to try to reach an exporter that was found, in seconds.
pub const DIAL_TIMEOUT: &str = "JMP_DIAL_TIMEOUT";

/// How long to try again with another lease, in seconds.
pub const RETRY_TIMEOUT: &str = "JMP_RETRY_TIMEOUT";

/// `1` or `true`: nobody watches, even if there is a terminal.
pub const NONINTERACTIVE: &str = "NONINTERACTIVE";

/// Name of the lease of this shell.
pub const LEASE: &str = "JMP_LEASE";

/// PEM file with the certificates to trust instead of the system's; gRPC's own variable.
pub const ROOTS_FILE: &str = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";

/// `1`: log in with the device flow.
pub const OIDC_DEVICE_FLOW: &str = "JMP_OIDC_DEVICE_FLOW";

/// The port that a browser comes back to after a login.
pub const OIDC_CALLBACK_PORT: &str = "JMP_OIDC_CALLBACK_PORT";

/// Where client configuration lives, instead of `~/.config/jumpstarter`.
pub const CONFIG_HOME: &str = "JMP_CLIENT_CONFIG_HOME";

/// The variable with this name, if it is set, not empty and valid UTF-8.
pub fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the user asked for an insecure connection, with either variable.
///
/// Only the exact string `1` counts, because that is what other programs look for.
pub fn insecure() -> bool {
    [GRPC_INSECURE, GRPC_INSECURE_OLD]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| value == "1"))
}
