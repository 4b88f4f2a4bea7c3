//! A stream of values that a test has opened.

use std::collections::VecDeque;
use std::marker::PhantomData;

use jumpstarter_value::{ListReader, from_slice};
use serde::de::DeserializeOwned;

use super::functions;
use super::wait::wait;
use crate::host::checked;
use crate::{Error, Result};

/// The values of a stream, fetched when they are asked for. Dropping it lets go of the stream.
#[derive(Debug)]
pub struct Values<T> {
    stream: u64,
    ready: VecDeque<Vec<u8>>,
    over: bool,
    item: PhantomData<fn() -> T>,
}

// === impl Values ===

impl<T> Values<T> {
    pub(super) fn new(stream: u64) -> Self {
        Self {
            stream,
            ready: VecDeque::new(),
            over: false,
            item: PhantomData,
        }
    }

    /// Fetches what is ready, at least one value unless the stream is over. The number of values is
    /// that of one reply.
    ///
    /// # Errors
    /// Those that a client would get. The stream is over then.
    pub fn fetch(&mut self) -> Result<usize> {
        let answer = checked(wait(functions::next(self.stream)));
        let answer = answer.inspect_err(|_| self.over = true)?;
        let before = self.ready.len();
        for value in ListReader::new(&answer.body) {
            self.ready.push_back(value?.to_vec());
        }
        self.over = answer.end_of_stream;
        Ok(self.ready.len() - before)
    }
}

impl<T: DeserializeOwned> Iterator for Values<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        while self.ready.is_empty() && !self.over {
            if let Err(error) = self.fetch() {
                return Some(Err(error));
            }
        }
        let value = self.ready.pop_front()?;
        Some(from_slice(&value).map_err(Error::from))
    }
}

impl<T> Drop for Values<T> {
    fn drop(&mut self) {
        functions::close_stream(self.stream);
    }
}
