//! Stories about the whole program: the real binary, real ports, real files.

#![allow(clippy::unwrap_used)]

#[path = "program/admin.rs"]
mod admin;
#[path = "program/documents.rs"]
mod documents;
#[path = "program/help.rs"]
mod help;
#[path = "program/keys.rs"]
mod keys;
#[path = "program/lab.rs"]
mod lab;
#[path = "program/meeting.rs"]
mod meeting;
#[path = "program/reload.rs"]
mod reload;
#[path = "program/restart.rs"]
mod restart;
#[path = "program/roles.rs"]
mod roles;
#[path = "program/router.rs"]
mod router;
#[path = "program/systemd.rs"]
mod systemd;
#[path = "program/tunnels.rs"]
mod tunnels;
#[path = "program/web.rs"]
mod web;
#[path = "program/wire.rs"]
mod wire;
