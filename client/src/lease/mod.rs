//! Leases: an exporter for oneself, for a while.
//!
//! ```text
//! Leases ── hold(Request) ──► Held ── ready ──► Lease     who has got which exporter, until when
//!        └─ take(name) ─────►  │ ├── watch ──► Moment    it ends soon, it has ended
//!                              │ ├── tunnel ─► Tunnel    a unix socket that leads to the exporter
//!                              │ └── extend, transfer
//!                              └── release, or drop      it is given back
//! ```
//!
//! A lease that was asked for here is given back when its [`Held`] goes away, also when that is
//! because of a panic. Somebody who can wait says [`release`](Held::release) and knows that it is
//! done.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use jumpstarter_client::connect::{Options, connect};
//! use jumpstarter_client::controller::Controller;
//! use jumpstarter_client::lease::{Leases, Request};
//! use jumpstarter_client::{Host, Session};
//!
//! # async fn example(controller: Controller) -> Result<(), Box<dyn std::error::Error>> {
//! let leases = Leases::new(controller, "lab", "me");
//! let request = Request::matching("board=imx8").lasting(Duration::from_secs(1800));
//! let mut held = leases.hold(request).await?;
//! let lease = held
//!     .ready(Duration::from_secs(7200), |progress| println!("{progress}"))
//!     .await?;
//! println!("got {}", lease.exporter.as_deref().unwrap_or_default());
//!
//! held.dial(Duration::from_secs(60)).await?;
//! let tunnel = held.tunnel()?;
//! let host = Host::Unix(tunnel.path().to_owned());
//! let session = Session::open(connect(&host, &Options::default()).await?).await?;
//! if let Some(power) = session.root().child("power") {
//!     power.call::<()>("on", ()).await?;
//! }
//!
//! held.release().await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod create;
mod dial;
mod error;
mod held;
mod leases;
mod phase;
mod ready;
mod release;
mod request;
mod tunnel;
mod view;
mod watch;

#[cfg(feature = "commands")]
pub(crate) use create::create;
pub use dial::DialError;
pub use error::{AskError, ReadyError, TakeError};
pub use held::Held;
pub use leases::Leases;
pub use phase::Phase;
pub use ready::Progress;
pub use request::Request;
pub use tunnel::{Tunnel, TunnelError};
pub use view::Lease;
pub use watch::{Moment, Watch};
