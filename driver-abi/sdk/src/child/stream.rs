//! A stream of values from a child, fetched in batches.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use jumpstarter_completion::Answer;
use jumpstarter_driver_abi::STREAM_BATCH;
use jumpstarter_value::{ListReader, from_slice};
use serde::de::DeserializeOwned;

use crate::Result;
use crate::host::{Tree, checked};

/// An open stream of the host.
struct Remote {
    tree: Tree,
    handle: u64,
    ready: VecDeque<Vec<u8>>,
    over: bool,
}

/// The items of the stream that `answer` has opened.
pub(super) fn items<T: DeserializeOwned>(
    tree: Tree,
    answer: &Answer,
) -> Result<impl Stream<Item = Result<T>> + Send + use<T>> {
    let mut remote = Remote {
        tree,
        handle: answer.handle,
        ready: VecDeque::new(),
        over: false,
    };
    remote.keep(answer)?;
    Ok(stream::unfold(remote, |mut remote| async move {
        let item = remote.next().await.transpose()?;
        let item = item.and_then(|value| Ok(from_slice(&value)?));
        Some((item, remote))
    }))
}

// === impl Remote ===

impl Remote {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while self.ready.is_empty() && !self.over {
            if let Err(error) = self.fetch().await {
                self.over = true;
                return Err(error);
            }
        }
        Ok(self.ready.pop_front())
    }

    async fn fetch(&mut self) -> Result<()> {
        let answer = checked(self.tree.next(self.handle, STREAM_BATCH).await)?;
        self.keep(&answer)
    }

    fn keep(&mut self, answer: &Answer) -> Result<()> {
        for value in ListReader::new(&answer.body) {
            self.ready.push_back(value?.to_vec());
        }
        self.over = answer.end_of_stream;
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.tree.close(self.handle);
    }
}
