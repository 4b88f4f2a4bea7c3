//! How failures look to a client: one place, so that the texts programs match on stay as they are.

use tonic::{Code, Status};
use uuid::Uuid;

use crate::plugin::CallError;
use crate::session::NotReady;
use crate::stream::{FrameError, Trouble};

use super::router::WantedError;

/// Why no driver was found for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LookupError {
    /// The UUID is none. The text is the one clients know from the reference.
    #[error("Unexpected <class 'ValueError'>: badly formed hexadecimal UUID string")]
    Malformed,
    /// No driver of this session has it.
    #[error("Unexpected <class 'KeyError'>: UUID('{0}')")]
    Unknown(Uuid),
}

impl From<LookupError> for Status {
    fn from(error: LookupError) -> Self {
        Status::unknown(error.to_string())
    }
}

impl From<NotReady> for Status {
    fn from(error: NotReady) -> Self {
        Status::failed_precondition(error.to_string())
    }
}

impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        // Drivers number their outcomes as gRPC does.
        Status::new(Code::from_i32(error.code as i32), error.message)
    }
}

impl From<WantedError> for Status {
    fn from(error: WantedError) -> Self {
        Status::invalid_argument(error.to_string())
    }
}

impl From<Trouble> for Status {
    fn from(trouble: Trouble) -> Self {
        let code = match &trouble {
            // The reference says no more than this; what follows is for people.
            Trouble::Driver(why) => return Status::aborted(format!("RouterStream: aclose: {why}")),
            Trouble::Frame(FrameError::Compressed) => Code::Unimplemented,
            Trouble::Frame(FrameError::TooLong(_)) => Code::OutOfRange,
            Trouble::Frame(_) | Trouble::Ours(_) => Code::Internal,
            Trouble::Gone => Code::Cancelled,
        };
        Status::new(code, trouble.to_string())
    }
}

/// The session closes while the call is running.
pub(super) fn closing() -> Status {
    Status::unavailable("Cancelling all calls")
}

/// The client's own time limit has passed.
pub(super) fn too_late() -> Status {
    Status::deadline_exceeded("Deadline Exceeded")
}

/// Something is wrong with this program.
pub(super) fn ours(error: impl std::error::Error) -> Status {
    Status::internal(error.to_string())
}

/// Reads a UUID in every spelling that Python's `UUID()` accepts.
pub(super) fn parse_uuid(text: &str) -> Result<Uuid, LookupError> {
    // Nearly every client sends the plain spelling.
    if let Ok(uuid) = Uuid::try_parse(text) {
        return Ok(uuid);
    }
    let digits = text
        .replace("urn:", "")
        .replace("uuid:", "")
        .trim_matches(['{', '}'])
        .replace('-', "");
    if digits.len() != 32 {
        return Err(LookupError::Malformed);
    }
    Uuid::try_parse(&digits).map_err(|_| LookupError::Malformed)
}

#[cfg(test)]
mod tests {
    use tonic::{Code as Theirs, Status};

    use super::{LookupError, parse_uuid};
    use crate::plugin::{CallError, Code};

    #[test]
    fn outcomes_of_drivers_are_statuses_of_the_same_name() {
        for (ours, theirs) in [
            (Code::Cancelled, Theirs::Cancelled),
            (Code::Unknown, Theirs::Unknown),
            (Code::InvalidArgument, Theirs::InvalidArgument),
            (Code::DeadlineExceeded, Theirs::DeadlineExceeded),
            (Code::NotFound, Theirs::NotFound),
            (Code::PermissionDenied, Theirs::PermissionDenied),
            (Code::FailedPrecondition, Theirs::FailedPrecondition),
            (Code::Unimplemented, Theirs::Unimplemented),
            (Code::Internal, Theirs::Internal),
            (Code::Unavailable, Theirs::Unavailable),
        ] {
            let status = Status::from(CallError::new(ours, "why"));
            assert_eq!((status.code(), status.message()), (theirs, "why"));
        }
    }

    #[test]
    fn spellings_of_a_uuid() {
        let plain = parse_uuid("a1b2c3d4-0000-4000-8000-0123456789ab");
        assert!(plain.is_ok());
        for text in [
            "A1B2C3D4-0000-4000-8000-0123456789AB",
            "a1b2c3d40000400080000123456789ab",
            "{a1b2c3d4-0000-4000-8000-0123456789ab}",
            "urn:uuid:a1b2c3d4-0000-4000-8000-0123456789ab",
            "uuid:a1b2c3d4-0000-4000-8000-0123456789ab",
            "a1b2-c3d4-0000-4000-8000-0123-4567-89ab",
            "}a1b2c3d40000400080000123456789ab{",
        ] {
            assert_eq!(parse_uuid(text), plain, "{text}");
        }
    }

    #[test]
    fn not_a_uuid() {
        for text in [
            "",
            "power",
            "a1b2c3d4-0000-4000-8000-0123456789a",
            "g1b2c3d4-0000-4000-8000-0123456789ab",
            "a1b2c3d4-0000-4000-8000-0123456789ab0",
        ] {
            assert_eq!(parse_uuid(text), Err(LookupError::Malformed), "{text}");
        }
    }
}
