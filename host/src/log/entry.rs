//! A line as clients get it: an encoded `LogStreamResponse`.
//!
//! Encoded at once and by hand: most lines are dropped unread when no client listens, and a line
//! in this form needs one buffer, which the queue uses again.

use super::capture::Capture;
use super::level;
use super::wire::{LONGEST, cut, number, pair, stamp, text};

/// Replaces what is in `out`.
pub(super) fn encode(capture: &Capture, out: &mut Vec<u8>) {
    out.clear();
    text(out, 2, level::upper(capture.level));
    text(out, 3, cut(capture.message(), LONGEST));
    number(out, 4, capture.source() as u64);
    for (name, value, _) in capture.fields() {
        match name {
            "driver_type" => text(out, 5, value),
            "operation" => text(out, 6, value),
            _ => pair(out, 8, name, cut(value, LONGEST)),
        }
    }
    stamp(out, 7, capture.stamp);
}
