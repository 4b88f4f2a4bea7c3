//! What a process says, line by line, while it runs.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Lines read so far; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    shared: Arc<(Mutex<Said>, Condvar)>,
}

#[derive(Debug, Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

// === impl Lines ===

impl Lines {
    /// Reads `from` to its end, on a thread of its own that ends with it.
    pub fn read(from: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.shared);
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while matches!(from.read_until(b'\n', &mut line), Ok(read) if read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                shared.0.lock().unwrap().lines.push(text);
                shared.1.notify_all();
                line.clear();
            }
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        lines
    }

    /// Everything said so far.
    pub fn text(&self) -> String {
        self.shared.0.lock().unwrap().lines.join("\n")
    }

    /// Waits for a line that contains `text`, said before or after now, and returns it.
    ///
    /// `None` if the process stopped speaking, or `patience` ran out, without it.
    pub fn wait_for(&self, text: &str, patience: Duration) -> Option<String> {
        let until = Instant::now() + patience;
        let mut said = self.shared.0.lock().unwrap();
        loop {
            if let Some(line) = said.lines.iter().find(|line| line.contains(text)) {
                return Some(line.clone());
            }
            let left = until.checked_duration_since(Instant::now())?;
            if said.ended {
                return None;
            }
            said = self.shared.1.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Waits until the process has closed its end; false if it did not within `patience`.
    pub fn wait_for_end(&self, patience: Duration) -> bool {
        let said = self.shared.0.lock().unwrap();
        let (said, _) = self
            .shared
            .1
            .wait_timeout_while(said, patience, |said| !said.ended)
            .unwrap();
        said.ended
    }
}
