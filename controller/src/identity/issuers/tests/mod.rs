//! A small identity provider over real TLS, and what happens to its tokens.

#![allow(clippy::unwrap_used)]

mod keys;
mod provider;
mod stories;

pub(in crate::identity) use keys::Signer;
pub(in crate::identity) use provider::Provider;
