//! Flashers: images to a board and back.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use tracing::warn;

use super::commands::{describe, own};
use super::transfer::{self, Source, Target, compression, compression_of, file, file_of};
use crate::Device;
use crate::resource::Compression;
use crate::ui::{Failure, Outcome};

pub(super) const ABOUT: &str = "Generic flasher interface";

/// Two families of clients, which differ only in what they say to a compressed URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Core,
    Opendal,
}

/// One image to flash.
pub(super) struct Image<'a> {
    /// Where on the board, if the board has several places.
    pub(super) target: Option<&'a str>,
    pub(super) file: &'a OsStr,
}

pub(super) fn command(group: Command, device: &Device) -> Command {
    describe(group, device, ABOUT).subcommands(commands(device))
}

/// `flash` and `dump`.
pub(super) fn commands(device: &Device) -> [Command; 2] {
    let flash = own(device, "flash", "Flash image to DUT")
        .arg(
            file("file")
                .required(false)
                .num_args(0..)
                .help("The image: a file, an http(s) URL, or - for stdin"),
        )
        .arg(
            Arg::new("target")
                .short('t')
                .long("target")
                .value_name("NAME:FILE")
                .action(ArgAction::Append)
                .value_parser(value_parser!(OsString))
                .value_hint(ValueHint::FilePath)
                .help("An image for the place NAME; may be repeated"),
        )
        .arg(compression());
    let dump = own(device, "dump", "Dump image from DUT to file")
        .arg(file("file").help("Where to put it: a file, an http(s) URL, or - for stdout"))
        .arg(
            Arg::new("target")
                .long("target")
                .value_name("TEXT")
                .help("The place to read"),
        )
        .arg(compression());
    [flash, dump]
}

pub(super) async fn run(
    device: &Device,
    family: Family,
    name: &str,
    matches: &ArgMatches,
) -> Outcome {
    match name {
        "flash" => {
            let compression = compression_of(matches);
            let mut sources = Vec::new();
            // All files are looked at before the first one is on its way.
            for Image { target, file } in images(matches)? {
                sources.push((target, source(file, compression, family).await?));
            }
            for (target, source) in sources {
                transfer::send(device, source, compression, async |handle| {
                    device.call_raw("flash", (handle, target)).await
                })
                .await?;
            }
        }
        _ => {
            let place = matches.get_one::<String>("target");
            let target = Target::new(file_of(matches, "file"))?;
            transfer::fetch(device, target, compression_of(matches), async |handle| {
                device.call_raw("dump", (handle, place)).await
            })
            .await?;
        }
    }
    Ok(0)
}

/// The images that `flash` names.
pub(super) fn images(matches: &ArgMatches) -> Result<Vec<Image<'_>>, Failure> {
    if let Some(specs) = matches.get_many::<OsString>("target") {
        let images: Vec<Image<'_>> = specs.map(|spec| image(spec)).collect::<Result<_, _>>()?;
        if images.iter().filter(|image| image.file == "-").count() > 1 {
            return Err(Failure::Error(
                "stdin (-) is one image only; name a file for each of the others".to_owned(),
            ));
        }
        return Ok(images);
    }
    let mut files = matches.get_many::<OsString>("file").into_iter().flatten();
    let Some(file) = files.next() else {
        return Err(Failure::Error(
            "FILE argument is required unless --target/-t is used".to_owned(),
        ));
    };
    if files.next().is_some() {
        warn!("only `{}` is flashed", file.display());
    }
    Ok(vec![Image { target: None, file }])
}

fn image(spec: &OsStr) -> Result<Image<'_>, Failure> {
    use std::os::unix::ffi::OsStrExt;

    let bytes = spec.as_bytes();
    let colon = bytes.iter().position(|byte| *byte == b':');
    let split = colon.and_then(|colon| {
        let name = std::str::from_utf8(&bytes[..colon]).ok()?;
        Some((name, OsStr::from_bytes(&bytes[colon + 1..])))
    });
    match split {
        Some((name, file)) => Ok(Image {
            target: Some(name),
            file,
        }),
        None => Err(Failure::Error(format!(
            "Invalid target spec '{}', expected name:file",
            spec.display()
        ))),
    }
}

/// An image, with what the family says to a URL that is said to be compressed.
pub(super) async fn source(
    file: &OsStr,
    compression: Option<Compression>,
    family: Family,
) -> Result<Source, Failure> {
    let source = Source::open(file, compression).await?;
    if compression.is_some() && matches!(source, Source::Url(_)) {
        match family {
            Family::Core => warn!("compression parameter is ignored for HTTP URLs"),
            Family::Opendal => {
                return Err(Failure::Error(
                    "compression is not supported with direct HTTP URLs (original_url)".to_owned(),
                ));
            }
        }
    }
    Ok(source)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn specs_are_split_at_the_first_colon() {
        let spec = OsString::from("root:http://h:1/a");
        let found = image(&spec).unwrap();
        assert_eq!(found.target, Some("root"));
        assert_eq!(found.file, "http://h:1/a");
        assert!(image(OsStr::new("root")).is_err());
    }
}
