//! Asking the host for something and waiting for the answer.

use jumpstarter_completion::{Answer, Pending, begin};
use jumpstarter_driver_abi::{Code, Completion};

use crate::{Error, Result};

/// Starts work on the other side.
pub(crate) fn ask(start: impl FnOnce(Completion)) -> Pending {
    let (pending, done) = begin();
    start(done);
    pending
}

/// The answer, or the error that it is.
pub(crate) fn checked(answer: Answer) -> Result<Answer> {
    match answer.code {
        Code::Ok => Ok(answer),
        code => Err(Error::new(code, &answer.message)),
    }
}

/// The error for something that this exporter does not offer.
pub(crate) fn missing(what: &str) -> Error {
    Error::unimplemented(format_args!(
        "this exporter offers drivers no access to {what}, a newer one does"
    ))
}
