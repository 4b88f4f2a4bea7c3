//! Finds the header blocks in what a client sends.

use super::block::Block;

/// `PRI * HTTP/2.0 ...`, before the first frame.
const PREFACE: usize = 24;
const HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Where in the stream of frames the next byte belongs.
#[derive(Debug)]
pub(super) struct Frames {
    at: At,
    /// Goes on from HEADERS to CONTINUATION.
    block: Block,
}

#[derive(Debug)]
enum At {
    Head {
        bytes: [u8; HEAD],
        have: usize,
    },
    /// Bytes that do not matter here, then perhaps a header block.
    Skip {
        left: usize,
        then: Option<Fragment>,
    },
    /// The first byte of a padded frame, which says how many bytes of padding there are.
    Padding(Fragment),
    Fragment(Fragment),
}

/// A piece of a header block, and what follows it in its frame.
#[derive(Clone, Copy, Debug)]
struct Fragment {
    left: usize,
    padding: usize,
    priority: usize,
    last: bool,
}

// === impl Frames ===

impl Default for Frames {
    fn default() -> Self {
        Self {
            at: At::Skip {
                left: PREFACE,
                then: None,
            },
            block: Block::default(),
        }
    }
}

impl Frames {
    /// Looks at the bytes that have come in, and overwrites what has to be.
    pub(super) fn pass(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let used = self.step(bytes);
            bytes = &mut bytes[used..];
        }
    }

    /// Takes some of the bytes, at least one or a step without any.
    fn step(&mut self, bytes: &mut [u8]) -> usize {
        match &mut self.at {
            At::Head { bytes: head, have } => {
                let used = bytes.len().min(HEAD - *have);
                head[*have..*have + used].copy_from_slice(&bytes[..used]);
                *have += used;
                if *have == HEAD {
                    self.at = payload(*head);
                }
                used
            }
            At::Skip { left, then } => {
                let used = bytes.len().min(*left);
                *left -= used;
                if *left == 0 {
                    self.at = match then.take() {
                        Some(fragment) => At::Fragment(fragment),
                        None => At::HEAD,
                    };
                }
                used
            }
            At::Padding(fragment) => {
                let padding = usize::from(bytes[0]);
                let rest = fragment.left.saturating_sub(1);
                self.at = Fragment {
                    padding: padding.min(rest),
                    left: rest - padding.min(rest),
                    ..*fragment
                }
                .begin();
                1
            }
            At::Fragment(fragment) => {
                let used = bytes.len().min(fragment.left);
                bytes[..used]
                    .iter_mut()
                    .for_each(|byte| self.block.pass(byte));
                fragment.left -= used;
                if fragment.left == 0 {
                    if fragment.last {
                        self.block = Block::default();
                    }
                    self.at = At::Skip {
                        left: fragment.padding,
                        then: None,
                    };
                }
                used
            }
        }
    }
}

// === impl At ===

impl At {
    const HEAD: Self = Self::Head {
        bytes: [0; HEAD],
        have: 0,
    };
}

/// What follows the head of a frame.
fn payload(head: [u8; HEAD]) -> At {
    let [a, b, c, kind, flags, ..] = head;
    let left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let fragment = Fragment {
        left,
        padding: 0,
        priority: if kind == HEADERS && flags & PRIORITY != 0 {
            5
        } else {
            0
        },
        last: flags & END_HEADERS != 0,
    };
    match kind {
        HEADERS if flags & PADDED != 0 => At::Padding(fragment),
        HEADERS | CONTINUATION => fragment.begin(),
        _ => At::Skip { left, then: None },
    }
}

// === impl Fragment ===

impl Fragment {
    fn begin(self) -> At {
        At::Skip {
            left: self.priority.min(self.left),
            then: Some(Self {
                left: self.left.saturating_sub(self.priority),
                ..self
            }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As grpcio sends it: every header a literal with a literal name, nothing compressed.
    fn headers(authority: &str) -> Vec<u8> {
        let mut block = vec![0x83, 0x86];
        for (name, value) in [
            (":path", "/jumpstarter.v1.ExporterService/Get%20Report"),
            (":authority", authority),
            ("user-agent", "grpc-python-asyncio/1.85.1 (100%)"),
        ] {
            block.push(0x40);
            for text in [name, value] {
                assert!(text.len() < 127);
                block.push(text.len() as u8);
                block.extend_from_slice(text.as_bytes());
            }
        }
        block
    }

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, 1]);
        frame.extend_from_slice(payload);
        frame
    }

    fn connection(authority: &str) -> Vec<u8> {
        let block = headers(authority);
        let (head, tail) = block.split_at(60);
        let mut padded = vec![3];
        padded.extend_from_slice(&[0; 5]);
        padded.extend_from_slice(&block);
        padded.extend_from_slice(b"%%%");
        let indexed = [&[0x41, authority.len() as u8], authority.as_bytes()].concat();
        [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            frame(4, 0, &[]),
            frame(HEADERS, END_HEADERS, &block),
            frame(0, 1, b"\x41\x02%%:authority 100% data"),
            frame(HEADERS, 0, head),
            frame(CONTINUATION, END_HEADERS, tail),
            frame(HEADERS, END_HEADERS | PADDED | PRIORITY, &padded),
            frame(HEADERS, END_HEADERS, &indexed),
            frame(0, 1, b"%"),
        ]
        .concat()
    }

    #[test]
    fn only_the_authority_changes_however_the_bytes_come_in() {
        let sent = connection("run%2Fuser%2F0%2Fsocket");
        let expected = connection("run.2Fuser.2F0.2Fsocket");
        for size in 1..=sent.len() {
            let mut frames = Frames::default();
            let mut received = sent.clone();
            received
                .chunks_mut(size)
                .for_each(|chunk| frames.pass(chunk));
            assert_eq!(received, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_authority_that_is_fine_stays() {
        let mut received = connection("127.0.0.1:19090");
        let mut frames = Frames::default();
        frames.pass(&mut received);
        assert_eq!(received, connection("127.0.0.1:19090"));
    }
}
