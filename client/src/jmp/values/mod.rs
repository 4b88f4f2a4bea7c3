//! What people write behind options: durations, times, pairs.

mod datetime;
mod duration;
mod iso;
mod pairs;

pub(super) use datetime::datetime;
pub(super) use duration::{at_least_5_seconds, duration, not_negative};
pub(super) use pairs::{context, tags};
