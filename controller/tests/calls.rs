//! Stories about calls, good and bad, to a real controller over real connections.

#![allow(clippy::unwrap_used)]

#[path = "calls/changes.rs"]
mod changes;
#[path = "calls/crowd.rs"]
mod crowd;
#[path = "calls/door.rs"]
mod door;
#[path = "calls/interface.rs"]
mod interface;
#[path = "program/lab.rs"]
#[allow(dead_code, reason = "stories about the program use the rest")]
mod lab;
#[path = "calls/line.rs"]
mod line;
#[path = "calls/lists.rs"]
mod lists;
#[path = "calls/meta.rs"]
mod meta;
#[path = "calls/methods.rs"]
mod methods;
#[path = "calls/names.rs"]
mod names;
#[path = "calls/people.rs"]
mod people;
#[path = "calls/refusals.rs"]
mod refusals;
#[path = "calls/rest.rs"]
mod rest;
#[path = "calls/services.rs"]
mod services;
#[path = "calls/streams.rs"]
mod streams;
#[path = "calls/tell.rs"]
mod tell;
#[path = "calls/times.rs"]
mod times;
#[path = "calls/tokens.rs"]
mod tokens;
#[path = "calls/trouble.rs"]
mod trouble;
#[path = "calls/wishes.rs"]
mod wishes;
