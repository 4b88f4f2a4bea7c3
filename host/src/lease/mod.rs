//! The life of an exporter, from its registration to its last word.

mod action;
mod coming;
mod departure;
mod event;
mod life;
mod phase;
mod setup;
mod text;
mod turn;
mod wait;

pub use action::Action;
pub use event::{Ended, Event, LeaseId, Stopping, Timer, When};
pub use life::Life;
pub use phase::Phase;
pub use setup::{Mode, Rule, Setup};
