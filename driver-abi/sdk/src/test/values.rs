//! A stream of values that a test has opened.

use std::collections::VecDeque;
use std::marker::PhantomData;

use jumpstarter_completion::Answer;
use jumpstarter_value::{ListReader, from_slice};
use serde::de::DeserializeOwned;

use super::functions;
use crate::host::checked;
use crate::wait::wait;
use crate::{Error, Result};

/// The values of a stream, fetched when they are asked for. Dropping it lets go of the stream.
#[derive(Debug)]
pub struct Values<T> {
    stream: u64,
    ready: VecDeque<Vec<u8>>,
    /// How many of them came when the stream was opened, until somebody fetches.
    came_along: usize,
    over: bool,
    item: PhantomData<fn() -> T>,
}

// === impl Values ===

impl<T> Values<T> {
    /// The stream that `answer` has opened, and the values that came along.
    pub(super) fn new(answer: &Answer) -> Result<Self> {
        let mut values = Self {
            stream: answer.handle,
            ready: VecDeque::new(),
            came_along: 0,
            over: false,
            item: PhantomData,
        };
        values.keep(answer)?;
        values.came_along = values.ready.len();
        Ok(values)
    }

    fn keep(&mut self, answer: &Answer) -> Result<()> {
        for value in ListReader::new(&answer.body) {
            self.ready.push_back(value?.to_vec());
        }
        self.over = answer.end_of_stream;
        Ok(())
    }

    /// Fetches what is ready, at least one value unless the stream is over. The number of values is
    /// that of one reply; the first is the one that opened the stream, if it brought any.
    ///
    /// # Errors
    /// Those that a client would get. The stream is over then.
    pub fn fetch(&mut self) -> Result<usize> {
        match std::mem::take(&mut self.came_along) {
            0 => self.pull(),
            count => Ok(count),
        }
    }

    fn pull(&mut self) -> Result<usize> {
        let answer = checked(wait(functions::next(self.stream)));
        let answer = answer.inspect_err(|_| self.over = true)?;
        let before = self.ready.len();
        self.keep(&answer)?;
        Ok(self.ready.len() - before)
    }
}

impl<T: DeserializeOwned> Iterator for Values<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        while self.ready.is_empty() && !self.over {
            if let Err(error) = self.pull() {
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
