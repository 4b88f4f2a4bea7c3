//! Walks over an HPACK header block, byte by byte, to the value of `:authority`.
//!
//! Only the shape matters: which bytes are lengths, names and values. Compressed (Huffman) text is
//! stepped over; C core sends none.

const AUTHORITY: &[u8] = b":authority";
/// `:authority` in the table that every connection has.
const AUTHORITY_INDEX: usize = 1;

/// Where in a header block the next byte belongs.
#[derive(Debug, Default)]
pub(super) struct Block {
    step: Step,
    /// The value that comes is the authority's.
    authority: bool,
}

#[derive(Debug, Default)]
enum Step {
    /// The first byte of a header.
    #[default]
    Header,
    /// The further bytes of a number.
    Number(Number, What),
    NameLength,
    /// `matched` bytes of it are those of `:authority`, and so far all were.
    Name {
        left: usize,
        matched: usize,
        same: bool,
    },
    ValueLength,
    Value {
        left: usize,
        plain: bool,
    },
}

/// A number that takes more than its first byte.
#[derive(Clone, Copy, Debug)]
struct Number {
    value: usize,
    shift: u32,
}

/// What a number is for.
#[derive(Clone, Copy, Debug)]
enum What {
    /// A header of the table, or the table's size: no text follows.
    Whole,
    /// The name's place in the table.
    Name,
    NameLength {
        plain: bool,
    },
    ValueLength {
        plain: bool,
    },
}

// === impl Block ===

impl Block {
    pub(super) fn pass(&mut self, byte: &mut u8) {
        self.step = match std::mem::take(&mut self.step) {
            Step::Header => self.header(*byte),
            Step::NameLength => self.number(
                *byte,
                7,
                What::NameLength {
                    plain: *byte < 0x80,
                },
            ),
            Step::ValueLength => self.number(
                *byte,
                7,
                What::ValueLength {
                    plain: *byte < 0x80,
                },
            ),
            Step::Number(number, what) => {
                let value = usize::from(*byte & 0x7f)
                    .checked_shl(number.shift)
                    .and_then(|more| number.value.checked_add(more))
                    // Longer than any header may be: the HTTP/2 library will refuse it.
                    .unwrap_or(usize::MAX);
                if *byte < 0x80 {
                    self.known(value, what)
                } else {
                    let shift = number.shift + 7;
                    Step::Number(Number { value, shift }, what)
                }
            }
            Step::Name {
                left,
                matched,
                same,
            } => {
                let same = same && AUTHORITY.get(matched) == Some(byte);
                if left == 1 {
                    self.authority = same && matched + 1 == AUTHORITY.len();
                    Step::ValueLength
                } else {
                    Step::Name {
                        left: left - 1,
                        matched: matched + 1,
                        same,
                    }
                }
            }
            Step::Value { left, plain } => {
                if self.authority && plain && *byte == b'%' {
                    *byte = b'.';
                }
                match left {
                    1 => Step::Header,
                    _ => Step::Value {
                        left: left - 1,
                        plain,
                    },
                }
            }
        };
    }

    fn header(&mut self, byte: u8) -> Step {
        self.authority = false;
        match byte {
            0x80.. => self.number(byte, 7, What::Whole),
            0x40.. => self.number(byte, 6, What::Name),
            0x20.. => self.number(byte, 5, What::Whole),
            _ => self.number(byte, 4, What::Name),
        }
    }

    /// A number begins in the low `bits` of a byte.
    fn number(&mut self, byte: u8, bits: u32, what: What) -> Step {
        let full = (1 << bits) - 1;
        let value = usize::from(byte) & full;
        if value < full {
            self.known(value, what)
        } else {
            Step::Number(Number { value, shift: 0 }, what)
        }
    }

    fn known(&mut self, value: usize, what: What) -> Step {
        match (what, value) {
            (What::Whole, _) => Step::Header,
            (What::Name, 0) => Step::NameLength,
            (What::Name, index) => {
                self.authority = index == AUTHORITY_INDEX;
                Step::ValueLength
            }
            (What::NameLength { .. }, 0) => Step::ValueLength,
            (What::NameLength { plain }, left) => Step::Name {
                left,
                matched: 0,
                same: plain,
            },
            (What::ValueLength { .. }, 0) => Step::Header,
            (What::ValueLength { plain }, left) => Step::Value { left, plain },
        }
    }
}
