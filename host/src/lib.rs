//! The exporter: loads driver plugins and serves them over gRPC.

pub mod cli;
pub mod cmd;
pub mod config;
pub mod listen;
pub mod log;
pub mod plugin;
pub mod resource;
pub mod service;
pub mod session;
mod stream;
pub mod tree;
