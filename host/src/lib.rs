//! The exporter: loads driver plugins and serves them over gRPC.

pub mod config;
pub mod listen;
pub mod log;
pub mod plugin;
pub mod tree;
