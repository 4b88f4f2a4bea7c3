//! Saying that something does not work, without saying it all the time.

use std::time::Duration;

use tokio::time::Instant;

/// How often the same is said again.
const AGAIN: Duration = Duration::from_secs(30);

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Complaints(Option<(String, Instant)>);

// === impl Complaints ===

impl Complaints {
    /// Whether this is news, or was said long enough ago.
    pub(super) fn is_news(&mut self, text: &str, now: Instant) -> bool {
        if let Some((last, at)) = &self.0
            && last == text
            && now.duration_since(*at) < AGAIN
        {
            return false;
        }
        self.0 = Some((text.to_owned(), now));
        true
    }

    /// Whether something has been said since it worked.
    pub(super) fn any(&self) -> bool {
        self.0.is_some()
    }

    /// It works again; the next complaint is news. Tells whether there was one.
    pub(super) fn settle(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_every_half_minute_and_anything_new_at_once() {
        let mut complaints = Complaints::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!complaints.any());
        assert!(complaints.is_news("no route", at(0)));
        assert!(complaints.any());
        assert!(!complaints.is_news("no route", at(29)));
        assert!(complaints.is_news("no route", at(30)));
        assert!(complaints.is_news("refused", at(31)));
        assert!(complaints.is_news("no route", at(32)));
        assert!(complaints.settle());
        assert!(!complaints.settle());
        assert!(complaints.is_news("no route", at(33)));
    }
}
