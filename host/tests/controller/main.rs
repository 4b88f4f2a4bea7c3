//! This exporter's link to its controller, over real TLS connections to a double of ours.

#![allow(clippy::unwrap_used)]

#[path = "../controller_support/mod.rs"]
mod support;

mod leaving;
mod registration;
mod release;
mod reports;
mod secrets;
mod streams;
mod trouble;
mod tunnels;
