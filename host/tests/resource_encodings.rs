//! Compressed data of clients: what drivers read and write is plain, and damage is noticed.

#![allow(clippy::unwrap_used)]

mod resource_support;

use std::time::Duration;

use jumpstarter_host::plugin::{CallError, Code};
use jumpstarter_host::resource::Direction;
use proptest::prelude::*;
use resource_support::{Bench, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

const NAMES: [&str; 4] = ["gzip", "xz", "bz2", "zstd"];
const SENTENCE: &str = "The quick brown fox jumps over the lazy dog.\n";

/// The sentence six times, as the tools that give the formats their names compress it.
const FILES: [(&str, &str); 6] = [
    (
        "gzip",
        "1f8b08000000000000030bc94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae7\
         2456552aa4e4a7eb71850c77c50054da9d880e010000",
    ),
    (
        // zlib
        "gzip",
        "789c0bc94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4e4a7eb\
         71850c77c500473a6067",
    ),
    (
        "xz",
        "fd377a585a000004e6d6b4460200210116000000742fe5a3e0010d00335d002a1a08a2032566f14b78c5a205ff\
         2ee6d9d2201aad34f8e21de84136fadc0669bb3ce410342709ebb366e3ec99293a0d61800000001772efc5ed31\
         764a00014f8e020000001caa8499b1c467fb020000000004595a",
    ),
    (
        // xz --format=lzma
        "xz",
        "5d00008000ffffffffffffffff002a1a08a2032566f14b78c5a205ff2ee6d9d2201aad34f8e21de84136fadc06\
         69bb3ce410342709ebb366e3ec99293a18906bfffffa954000",
    ),
    (
        "bz2",
        "425a683931415926535914b9ba12000020d3800010400104003ffffff02000705000000001150a0d034c269b46\
         d44c6f181c8607d8d464351c07c0fe1f4398c87306c331d4771c46c3d074190cc60751a0de351dc68388ec361a\
         0c0c0fd10e0781e45dc914e1424052e6e848",
    ),
    (
        "zstd",
        "28b52ffd640e00b50100d40254686520717569636b2062726f776e20666f78206a756d7073206f766572207468\
         65206c617a7920646f672e0a0100f5424a9501bfea5f89",
    ),
];

/// The same with windows of half a gigabyte and of two.
const GREEDY: [(&str, &str); 2] = [
    (
        "xz",
        "fd377a585a000004e6d6b44602002101220000008240acdce0010d00335d002a1a08a2032566f14b78c5a205ff\
         2ee6d9d2201aad34f8e21de84136fadc0669bb3ce410342709ebb366e3ec99293a0d61800000001772efc5ed31\
         764a00014f8e020000001caa8499b1c467fb020000000004595a",
    ),
    (
        "zstd",
        "28b52ffd04a8b50100d40254686520717569636b2062726f776e20666f78206a756d7073206f76657220746865\
         206c617a7920646f672e0a0100f5424a9501bfea5f89",
    ),
];

fn files() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    bytes_of(&FILES)
}

fn bytes_of(
    files: &'static [(&'static str, &'static str)],
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    files.iter().map(|(name, hex)| {
        let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        (*name, digits.chunks(2).map(byte).collect())
    })
}

/// What a driver reads when the client sends `data`, which it calls `encoding`-compressed.
async fn decode(encoding: &str, data: &[u8], piece: usize) -> (Vec<u8>, Result<(), CallError>) {
    let (mut client, taken) = Bench::new().transfer(Some(encoding), Direction::Read).await;
    let send = async {
        client.send(data, piece).await;
        client.finish().await;
        // The driver closes, and the stream ends.
        assert_eq!(soon(client.receive()).await, b"");
    };
    let (read, ()) = tokio::join!(taken.read(), send);
    read
}

/// What a client receives when the driver writes `data`.
async fn encode(encoding: &str, data: &[u8], piece: usize) -> Vec<u8> {
    let (mut client, taken) = Bench::new()
        .transfer(Some(encoding), Direction::Write)
        .await;
    client.finish().await;
    let work = taken.write(data, piece);
    let (outcome, received) = tokio::join!(work, client.receive());
    assert_eq!(outcome, Ok(()));
    received
}

fn text(result: &(Vec<u8>, Result<(), CallError>)) -> &str {
    let error = result.1.as_ref().unwrap_err();
    assert_eq!(error.code, Code::Unknown, "{error}");
    &error.message
}

