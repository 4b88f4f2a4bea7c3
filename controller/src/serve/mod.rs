//! The running controller: its doors, what is behind them, and its end.
//!
//! ```text
//!  :8082 TLS  controller, login, REST, admin (token) ─┐
//!  :8083 TLS  router ─────────────────────────────────┤
//!  :8086      login                                   ├─► Installation
//!  :8081      health     :8080 metrics                │
//!  admin.sock admin ──────────────────────────────────┘
//! ```

mod dispatch;
mod doors;
mod error;
mod first_words;
mod installation;
mod listen;
mod notify;
mod program;
mod rations;
mod reload;
mod rooms;
mod tunnels;

pub use doors::LocalUser;
pub use error::StartError;
pub use installation::{Installation, Trusted};
pub use program::{Role, run};
pub use tunnels::Tunnels;
