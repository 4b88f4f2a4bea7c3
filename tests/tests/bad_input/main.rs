//! Whatever is wrong is said in a sentence, by name, with the next step; and the exporter goes on
//! where it can, and does not start where it cannot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod calls;
mod config;
mod listeners;
mod plugins;
