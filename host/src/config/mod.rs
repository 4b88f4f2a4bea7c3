//! The exporter's configuration file.
//!
//! ```text
//!   file --yaml--> nodes with places --read--> ExporterConfig + warnings
//!                                       \----> every mistake, with line, column and a suggestion
//! ```
//!
//! Every file that the reference accepts is accepted. What it silently ignores is a warning;
//! [`schema`] checks the settings of drivers against what their plugins say about them.

mod alias;
mod emit;
mod error;
mod load;
mod place;
mod read;
mod save;
pub mod schema;
pub mod shape;
mod suggest;
#[cfg(test)]
mod tests;
mod types;
mod yaml;

pub use alias::{AliasError, DeleteError, Locations, check as check_alias};
pub use error::{ConfigErrors, Mistake, Mistakes};
pub(crate) use load::sort;
pub use load::{Draft, Env, draft, find, load, load_alias, parse};
pub use place::{Place, Source};
pub use save::{SaveError, save, to_yaml};
pub use types::*;
pub use yaml::{Member, Node, Style, Value};
