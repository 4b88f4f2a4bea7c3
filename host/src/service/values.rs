//! A driver's stream of values on its way to a client.
//!
//! Values are pulled from the driver in batches, and only when the connection has room, so a slow
//! client slows the driver down and nothing piles up here.

use std::sync::Arc;
use std::vec;

use bytes::Bytes;
use futures_util::stream;
use jumpstarter_proto::v1::StreamingDriverCallResponse;
use tokio::time::Instant;
use tonic::Status;
use tonic::codegen::BoxStream;

use crate::plugin::ValueStream;
use crate::session::{Session, Visitor};
use crate::tree::Kind;

use super::call::{self, Request};
use super::ids;
use super::operation::Operation;

/// A stream that is being read.
struct Reading {
    session: Arc<Session>,
    operation: Operation,
    values: ValueStream,
    batch: vec::IntoIter<Bytes>,
    deadline: Option<Instant>,
}

/// Opens the stream.
pub(super) async fn open(
    visitor: &Visitor,
    request: Request,
) -> Result<BoxStream<StreamingDriverCallResponse>, Status> {
    let driver = request.driver(visitor, Kind::Stream)?;
    let session = Arc::clone(visitor.session());
    let Request {
        method,
        args,
        deadline,
        ..
    } = request;
    let mut operation = Operation::start(driver, method);
    let opening = operation
        .driver()
        .stream(operation.method(), &args, deadline);
    match call::within(&session, deadline, opening).await {
        Ok(values) => Ok(Box::pin(stream::unfold(
            Some(Reading {
                session,
                operation,
                values,
                batch: Vec::new().into_iter(),
                deadline,
            }),
            Reading::next,
        ))),
        Err(failure) => {
            operation.failed(&failure);
            Err(failure.into())
        }
    }
}

// === impl Reading ===

impl Reading {
    /// The next value and what is left to read; nothing is left after an error.
    async fn next(
        this: Option<Self>,
    ) -> Option<(Result<StreamingDriverCallResponse, Status>, Option<Self>)> {
        let mut this = this?;
        loop {
            if let Some(value) = this.batch.next() {
                let response = StreamingDriverCallResponse {
                    uuid: ids::response_id(),
                    result: value,
                };
                return Some((Ok(response), Some(this)));
            }
            let pulled = async { this.values.next_batch().await.transpose() };
            match call::within(&this.session, this.deadline, pulled).await {
                Ok(Some(batch)) => this.batch = batch.into_iter(),
                Ok(None) => {
                    this.operation.completed();
                    return None;
                }
                Err(failure) => {
                    this.operation.failed(&failure);
                    return Some((Err(failure.into()), None));
                }
            }
        }
    }
}
