//! Storage with paths: files of the exporter, or of a service it knows.

mod data;
mod show;

use clap::{Arg, ArgMatches, Command};
use serde_json::Value;

use super::commands::{describe, own};
use super::farewell::Farewell;
use super::transfer::{failed, file};
use crate::Device;
use crate::cli::integer;
use crate::ui::{Failure, Outcome, print};

pub(super) const ABOUT: &str = "Opendal Storage";

pub(super) fn command(group: Command, device: &Device) -> Command {
    let path = |name: &'static str, about: &str, help: &'static str| {
        own(device, name, about).arg(remote("path").help(help))
    };
    let presign = |name: &'static str, about: &str| {
        path(name, about, "The path to sign").arg(
            Arg::new("expire-second")
                .long("expire-second")
                .value_name("INT")
                .value_parser(integer)
                .required(true)
                .help("For how long the URL is good"),
        )
    };
    let pair = |name: &'static str, about: &str| {
        own(device, name, about).args([
            remote("source").help("The path that there is"),
            remote("target").help("The path that is to be"),
        ])
    };
    let from = own(device, "write-from-path", "Write a local file to storage").args([
        remote("dst").help("The path to write"),
        file("src").help("A file, an http(s) URL, or - for stdin"),
    ]);
    let into = own(device, "read-into-path", "Read a path into a local file").args([
        remote("src").help("The path to read"),
        file("dst").help("A file, or - for stdout"),
    ]);
    let algo = Arg::new("algo")
        .long("algo")
        .value_parser(["md5", "sha256"])
        .default_value("sha256")
        .help("Which hash");
    describe(group, device, ABOUT).subcommands([
        own(device, "capability", "Show what the storage can do"),
        pair("copy", "Copy a file"),
        path(
            "create-dir",
            "Create a directory",
            "The directory, ending in /",
        ),
        path(
            "delete",
            "Delete a file or an empty directory",
            "What to delete",
        ),
        path("exists", "Check whether a path exists", "What to look for"),
        path("hash", "Show the hash of a file", "The file").arg(algo),
        path("list", "List a directory", "The directory, ending in /"),
        presign("presign-read", "Make a URL to read a path"),
        presign("presign-stat", "Make a URL to ask for a path"),
        presign("presign-write", "Make a URL to write a path"),
        path("read-bytes", "Read a path to stdout", "The path to read"),
        into,
        path(
            "remove-all",
            "Remove a path and all below it",
            "What to remove",
        ),
        pair("rename", "Rename a file"),
        path(
            "scan",
            "List a directory and all below it",
            "The directory, ending in /",
        ),
        path("stat", "Show what is known about a path", "The path"),
        path("write-bytes", "Write stdin to a path", "The path to write"),
        from,
    ])
}

/// A path of the storage.
fn remote(name: &'static str) -> Arg {
    Arg::new(name)
        .value_name(name.to_uppercase())
        .required(true)
}

pub(super) async fn run(
    device: &Device,
    name: &str,
    matches: &ArgMatches,
    farewell: &Farewell,
) -> Outcome {
    let path = text(matches, "path");
    let method = name.replace('-', "_");
    match name {
        "write-bytes" => data::write(device, path, "-".as_ref(), farewell).await?,
        "read-bytes" => data::read(device, path, "-".as_ref(), farewell).await?,
        "write-from-path" => {
            let source = super::transfer::file_of(matches, "src");
            data::write(device, text(matches, "dst"), source, farewell).await?;
        }
        "read-into-path" => {
            let target = super::transfer::file_of(matches, "dst");
            data::read(device, text(matches, "src"), target, farewell).await?;
        }
        "stat" => show::metadata(&device.call("stat", (path,)).await.map_err(failed)?)?,
        "hash" => {
            let hash = device.call::<String>("hash", (path, text(matches, "algo")));
            print(&hash.await.map_err(failed)?)?;
        }
        "copy" | "rename" => {
            let args = (text(matches, "source"), text(matches, "target"));
            device.call_raw(name, args).await.map_err(failed)?;
        }
        "exists" => {
            if !device.call("exists", (path,)).await.map_err(failed)? {
                return Err(Failure::Error(format!("path {path} does not exist")));
            }
        }
        "list" | "scan" => {
            let mut entries = device
                .stream::<String>(name, (path,))
                .await
                .map_err(failed)?;
            while let Some(entry) = entries.next().await.map_err(failed)? {
                print(&entry)?;
            }
        }
        "presign-read" | "presign-stat" | "presign-write" => {
            let seconds = matches.get_one::<i64>("expire-second").copied();
            let args = (path, seconds.unwrap_or_default());
            show::presigned(&device.call(&method, args).await.map_err(failed)?)?;
        }
        "capability" => {
            let capability: Value = device.call("capability", ()).await.map_err(failed)?;
            show::capability(capability)?;
        }
        _ => {
            device.call_raw(&method, (path,)).await.map_err(failed)?;
        }
    }
    Ok(0)
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    // A command has only the arguments it declared.
    let given = matches.try_get_one::<String>(name).ok().flatten();
    given.map_or("", String::as_str)
}
