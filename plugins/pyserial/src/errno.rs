//! Errors of the system as Python writes them, since clients show them and scripts look for them:
//! `[Errno 2] could not open port /dev/ttyUSB0: [Errno 2] No such file or directory: '/dev/ttyUSB0'`.

use std::fmt;
use std::io;

use jumpstarter_driver::Error;
use nix::errno::Errno;

/// An error of the system.
struct Told<'a>(&'a io::Error);

/// The error for a port that cannot be opened.
pub(crate) fn open_failed(url: &str, error: &io::Error) -> Error {
    let number = match error.raw_os_error() {
        Some(number) => format!("[Errno {number}] "),
        None => String::new(),
    };
    let told = Told(error);
    let hint = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EBUSY) => " (another program or stream has it for itself)",
        Some(Errno::EACCES) => " (is the exporter's user in the group that owns it?)",
        _ => "",
    };
    Error::internal(format_args!(
        "{number}could not open port {url}: {told}: '{url}'{hint}"
    ))
}

/// Whether that is the error for a port that somebody has for themselves.
pub(crate) fn is_busy(error: &Error) -> bool {
    let number = format!("[Errno {}]", Errno::EBUSY as i32);
    error.message().starts_with(&number)
}

/// The error for a port that is open and did not do something.
pub(crate) fn failed(error: &io::Error) -> Error {
    Error::internal(Told(error))
}

/// What a function of the `serialport` crate failed with. It keeps the description of an error of
/// the system, and not its number.
pub(crate) fn from_serialport(error: &serialport::Error) -> io::Error {
    if error.kind == serialport::ErrorKind::NoDevice {
        return io::Error::from_raw_os_error(Errno::EBUSY as i32);
    }
    (1..=LAST)
        .map(Errno::from_raw)
        .find(|errno| errno.desc() == error.description)
        .map_or_else(|| io::Error::other(error.description.clone()), Into::into)
}

/// The highest number of an error on Linux.
const LAST: i32 = 133;

// === impl Told ===

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match self.0.raw_os_error() {
            Some(number) => {
                let text = text.split(" (os error").next().unwrap_or(&text);
                write!(f, "[Errno {number}] {text}")
            }
            None => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use nix::errno::Errno;
    use serialport::ErrorKind;

    use super::{failed, from_serialport, is_busy, open_failed};

    #[test]
    fn errors_have_their_number_back() {
        for errno in [Errno::ENOTTY, Errno::EINVAL, Errno::EIO, Errno::EACCES] {
            let lost = serialport::Error::new(ErrorKind::Unknown, errno.desc());
            let found = from_serialport(&lost).raw_os_error();
            assert_eq!(found, Some(errno as i32));
        }
        let busy = serialport::Error::new(ErrorKind::NoDevice, "Unable to acquire");
        assert_eq!(
            from_serialport(&busy).raw_os_error(),
            Some(Errno::EBUSY as i32)
        );
        let odd = serialport::Error::new(ErrorKind::Unknown, "Settings did not apply correctly");
        assert_eq!(
            from_serialport(&odd).to_string(),
            "Settings did not apply correctly"
        );
    }

    #[test]
    fn texts_are_pythons() {
        let absent = io::Error::from_raw_os_error(2);
        let text =
            "[Errno 2] could not open port /dev/x: [Errno 2] No such file or directory: '/dev/x'";
        assert_eq!(open_failed("/dev/x", &absent).message(), text);
        assert!(!is_busy(&open_failed("/dev/x", &absent)));
        assert!(is_busy(&open_failed("/dev/x", &Errno::EBUSY.into())));
        let text = "[Errno 25] Inappropriate ioctl for device";
        assert_eq!(failed(&Errno::ENOTTY.into()).message(), text);
    }
}
