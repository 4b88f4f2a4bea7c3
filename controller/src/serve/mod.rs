//! The running controller: its endpoints, what they serve, and its end.
//!
//! ```text
//!  :8082 TLS  controller, login, REST, admin (token) ─┐
//!  :8083 TLS  router ─────────────────────────────────┤
//!  :8086      login                                   ├─► Installation
//!  :8081      health     :8080 metrics                │
//!  admin.sock admin ──────────────────────────────────┘
//! ```

mod body_budget;
mod connection_limit;
mod dispatch;
mod endpoints;
mod error;
mod installation;
mod listen;
mod notify;
mod preface_timeout;
mod program;
mod reload;
mod tunnels;

pub use endpoints::LocalUser;
pub use error::StartError;
pub use installation::{Installation, Trusted};
pub use program::{Role, run};
pub use tunnels::Tunnels;
