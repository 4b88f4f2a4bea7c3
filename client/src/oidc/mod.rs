//! Logging in at an identity provider: OpenID Connect, as far as a command line needs it.
//!
//! ```text
//! issuer ── discovery ──► Provider ─┬─ password, exchange, refresh ──► Tokens
//!                                   ├─ code:   browser ──► our callback ──► Tokens
//!                                   └─ device: browser anywhere; we ask until it is done
//! ```

mod code;
mod device;
mod error;
mod jwt;
mod provider;

pub(crate) use code::{Callback, CallbackError};
pub(crate) use error::OidcError;
pub(crate) use jwt::{Claims, same_issuer};
pub(crate) use provider::{Grant, Provider, Tokens, scope, trust};
