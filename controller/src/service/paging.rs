//! Long lists in pages.
//!
//! A page token is the last name of the page and a hash of the query. So it never expires, and is
//! refused with another query.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::Status;

use crate::lab::Page;

/// The largest page. Peers take messages of a few megabytes, and the list may be of all leases there
/// ever were. Whoever asks for more continues with the page token.
const MOST: usize = 1000;

/// One page of a list.
#[derive(Clone, Debug)]
pub(super) struct Paging {
    size: usize,
    question: u64,
    after: Option<String>,
}

// === impl Paging ===

impl Paging {
    /// Reads what a client sent; `question` is the rest of its query.
    pub(super) fn of(size: i32, token: &str, question: impl Hash) -> Result<Self, Status> {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        let question = hasher.finish();
        let after =
            match token {
                "" => None,
                token => Some(read(token, question).ok_or_else(|| {
                    Status::invalid_argument("page token does not fit this request")
                })?),
            };
        Ok(Self {
            size: match usize::try_from(size) {
                Ok(size) if size > 0 => size.min(MOST),
                _ => MOST,
            },
            question,
            after,
        })
    }

    /// One object more than the page has, to see whether there is another page.
    pub(super) fn page(&self) -> Page {
        Page {
            after: self.after.clone(),
            most: Some(self.size + 1),
        }
    }

    /// Drops the additional object; returns the token of the next page, or an empty text.
    pub(super) fn cut<T>(&self, found: &mut Vec<T>, name: impl Fn(&T) -> &str) -> String {
        if found.len() <= self.size {
            return String::new();
        }
        found.truncate(self.size);
        let last = found.last().map(name).unwrap_or_default();
        let mut bytes = self.question.to_le_bytes().to_vec();
        bytes.extend_from_slice(last.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn read(token: &str, question: u64) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (asked, last) = bytes.split_first_chunk()?;
    let fits = u64::from_le_bytes(*asked) == question;
    String::from_utf8(last.to_vec()).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_join_to_the_whole() {
        let all: Vec<String> = (0..10).map(|at| format!("e{at}")).collect();
        for size in [-1, 0, 1, 3, 5, 10, 11] {
            let (mut token, mut got, mut rounds) = (String::new(), Vec::new(), 0);
            loop {
                let paging = Paging::of(size, &token, "question").unwrap();
                let Page { after, most } = paging.page();
                let rest = all
                    .iter()
                    .filter(|name| after.as_ref().is_none_or(|after| *name > after));
                let mut found: Vec<String> =
                    rest.take(most.unwrap_or(usize::MAX)).cloned().collect();
                token = paging.cut(&mut found, |name| name);
                assert!(size <= 0 || found.len() <= size as usize);
                got.extend(found);
                rounds += 1;
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(got, all);
            assert_eq!(
                rounds,
                match size {
                    -1 | 0 | 10 | 11 => 1,
                    1 => 10,
                    3 => 4,
                    _ => 2,
                }
            );
        }
    }

    #[test]
    fn a_page_is_no_longer_than_a_message_can_be() {
        for (size, most) in [
            (0, MOST),
            (i32::MIN, MOST),
            (i32::MAX, MOST),
            (1000, MOST),
            (999, 999),
        ] {
            let paging = Paging::of(size, "", "question").unwrap();
            assert_eq!(paging.page().most, Some(most + 1));
            let mut found: Vec<String> = (0..=most).map(|at| format!("e{at:04}")).collect();
            let token = paging.cut(&mut found, |name| name);
            assert_eq!(found.len(), most);
            let next = Paging::of(size, &token, "question").unwrap().page();
            assert_eq!(next.after, found.last().cloned());
        }
    }

    #[test]
    fn a_token_fits_only_its_question() {
        let mut found = vec!["a".to_owned(), "b".to_owned()];
        let token = Paging::of(1, "", "one")
            .unwrap()
            .cut(&mut found, |name| name);
        assert!(Paging::of(1, &token, "one").is_ok());
        let refused = Paging::of(1, &token, "other").unwrap_err();
        assert_eq!(refused.message(), "page token does not fit this request");
    }

    proptest! {
        #[test]
        fn nothing_panics(token in ".*") {
            drop(Paging::of(1, &token, ""));
        }
    }
}
