//! Frames, cut in every way.
#![allow(clippy::unwrap_used)]

use jumpstarter_proto::v1::StreamResponse;
use proptest::prelude::*;

use super::*;

/// As a gRPC client sends it.
fn grpc(message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&(message.len() as u32).to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

fn frame(payload: &[u8], frame_type: i32) -> Vec<u8> {
    grpc(
        &StreamRequest {
            payload: Bytes::copy_from_slice(payload),
            frame_type,
        }
        .encode_to_vec(),
    )
}

/// The data frames, put together again, and whether the end has come.
fn decode(chunks: impl IntoIterator<Item = Bytes>) -> Result<(Vec<Vec<u8>>, bool), FrameError> {
    let mut decoder = Decoder::new();
    let (mut frames, mut current) = (Vec::new(), Vec::new());
    for mut chunk in chunks {
        while let Some(event) = decoder.next(&mut chunk)? {
            match event {
                Event::End => return Ok((frames, true)),
                Event::Piece { payload, last } => {
                    current.extend_from_slice(&payload);
                    if last {
                        frames.push(std::mem::take(&mut current));
                    }
                }
            }
        }
        assert!(chunk.is_empty());
    }
    decoder.finish()?;
    Ok((frames, false))
}

fn one(bytes: Vec<u8>) -> Result<(Vec<Vec<u8>>, bool), FrameError> {
    decode([Bytes::from(bytes)])
}

#[test]
fn frames_of_every_type() {
    for (bytes, expected) in [
        (frame(b"abc", 0), (vec![b"abc".to_vec()], false)),
        (frame(b"", 0), (vec![vec![]], false)),
        (grpc(b"\x0a\x00"), (vec![vec![]], false)),
        (grpc(b"\x0a\x03abc\x10\x00"), (vec![b"abc".to_vec()], false)),
        (grpc(b"\x10\x00\x0a\x03abc"), (vec![b"abc".to_vec()], false)),
        // The last of two counts, and fields that nobody knows do not.
        (
            grpc(b"\x0a\x01x\x0a\x03abc"),
            (vec![b"abc".to_vec()], false),
        ),
        (
            grpc(b"\x1a\x02??\x0a\x03abc"),
            (vec![b"abc".to_vec()], false),
        ),
        // A length that takes more bytes than it needs.
        (
            grpc(b"\x0a\x83\x80\x80\x80\x80\x00abc"),
            (vec![b"abc".to_vec()], false),
        ),
        (frame(b"ignored", 7), (vec![], true)),
        (frame(b"", 7), (vec![], true)),
        (frame(b"ignored", 6), (vec![], false)),
        (frame(b"", 6), (vec![], false)),
        (frame(b"", 3), (vec![], false)),
        (frame(b"?", 99), (vec![], false)),
        (frame(b"?", -1), (vec![], false)),
    ] {
        assert_eq!(one(bytes.clone()).unwrap(), expected, "{bytes:?}");
    }
}

#[test]
fn what_cannot_be_read() {
    let error = |bytes: &[u8]| one(bytes.to_vec()).unwrap_err();
    assert!(matches!(error(b"\x01\0\0\0\x01\0"), FrameError::Compressed));
    assert!(matches!(
        error(b"\0\x00\x40\x00\x01"),
        FrameError::TooLong(4_194_305)
    ));
    assert!(matches!(error(&grpc(b"\x0a")), FrameError::Malformed(_)));
    assert!(matches!(
        error(&grpc(b"\x0a\x09abc")),
        FrameError::Malformed(_)
    ));
    assert!(matches!(error(&grpc(b"\xff")), FrameError::Malformed(_)));
    for cut in 1..8 {
        let bytes = frame(b"abc", 0);
        assert!(matches!(error(&bytes[..cut]), FrameError::Truncated));
    }
}

#[test]
fn a_payload_is_passed_on_before_its_message_is_complete_and_without_a_copy() {
    let whole = Bytes::from(frame(&[7; 1000], 0));
    let mut decoder = Decoder::new();
    let mut first = whole.slice(..500);
    let Some(Event::Piece { payload, last }) = decoder.next(&mut first).unwrap() else {
        panic!("a piece");
    };
    assert!(!last);
    assert_eq!(payload.as_ptr(), whole[8..].as_ptr());
    assert_eq!(decoder.next(&mut first).unwrap(), None);
    let rest = decoder.next(&mut whole.slice(500..)).unwrap().unwrap();
    assert!(matches!(rest, Event::Piece { last: true, .. }));
}

#[test]
fn heads() {
    for size in [0, 1, 127, 128, 16_383, 16_384, 65_536, 2_097_151, 2_097_152] {
        let mut bytes = vec![9; HEAD + size];
        let unused = put_head(&mut bytes, size);
        let expected = StreamResponse {
            payload: vec![9; size].into(),
            frame_type: 0,
        };
        assert_eq!(bytes[unused..], grpc(&expected.encode_to_vec()), "{size}");
    }
    let goaway = StreamResponse {
        payload: Bytes::new(),
        frame_type: FrameType::Goaway.into(),
    };
    assert_eq!(GOAWAY, grpc(&goaway.encode_to_vec()));
}

fn any_frame() -> impl Strategy<Value = (Vec<u8>, i32)> {
    let payload = proptest::collection::vec(any::<u8>(), 0..300);
    let frame_type = prop_oneof![4 => Just(0), 1 => Just(6), 1 => Just(3), 1 => 8..100_i32];
    (payload, frame_type)
}

proptest! {
    #[test]
    fn however_the_data_is_cut(
        frames in proptest::collection::vec(any_frame(), 0..12),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|(payload, kind)| frame(payload, *kind)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let bytes = Bytes::from(bytes);
        let chunks = cuts.windows(2).map(|pair| bytes.slice(pair[0]..pair[1]));
        let (decoded, ended) = decode(chunks).unwrap();
        let expected: Vec<_> = frames
            .into_iter()
            .filter_map(|(payload, kind)| (kind == 0).then_some(payload))
            .collect();
        prop_assert_eq!(decoded, expected);
        prop_assert!(!ended);
    }

    #[test]
    fn nothing_makes_it_panic(chunks in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..40), 0..10)
    ) {
        // Lengths that are plausible get further.
        let chunks = chunks.into_iter().map(|chunk| Bytes::from(grpc(&chunk)));
        let _outcome = decode(chunks).is_ok();
    }
}
