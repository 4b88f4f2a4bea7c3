//! Stories about the whole program: the real binary, real ports, real files.

#![allow(clippy::unwrap_used)]

#[path = "program/admin.rs"]
mod admin;
#[path = "program/lab.rs"]
mod lab;
#[path = "program/restart.rs"]
mod restart;
#[path = "program/router.rs"]
mod router;
#[path = "program/web.rs"]
mod web;
