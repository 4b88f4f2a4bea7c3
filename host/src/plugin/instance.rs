//! A driver that is open: what the rest of the exporter calls.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use jumpstarter_value::ListWriter;
use tokio::time::Instant;

use super::ask::Kind;
use super::bytes::{ByteStream, Outcome};
use super::driver::Driver;
use super::error::CallError;
use super::socket;
use super::stream::ValueStream;

/// An open driver of a plugin. Clones are the same driver.
#[derive(Clone, Debug)]
pub struct Instance {
    driver: Arc<Driver>,
}

// === impl Instance ===

impl Instance {
    pub(super) fn new(driver: Arc<Driver>) -> Self {
        Self { driver }
    }

    /// Calls a method. Arguments and result are encoded `google.protobuf.Value`s; the result is
    /// well-formed, whatever the driver sent.
    ///
    /// Giving the future up tells the driver that its caller is gone.
    ///
    /// # Errors
    /// What the driver answered; or it did not answer in time, is closed, is stuck, or sent
    /// something that is no value.
    pub async fn call(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<Bytes, CallError> {
        let ask = self.driver.ask(Kind::Call, method, frame(args), deadline);
        let (_, answer) = ask.await?;
        if answer.body.is_empty() {
            return Ok(Bytes::from_static(jumpstarter_value::NULL));
        }
        jumpstarter_value::validate(&answer.body).map_err(|error| {
            self.driver.broken(format_args!(
                "answered `{method}` with a malformed value: {error}"
            ))
        })?;
        Ok(Bytes::from(answer.body))
    }

    /// Calls a method that answers with a stream of values.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn stream(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<ValueStream, CallError> {
        let ask = self.driver.ask(Kind::Stream, method, frame(args), deadline);
        let (_, answer) = ask.await?;
        let driver = Arc::clone(&self.driver);
        ValueStream::new(driver, answer, method, deadline)
    }

    /// Opens a byte stream for somebody who looks at the socket alone.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn connect(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<OwnedFd, CallError> {
        let ByteStream { socket, outcome } = self.bytes(method, args, deadline).await?;
        if let Some(outcome) = outcome {
            outcome.forget();
        }
        Ok(socket)
    }

    /// Opens a byte stream.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn bytes(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<ByteStream, CallError> {
        let ask = self
            .driver
            .ask(Kind::Connect, method, frame(args), deadline);
        let (_, answer) = ask.await?;
        // Also when the socket is of no use: the stream is to end then.
        let outcome = Outcome::ask(&self.driver, answer.handle);
        let socket = socket::checked(answer.fd).map_err(|reason| {
            self.driver
                .broken(format_args!("answered `{method}` with {reason}"))
        })?;
        Ok(ByteStream { socket, outcome })
    }

    /// Closes the driver. It may be called again, and then does nothing.
    ///
    /// # Errors
    /// What the driver answered. It is closed all the same.
    pub async fn close(&self) -> Result<(), CallError> {
        self.driver.close().await
    }

    /// Its name in the tree.
    pub fn name(&self) -> &str {
        &self.driver.name
    }
}

/// The arguments as one list.
pub(super) fn frame(args: &[Bytes]) -> Vec<u8> {
    // Each with a key and a length of up to five bytes.
    let mut list = ListWriter::with_capacity(args.iter().map(|arg| arg.len() + 6).sum());
    args.iter().for_each(|arg| list.push_raw(arg));
    list.into_bytes()
}
