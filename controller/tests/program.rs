//! Stories about the whole program: the real binary, real ports, real files.

#![allow(clippy::unwrap_used)]

#[path = "program/admin.rs"]
mod admin;
#[path = "program/calls.rs"]
mod calls;
#[path = "program/crowd.rs"]
mod crowd;
#[path = "program/door.rs"]
mod door;
#[path = "program/lab.rs"]
mod lab;
#[path = "program/line.rs"]
mod line;
#[path = "program/meta.rs"]
mod meta;
#[path = "program/names.rs"]
mod names;
#[path = "program/people.rs"]
mod people;
#[path = "program/refusals.rs"]
mod refusals;
#[path = "program/rest.rs"]
mod rest;
#[path = "program/restart.rs"]
mod restart;
#[path = "program/router.rs"]
mod router;
#[path = "program/services.rs"]
mod services;
#[path = "program/streams.rs"]
mod streams;
#[path = "program/trouble.rs"]
mod trouble;
#[path = "program/web.rs"]
mod web;
#[path = "program/wishes.rs"]
mod wishes;
