//! Everything that this thread logs, down to the frames of HTTP/2.

use std::io;

use tokio::sync::watch;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use super::really;

/// What was logged since it was made.
pub struct Lines {
    text: watch::Sender<String>,
    _guard: DefaultGuard,
}

#[derive(Clone)]
struct Writer(watch::Sender<String>);

// === impl Lines ===

impl Lines {
    pub fn capture() -> Self {
        let text = watch::Sender::new(String::new());
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(Writer(text.clone()))
            .finish();
        Self {
            _guard: tracing::subscriber::set_default(subscriber),
            text,
        }
    }

    /// Everything, of every library.
    pub fn all(&self) -> String {
        self.text.borrow().clone()
    }

    /// The lines of ours that contain this.
    pub fn with(&self, pattern: &str) -> Vec<String> {
        found(&self.text.borrow(), pattern)
    }

    /// Waits until there are so many lines with this.
    pub async fn wait(&self, count: usize, pattern: &str) {
        let (mut text, pattern) = (self.text.subscribe(), pattern.to_owned());
        let what = format!("{count} lines say {pattern:?}");
        really(&what, async move {
            let enough = |text: &String| found(text, &pattern).len() >= count;
            text.wait_for(enough).await.map(drop).unwrap();
        })
        .await;
    }
}

fn found(text: &str, pattern: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.contains("jumpstarter") && line.contains(pattern))
        .map(str::to_owned)
        .collect()
}

// === impl Writer ===

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        self.0.send_modify(|text| text.push_str(&line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