/// Text that compresses, and that no two places have in common.
fn numbers(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|number| {
            format!("{number} {}\n", number.wrapping_mul(2_654_435_761)).into_bytes()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_usual_tools_are_read() {
    let plain = SENTENCE.repeat(6).into_bytes();
    for (name, file) in files() {
        for piece in [1, 7, 4096] {
            assert_eq!(decode(name, &file, piece).await, (plain.clone(), Ok(())));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_comes_through_both_ways() {
    let big = numbers(30_000);
    for name in NAMES {
        for (data, piece) in [(&b""[..], 1), (b"x", 1), (&big, 1000), (&big, 300_000)] {
            let encoded = encode(name, data, piece).await;
            assert!(!encoded.is_empty(), "{name}: even nothing has a header");
            assert!(
                encoded.len() < data.len() / 2 + 100,
                "{name}: it is smaller"
            );
            let (decoded, outcome) = decode(name, &encoded, piece).await;
            assert_eq!((decoded == data, outcome), (true, Ok(())), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_data_in_any_pieces(
        data in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..70_000),
            (any::<u8>(), 0_usize..600_000).prop_map(|(byte, count)| vec![byte; count]),
        ],
        name in prop::sample::select(&NAMES[..]),
        written in 1_usize..100_000,
        sent in 1_usize..100_000,
        spare in prop::collection::vec(Just(0_u8), 0..9),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut encoded = encode(name, &data, written).await;
            // Padding is no data.
            encoded.extend(spare);
            let (decoded, outcome) = decode(name, &encoded, sent).await;
            assert_eq!(outcome, Ok(()));
            assert!(decoded == data);
        });
    }
}

#[tokio::test]
async fn files_of_several_members_are_read_to_the_end() {
    let plain = SENTENCE.repeat(12).into_bytes();
    for (name, file) in files().filter(|(_, file)| file[0] != 0x5d) {
        let mut twice = file.repeat(2);
        assert_eq!(decode(name, &twice, 5).await, (plain.clone(), Ok(())));
        // With padding in between, and after.
        twice = [&file[..], &[0; 8], &file, &[0; 4]].concat();
        assert_eq!(decode(name, &twice, 4096).await, (plain.clone(), Ok(())));
    }
    // An index of zstd, which holds no data.
    let (_, file) = files().last().unwrap();
    let index = [
        &[0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
        &file,
        &file,
    ]
    .concat();
    assert_eq!(decode("zstd", &index, 2).await, (plain, Ok(())));
}

#[tokio::test]
async fn a_file_that_is_cut_off_anywhere_is_noticed() {
    let plain = SENTENCE.repeat(6).into_bytes();
    for (name, file) in files() {
        for length in 1..file.len() {
            let result = decode(name, &file[..length], 4096).await;
            let expected = format!("the {name}-compressed data is cut off after {length} bytes");
            assert!(text(&result).starts_with(&expected), "{}", text(&result));
            assert!(plain.starts_with(&result.0));
            let second = [&file[..], &file[..length]].concat();
            if file[0] != 0x5d {
                let result = decode(name, &second, 4096).await;
                assert!(text(&result).contains("cut off"), "{}", text(&result));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_file_is_noticed() {
    let data = numbers(20_000);
    for name in NAMES {
        let encoded = encode(name, &data, 65_536).await;
        for part in 1..8 {
            let mut corrupt = encoded.clone();
            let at = encoded.len() / 8 * part;
            corrupt[at] ^= 0x5a;
            let result = decode(name, &corrupt, 65_536).await;
            assert!(text(&result).starts_with(&format!("the {name}-compressed data is")));
        }
        let mut corrupt = encoded.clone();
        *corrupt.last_mut().unwrap() ^= 0x80;
        let result = decode(name, &corrupt, 65_536).await;
        let expected = format!("the {name}-compressed data is corrupt near byte ");
        assert!(text(&result).starts_with(&expected), "{}", text(&result));
    }
}

#[tokio::test]
async fn a_file_of_another_format_is_named() {
    for name in NAMES {
        for (data, start) in [(&b"PK\x03\x04..."[..], "50 4b 03 04 2e 2e"), (b"?", "3f")] {
            let result = decode(name, data, 64).await;
            assert_eq!(
                text(&result),
                format!(
                    "the data does not seem to be {name}-compressed, it begins with `{start}`; \
                     leave the compression out, or name the right one"
                )
            );
            assert_eq!(result.0, b"");
        }
    }
}

#[tokio::test]
async fn a_file_that_takes_too_much_memory_is_no_corrupt_one() {
    for (name, file) in bytes_of(&GREEDY) {
        let result = decode(name, &file, 4096).await;
        let expected = format!("the {name}-compressed data takes more memory");
        assert!(text(&result).starts_with(&expected), "{}", text(&result));
    }
}

#[tokio::test]
async fn what_follows_the_file_is_noticed() {
    for (name, file) in files().filter(|(_, file)| file[0] != 0x5d) {
        for garbage in [&b"garbage"[..], b"\0\0\0\0!", b"?"] {
            let data = [&file[..], garbage].concat();
            let result = decode(name, &data, 3).await;
            let zeros = garbage.iter().take_while(|byte| **byte == 0).count();
            assert_eq!(
                text(&result),
                format!(
                    "the {name}-compressed data ends at byte {}, and something else follows",
                    file.len() + zeros
                )
            );
        }
    }
}

#[tokio::test]
async fn nothing_at_all_is_no_compressed_file() {
    for name in NAMES {
        let result = decode(name, b"", 1).await;
        assert_eq!(
            text(&result),
            format!("the client promised {name}-compressed data and sent none at all")
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_told_from_a_file_that_is_cut_off() {
    for (name, file) in files() {
        for length in [0, 20, file.len()] {
            let (mut client, taken) = Bench::new().transfer(Some(name), Direction::Read).await;
            client.send(&file[..length], 64).await;
            drop(client);
            let (_, outcome) = taken.read().await;
            let expected = format!(
                "the client went away after {length} bytes, before it had sent all of its data"
            );
            assert_eq!(outcome, Err(CallError::new(Code::Cancelled, expected)));
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_writer_is_noticed() {
    let (client, mut taken) = Bench::new().transfer(Some("zstd"), Direction::Write).await;
    taken.socket.write_all(b"some").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(client);
    let error = soon(taken.outcome.wait()).await.unwrap_err();
    assert_eq!(
        error.message,
        "the client went away after 4 bytes of the driver had been taken, before the last of them"
    );
    soon(taken.work.unwrap()).await.unwrap();
    assert!(taken.socket.write_all(b"more").await.is_err());
}

#[tokio::test]
async fn a_driver_that_closes_early_ends_the_stream() {
    let bench = Bench::new();
    for (name, file) in files() {
        // While the client is silent.
        let (mut client, taken) = bench.transfer(Some(name), Direction::Read).await;
        client.send(&file[..10], 10).await;
        drop(taken.socket);
        assert_eq!(soon(client.receive()).await, b"");
        soon(taken.work.unwrap()).await.unwrap();
        assert!(taken.outcome.wait().await.is_err());
        // And after it had said that it would write nothing.
        let (mut client, mut taken) = bench.transfer(Some(name), Direction::Read).await;
        taken.socket.shutdown().await.unwrap();
        client.send(&file[..10], 10).await;
        sleep(Duration::from_millis(50)).await;
        assert!(!taken.work.as_ref().unwrap().is_finished());
        drop(taken.socket);
        soon(taken.work.unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn a_driver_that_says_no_direction_may_read_or_write() {
    let bench = Bench::new();
    let plain = SENTENCE.repeat(6).into_bytes();
    for (name, file) in files() {
        let (mut client, taken) = bench.transfer(Some(name), Direction::Either).await;
        client.send(&file, 64).await;
        client.finish().await;
        let mut socket = taken.socket;
        let mut read = Vec::new();
        soon(socket.read_to_end(&mut read)).await.unwrap();
        assert_eq!(read, plain);
        drop(socket);
        // Nothing was written, so there is no empty file for the client.
        assert_eq!(soon(client.receive()).await, b"");
        assert_eq!(soon(taken.outcome.wait()).await, Ok(()));

        let (mut client, mut taken) = bench.transfer(Some(name), Direction::Either).await;
        client.finish().await;
        taken.socket.write_all(&plain).await.unwrap();
        drop(taken.socket);
        let received = soon(client.receive()).await;
        assert_eq!(decode(name, &received, 64).await, (plain.clone(), Ok(())));
        assert_eq!(soon(taken.outcome.wait()).await, Ok(()));
    }
}

#[tokio::test]
async fn a_bomb_waits_in_its_wrapping() {
    // A gigabyte of zeros in a hundred kilobytes: eight megabytes, again and again.
    let part = encode("zstd", &vec![0; 8 << 20], 1 << 20).await;
    let bomb = part.repeat(128);
    let (mut client, mut taken) = Bench::new().transfer(Some("zstd"), Direction::Read).await;
    client.send(&bomb, 64 << 10).await;
    client.finish().await;
    let mut read = vec![1; 4096];
    taken.socket.read_exact(&mut read).await.unwrap();
    assert!(read.iter().all(|byte| *byte == 0));
    sleep(Duration::from_millis(200)).await;
    // What the driver has not asked for has not been unpacked: there is no more than the kernel's
    // queue to be read.
    taken.work.unwrap().abort();
    let mut rest = Vec::new();
    soon(taken.socket.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.len() < 4 << 20, "{}", rest.len());
}
