//! Arguments that all commands with data share.

use std::ffi::{OsStr, OsString};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, ValueHint, value_parser};

use crate::resource::Compression;

const COMPRESSION: &str = "compression";

/// `--compression`.
pub(in crate::j) fn compression() -> Arg {
    Arg::new(COMPRESSION)
        .long(COMPRESSION)
        .value_name("NAME")
        .ignore_case(true)
        .value_parser(PossibleValuesParser::new(
            Compression::ALL.map(Compression::name),
        ))
        .help("How the file on this side is compressed")
}

/// What was given for it.
pub(in crate::j) fn compression_of(matches: &ArgMatches) -> Option<Compression> {
    let given = matches.get_one::<String>(COMPRESSION)?;
    given.parse().ok()
}

/// A file of this machine, for the position `name`.
pub(in crate::j) fn file(name: &'static str) -> Arg {
    Arg::new(name)
        .value_name(name.to_uppercase())
        .value_parser(value_parser!(OsString))
        .value_hint(ValueHint::FilePath)
        .required(true)
}

/// What was given for it.
pub(in crate::j) fn file_of<'a>(matches: &'a ArgMatches, name: &str) -> &'a OsStr {
    let given = matches.get_one::<OsString>(name);
    given.map(OsString::as_os_str).unwrap_or_default()
}
