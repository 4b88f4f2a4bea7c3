//! Gets lines to stderr without a system call in the way of the caller.
//!
//! Callers append to a shared buffer; a thread swaps it for an empty one and writes. The first line
//! after a quiet time is written at once; what follows within a few milliseconds goes together. When the
//! reader of stderr cannot keep up, callers wait: lines are never lost.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So much may wait to be written before callers have to wait.
const LIMIT: usize = 256 * 1024;
/// So much is worth a write of its own.
const ENOUGH: usize = 64 * 1024;
/// How long lines gather after a write.
const GATHER: Duration = Duration::from_millis(5);

pub(super) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// For the thread: there is something to do.
    work: Condvar,
    /// For callers: something has been written.
    written: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    /// The thread sleeps until told.
    idle: bool,
    /// The thread is busy with what it took.
    writing: bool,
    /// Somebody waits for everything to be written.
    hurry: bool,
}

// === impl Writer ===

impl Writer {
    pub(super) fn stderr() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    pub(super) fn to(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        // The thread ends with the process.
        thread::Builder::new()
            .name("log".into())
            .spawn(move || own.write_forever(sink))?;
        Ok(Self { shared })
    }

    pub(super) fn write(&self, line: &[u8]) {
        let mut state = self.shared.lock();
        while state.buffer.len() >= LIMIT {
            state = wait(&self.shared.written, state);
        }
        state.buffer.extend_from_slice(line);
        if state.idle || state.buffer.len() >= ENOUGH {
            state.idle = false;
            drop(state);
            self.shared.work.notify_one();
        }
    }

    /// Returns when every line so far has been written.
    pub(super) fn flush(&self) {
        let mut state = self.shared.lock();
        while state.writing || !state.buffer.is_empty() {
            state.hurry = true;
            self.shared.work.notify_one();
            state = wait(&self.shared.written, state);
        }
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A buffer of bytes is whole after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_forever(&self, mut sink: impl Write) {
        let mut mine = Vec::with_capacity(4096);
        let mut state = self.lock();
        loop {
            while state.buffer.is_empty() {
                // After a storm of lines; during one, giving memory back would only cost time.
                state.buffer.shrink_to(ENOUGH);
                mine.shrink_to(ENOUGH);
                state.idle = true;
                state = wait(&self.work, state);
            }
            state.idle = false;
            std::mem::swap(&mut state.buffer, &mut mine);
            state.writing = true;
            drop(state);

            // Nobody is left to be told when stderr is gone.
            drop(sink.write_all(&mine).and_then(|()| sink.flush()));
            mine.clear();

            state = self.lock();
            state.writing = false;
            let hurry = std::mem::take(&mut state.hurry);
            self.written.notify_all();
            if !hurry && state.buffer.len() < ENOUGH {
                state = self
                    .work
                    .wait_timeout_while(state, GATHER, |state| {
                        state.buffer.len() < ENOUGH && !state.hurry
                    })
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::Duration;

    use super::{LIMIT, Writer};

    #[derive(Clone, Default)]
    struct Slow {
        seen: Arc<Mutex<Vec<u8>>>,
        pause: Duration,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            thread::sleep(self.pause);
            self.seen.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_arrives_without_a_flush() {
        let sink = Slow::default();
        let writer = Writer::to(sink.clone()).unwrap();
        for round in 1..=3 {
            writer.write(b"line\n");
            let mut tries = 0;
            while sink.seen.lock().unwrap().len() < 5 * round {
                tries += 1;
                assert!(tries < 1000, "the line never came");
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn a_slow_reader_loses_nothing() {
        let sink = Slow {
            pause: Duration::from_millis(5),
            ..Slow::default()
        };
        let writer = Arc::new(Writer::to(sink.clone()).unwrap());
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let writer = Arc::clone(&writer);
                thread::spawn(move || {
                    for number in 0..2000 {
                        writer.write(format!("{thread} {number:0>200}\n").as_bytes());
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        writer.flush();
        let seen = sink.seen.lock().unwrap();
        assert!(seen.len() > LIMIT, "the test should fill the buffer");
        for thread in 0..4 {
            let prefix = format!("{thread} ");
            let numbers: Vec<usize> = std::str::from_utf8(&seen)
                .unwrap()
                .lines()
                .filter_map(|line| line.strip_prefix(&prefix))
                .map(|number| number.parse().unwrap())
                .collect();
            assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
        }
    }
}
