//! When to try again, and how long to wait until then. No clock, no I/O.

use std::time::Duration;

use jumpstarter_client::backoff::Backoff;
use tonic::{Code, Status};

/// Attempts of a call that fails for no fault of its own.
pub(super) const ATTEMPTS: u32 = 21;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(30);
/// The first pause between attempts to register.
const REGISTERING: Duration = Duration::from_secs(1);
/// The first pause before a stream is opened again.
const REOPENING: Duration = Duration::from_millis(500);
/// How a controller begins to say what is wrong with a token.
const BAD_TOKEN: &str = "verify token: ";
/// The part of a pause that is left to chance.
const JITTER: f64 = 0.2;

/// Whether the same call may work soon: the controller could not be asked, or did not answer.
pub(super) fn is_transient(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded)
}

/// Whether a controller that has answered a registration so will not think better of it.
///
/// Of a token that it does not accept it only says that something went wrong, as it does while it is
/// not up yet; the text tells the one from the other.
pub(super) fn is_refusal(answer: &Status) -> bool {
    if answer.code() == Code::Unknown {
        return answer.message().contains(BAD_TOKEN);
    }
    matches!(
        answer.code(),
        Code::Unauthenticated
            | Code::PermissionDenied
            | Code::InvalidArgument
            | Code::NotFound
            | Code::FailedPrecondition
    )
}

/// Whether the controller is one that does not let exporters release their leases.
pub(super) fn lacks_release(code: Code) -> bool {
    matches!(
        code,
        Code::PermissionDenied
            | Code::InvalidArgument
            | Code::Unauthenticated
            | Code::Unimplemented
    )
}

/// The attempts of one call.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failed: u32,
}

/// The pauses between the lives of a stream.
#[derive(Debug)]
pub(super) struct Pauses(Backoff);

/// How a stream was before it ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lived {
    /// Whether anything came.
    pub(super) useful: bool,
    /// From the request to the end.
    pub(super) long: Duration,
}

// === impl Tries ===

impl Tries {
    /// How long to wait before the next attempt, or none if there is to be none.
    pub(super) fn after(&mut self, code: Code) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        if !is_transient(code) || self.failed >= ATTEMPTS {
            return None;
        }
        let doubled = 1_u64.checked_shl(self.failed - 1).unwrap_or(u64::MAX);
        Some(Duration::from_secs(doubled).min(LONGEST))
    }

    /// How many attempts have failed.
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }
}

/// The pauses between attempts to register, without end.
pub(super) fn registering() -> Backoff {
    forever(REGISTERING)
}

fn forever(first: Duration) -> Backoff {
    // Longer than nothing, shorter than the longest, and the jitter is between 0 and 1.
    Backoff::new(first, LONGEST, JITTER).expect("the constants of this file are in order")
}

// === impl Pauses ===

impl Pauses {
    pub(super) fn new() -> Self {
        Self(forever(REOPENING))
    }

    /// How long to wait before the stream is opened again. Streams that were good for something,
    /// or for a while, come back soon.
    pub(super) fn after(&mut self, lived: Lived) -> Duration {
        if lived.useful || lived.long >= LONGEST {
            self.0.reset();
        }
        self.0.next_delay()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHORT: Lived = Lived {
        useful: false,
        long: Duration::ZERO,
    };

    fn seconds(tries: &mut Tries, code: Code) -> Option<u64> {
        tries.after(code).map(|pause| pause.as_secs())
    }

    fn code() -> impl Strategy<Value = Code> {
        (0..17).prop_map(Code::from_i32)
    }

    #[test]
    fn pauses_double_up_to_half_a_minute_and_end_after_twenty() {
        let mut tries = Tries::default();
        let pauses: Vec<_> =
            std::iter::from_fn(|| seconds(&mut tries, Code::Unavailable)).collect();
        assert_eq!(pauses[..6], [1, 2, 4, 8, 16, 30]);
        assert!(pauses[6..].iter().all(|pause| *pause == 30));
        assert_eq!(pauses.len(), 20);
        assert_eq!(tries.failed(), 21);
    }

    #[test]
    fn two_kinds_of_silence_are_worth_another_attempt() {
        let worth: Vec<_> = (0..17)
            .map(Code::from_i32)
            .filter(|code| is_transient(*code))
            .collect();
        assert_eq!(worth, [Code::DeadlineExceeded, Code::Unavailable]);
    }

    #[test]
    fn a_stream_that_was_good_for_something_comes_back_soon() {
        let soon = REOPENING.mul_f64(1.0 + JITTER);
        let good = [
            Lived {
                useful: true,
                ..SHORT
            },
            Lived {
                long: LONGEST,
                ..SHORT
            },
        ];
        for good in good {
            let mut pauses = Pauses::new();
            for _ in 0..8 {
                pauses.after(SHORT);
            }
            assert!(pauses.after(SHORT) > Duration::from_secs(20));
            assert!(pauses.after(good) <= soon);
            assert!(pauses.after(SHORT) > soon);
        }
    }

    proptest! {
        #[test]
        fn no_call_is_tried_more_than_twenty_one_times(
            codes in proptest::collection::vec(code(), 0..60),
        ) {
            let mut tries = Tries::default();
            let again = codes.iter().take_while(|code| tries.after(**code).is_some()).count();
            prop_assert!(again <= 20);
            prop_assert!(codes[..again].iter().all(|code| is_transient(*code)));
        }

        #[test]
        fn no_answer_is_both_a_refusal_and_a_reason_to_try_again(code in code()) {
            let answer = Status::new(code, "verify token: expired");
            prop_assert!(!(is_refusal(&answer) && is_transient(code)));
            prop_assert!(!(lacks_release(code) && is_transient(code)));
        }

        #[test]
        fn streams_come_back_neither_at_once_nor_late(
            lives in proptest::collection::vec((any::<bool>(), 0_u64..60), 1..60),
        ) {
            let mut pauses = Pauses::new();
            for (useful, long) in lives {
                let pause = pauses.after(Lived { useful, long: Duration::from_secs(long) });
                prop_assert!(pause >= REOPENING.mul_f64(1.0 - JITTER) - Duration::from_micros(1));
                prop_assert!(pause <= LONGEST.mul_f64(1.0 + JITTER) + Duration::from_micros(1));
            }
        }
    }
}
