//! Who a caller is, and which issuers may vouch for it.
//!
//! ```text
//!  authorization: Bearer … ─► Jws ─┬─ our issuer, or that of a former installation ─► Tokens ─► the lab's credentials
//!                                  └─ an issuer of the configuration ─► Issuers ─► its keys, fetched by HTTPS
//!                                                  │
//!  jumpstarter-kind, -namespace, -name ────────────┴─► Authenticator ─► Caller { object, username, peer }
//! ```
//!
//! Signing keys are files in the data folder ([`Keys`]), issued tokens are recorded in the database
//! ([`Credential`](crate::model::Credential)), and the tokens themselves are only with their owners.
//! Router tokens ([`router`]) are something else: they live for minutes and name a stream.

mod authenticator;
mod caller;
mod connection;
mod error;
pub(crate) mod files;
pub mod issuers;
mod jws;
mod keys;
mod metadata;
mod name;
mod peer;
mod public_key;
pub mod router;
mod subject;
#[cfg(test)]
mod tests;
mod tokens;

pub use authenticator::{Authenticator, Rules};
pub use caller::{Admin, Anyone, Caller};
pub use connection::ConnectionState;
pub(crate) use connection::UnfinishedRequest;
pub use error::{AuthError, KeysError, TokenError};
pub use issuers::Issuers;
pub use keys::{Import, KeyState, Keys};
pub use name::derive as derive_name;
pub use peer::Peer;
pub use router::RouterTokens;
pub use subject::Subject;
pub use tokens::{Claims, TokenRules, Tokens};
