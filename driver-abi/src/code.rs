//! What a reply says about success.

/// Outcome of a call, numbered as gRPC numbers its status codes.
///
/// The host passes code and message to the client unchanged; the comments name what the Python
/// client raises for each.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It worked.
    Ok = 0,
    /// The call was given up, by the caller or because the driver is closing.
    Cancelled = 1,
    /// Any error of the driver without a better code (`DriverError`).
    Unknown = 2,
    /// An argument or a configuration value is wrong (`DriverInvalidArgument`).
    InvalidArgument = 3,
    /// The device or the driver took too long (`DriverError`).
    DeadlineExceeded = 4,
    /// The driver has no such method, or not of this kind (`DriverMethodNotImplemented`).
    NotFound = 5,
    /// The operating system refused something (`DriverError`).
    PermissionDenied = 7,
    /// The driver is not in the state that the call needs (`ExporterNotReady`).
    FailedPrecondition = 9,
    /// The method exists and does nothing in this driver (`DriverMethodNotImplemented`).
    Unimplemented = 12,
    /// The operating system or the driver itself failed; also a driver that panicked
    /// (`DriverError`).
    Internal = 13,
    /// The device cannot be reached (`DriverError`).
    Unavailable = 14,
}

// === impl Code ===

impl Code {
    /// The code with this number; every other number is [`Code::Unknown`].
    pub const fn from_i32(code: i32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Cancelled,
            3 => Self::InvalidArgument,
            4 => Self::DeadlineExceeded,
            5 => Self::NotFound,
            7 => Self::PermissionDenied,
            9 => Self::FailedPrecondition,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}
