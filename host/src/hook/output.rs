//! What a hook prints, on its way from the terminal to the log.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::screen::Screen;

/// Late output ends when there was none for so long,
const QUIET: Duration = Duration::from_secs(1);
/// or when it took so long,
const LATEST: Duration = Duration::from_secs(2);
/// or when it was so much.
const MOST: usize = 256 * 1024;

/// The way from a terminal to its [`Voice`](super::voice::Voice).
#[derive(Debug)]
pub(super) struct Output {
    screen: Screen,
    chunks: mpsc::Sender<Vec<u8>>,
    /// Nobody has the terminal any more.
    dark: bool,
}

// === impl Output ===

impl Output {
    pub(super) fn new(screen: Screen, chunks: mpsc::Sender<Vec<u8>>) -> Self {
        Self {
            screen,
            chunks,
            dark: false,
        }
    }

    /// Hands on what appears, and never comes back. Nothing is lost by dropping this.
    pub(super) async fn follow(&mut self) -> ! {
        while self.piece().await.is_some() {}
        std::future::pending().await
    }

    /// Hands on what appears until then.
    pub(super) async fn follow_until(&mut self, then: Instant) {
        // An error is what it is for: the time has come.
        if let Ok(never) = timeout_at(then, self.follow()).await {
            never
        }
    }

    /// Hands on what comes late: from the terminal's buffer, or from somebody in the background.
    pub(super) async fn drain(&mut self) {
        let latest = Instant::now() + LATEST;
        let mut room = MOST;
        while room > 0 && Instant::now() < latest {
            let quiet = latest.min(Instant::now() + QUIET);
            match timeout_at(quiet, self.piece()).await {
                Ok(Some(length)) => room = room.saturating_sub(length),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Hands on what appears next; its length, or none at the end.
    async fn piece(&mut self) -> Option<usize> {
        if self.dark {
            return None;
        }
        // The place comes first, so that nothing has been read yet while this waits for it. If nobody
        // listens any more, all that is left to do is to keep the hook from getting stuck.
        let place = self.chunks.reserve().await.ok();
        let Some(chunk) = self.screen.read().await else {
            self.dark = true;
            return None;
        };
        let length = chunk.len();
        if let Some(place) = place {
            place.send(chunk);
        }
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;
    use std::io::Write;
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;
    use tokio::time::sleep;

    use super::super::screen::Screen;
    use super::{MOST, Output};

    /// A terminal: where programs write, where it goes, and what has come out.
    fn open() -> (File, Output, JoinHandle<Vec<u8>>) {
        let (screen, programs) = Screen::open().unwrap();
        let (chunks, mut waiting) = mpsc::channel(1);
        let seen = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(chunk) = waiting.recv().await {
                seen.extend(chunk);
            }
            seen
        });
        (programs, Output::new(screen, chunks), seen)
    }

    /// Writes, and gives the system time to carry it over.
    fn say(mut programs: &File, text: &str) {
        programs.write_all(text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }

    #[tokio::test]
    async fn what_is_left_in_the_terminal_is_heard_after_the_end() {
        let (programs, mut output, seen) = open();
        say(&programs, "one\ntwo");
        drop(programs);
        output.drain().await;
        assert!(output.dark);
        // And again nothing, at once.
        output.drain().await;
        drop(output);
        assert_eq!(seen.await.unwrap(), b"one\r\ntwo");
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_silent_in_the_background_is_not_waited_for() {
        let (programs, mut output, seen) = open();
        output.drain().await;
        assert!(!output.dark);
        drop((output, programs));
        assert_eq!(seen.await.unwrap(), b"");
    }

    #[tokio::test(start_paused = true)]
    async fn late_output_is_heard_for_two_seconds_but_not_after_one_of_silence() {
        for (pauses, expected) in [([900, 900, 900], "1\r\n2\r\n"), ([900, 1050, 10], "1\r\n")] {
            let (programs, mut output, seen) = open();
            let talk = tokio::spawn(async move {
                for (pause, text) in pauses.into_iter().zip(["1\n", "2\n", "3\n"]) {
                    sleep(Duration::from_millis(pause)).await;
                    say(&programs, text);
                }
            });
            output.drain().await;
            drop(output);
            assert_eq!(String::from_utf8(seen.await.unwrap()).unwrap(), expected);
            talk.abort();
        }
    }

    #[tokio::test]
    async fn somebody_in_the_background_who_never_stops_talking_is_cut_off() {
        let (mut programs, mut output, seen) = open();
        // Ends when the other side of the terminal is closed.
        let talk = std::thread::spawn(move || while programs.write_all(&[b'x'; 999]).is_ok() {});
        output.drain().await;
        drop(output);
        let seen = seen.await.unwrap().len();
        talk.join().unwrap();
        assert!((MOST..MOST + 4096).contains(&seen), "{seen}");
    }

    #[tokio::test]
    async fn nothing_is_lost_by_looking_away() {
        let (mut programs, mut output, seen) = open();
        let talk = std::thread::spawn(move || {
            for number in 0..20_000 {
                writeln!(programs, "{number}").unwrap();
            }
        });
        while !output.dark {
            tokio::select! {
                biased;
                _ = output.piece() => {}
                () = tokio::task::yield_now() => {}
            }
        }
        talk.join().unwrap();
        drop(output);
        let expected: String = (0..20_000).map(|number| format!("{number}\r\n")).collect();
        assert_eq!(String::from_utf8(seen.await.unwrap()).unwrap(), expected);
    }
}
