//! A fingerprint of the frozen structs.

use std::mem::offset_of;

use crate::{ABI_MAJOR, Call, Completion, Functions, Host, OpenRequest, Plugin, Reply, Slice, ext};

/// Fingerprint of every size and offset in this crate, 16 hexadecimal digits.
///
/// A second line of defence beside the layout check of `abi_stable`: host and plugin compare it
/// where the metadata carries it. `tests/layout.rs` fails when it changes.
pub const ABI_HASH: &str = match std::str::from_utf8(&HEX) {
    Ok(text) => text,
    Err(_) => unreachable!(),
};

const HEX: [u8; 16] = hex(fnv1a(&LAYOUT));

/// Sizes and the offset of the last field of every struct.
const LAYOUT: [usize; 26] = [
    ABI_MAJOR as usize,
    size_of::<usize>(),
    size_of::<Slice>(),
    offset_of!(Slice, len),
    size_of::<Completion>(),
    offset_of!(Completion, done),
    size_of::<Reply>(),
    offset_of!(Reply, body),
    offset_of!(Reply, handle),
    offset_of!(Reply, fd),
    size_of::<OpenRequest>(),
    offset_of!(OpenRequest, class),
    offset_of!(OpenRequest, config),
    size_of::<Call>(),
    offset_of!(Call, method),
    offset_of!(Call, timeout_ms),
    size_of::<Host>(),
    offset_of!(Host, log),
    size_of::<Functions>(),
    offset_of!(Functions, extension),
    size_of::<Plugin>(),
    offset_of!(Plugin, functions),
    size_of::<ext::LogExt>(),
    size_of::<ext::TreeExt>(),
    size_of::<ext::SessionExt>(),
    size_of::<ext::ResourceExt>(),
];

const fn fnv1a(words: &[usize]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut word = 0;
    while word < words.len() {
        let bytes = (words[word] as u64).to_le_bytes();
        let mut byte = 0;
        while byte < bytes.len() {
            hash = (hash ^ bytes[byte] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            byte += 1;
        }
        word += 1;
    }
    hash
}

const fn hex(number: u64) -> [u8; 16] {
    let digits = b"0123456789abcdef";
    let mut text = [0; 16];
    let mut at = 0;
    while at < 16 {
        text[at] = digits[((number >> (60 - 4 * at)) & 0xf) as usize];
        at += 1;
    }
    text
}
