//! Whether a port is there, without opening it: that would pulse DTR, which resets many boards.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use jumpstarter_driver::{Error, Result};
use nix::unistd::{AccessFlags, access};

use crate::errno::open_failed;

/// Makes sure that there is a device at `path` and that this user may open it. Whether somebody has
/// it open, and whether there is hardware behind it, shows when it is used.
pub(crate) fn check(path: &Path, url: &str) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|error| open_failed(url, &error))?;
    if !metadata.file_type().is_char_device() {
        let text = format_args!("could not open port {url}: it is no serial port");
        return Err(Error::internal(text));
    }
    access(path, AccessFlags::R_OK | AccessFlags::W_OK)
        .map_err(|error| open_failed(url, &io::Error::from(error)))
}
