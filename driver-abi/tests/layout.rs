//! The frozen structs have not moved.
//!
//! A difference to the golden file means that plugins in the field stop loading. Then the change
//! belongs into an extension table, not into a struct.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::mem::{offset_of, size_of};

use jumpstarter_driver_abi::{
    ABI_HASH, Call, Completion, Functions, Host, OpenRequest, Plugin, Reply, Slice, ext,
};

macro_rules! describe {
    ($text:ident, $($type:ty { $($field:ident)+ })+) => {
        $(
            writeln!($text, "{} {}", stringify!($type), size_of::<$type>()).unwrap();
            $(writeln!($text, "    {} {}", stringify!($field), offset_of!($type, $field)).unwrap();)+
        )+
    };
}

#[test]
fn the_layout_is_the_golden_one() {
    let mut text = format!("hash {ABI_HASH}\n");
    describe!(text,
        Slice { ptr len }
        Completion { ctx done }
        Reply { code flags body message handle fd reserved0 reserved }
        OpenRequest { node class name config reserved }
        Call { id method args timeout_ms reserved }
        Host { abi_major abi_minor worker_threads reserved0 ctx log extension reserved }
        Functions {
            init open close call stream_open stream_next stream_close connect cancel extension
        }
        Plugin { size abi_major abi_minor functions }
        ext::LogRecord { level reserved0 node target message fields reserved }
        ext::LogExt { log max_level }
        ext::TreeExt { children call stream_open stream_next stream_close connect cancel }
        ext::SessionExt { folder }
        ext::ResourceExt { take }
        ext::TransferExt { take finished }
        ext::BytesExt { outcome close }
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layout.golden");
    if std::env::var_os("JMP_BLESS").is_some() {
        fs::write(path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(path).unwrap_or_default());
}
