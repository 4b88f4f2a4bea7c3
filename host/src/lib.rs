//! The exporter: loads driver plugins and serves them over gRPC.

pub mod cli;
pub mod cmd;
pub mod config;
pub mod controller;
pub mod failure;
pub mod hook;
pub mod journal;
pub mod lease;
pub mod life;
pub mod listen;
pub mod log;
pub mod notify;
pub mod plugin;
pub mod resource;
pub mod service;
pub mod session;
pub mod sidecar;
mod stream;
pub mod telemetry;
pub mod tree;
