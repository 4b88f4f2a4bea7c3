//! Stories about the whole program: the real binary, real ports, real files.

#![allow(clippy::unwrap_used)]

#[path = "program/admin.rs"]
mod admin;
#[path = "program/lab.rs"]
mod lab;
#[path = "program/meeting.rs"]
mod meeting;
#[path = "program/restart.rs"]
mod restart;
#[path = "program/router.rs"]
mod router;
#[path = "program/tunnels.rs"]
mod tunnels;
#[path = "program/web.rs"]
mod web;
#[path = "program/wire.rs"]
mod wire;
