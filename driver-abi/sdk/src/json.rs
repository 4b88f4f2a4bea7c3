//! JSON that is put together at compile time.
//!
//! A plugin's metadata must stand in the file as plain text, yet it is made of pieces that only
//! meet in generic code: a method knows the type of its argument, the type knows its schema. So
//! every piece is a tree of constants, and `plugin!` flattens the whole tree once:
//!
//! ```text
//!   Join [ Raw {"name":  Text volts  Raw ,"schema":  <f64 as Schema>::SCHEMA  Raw } ]
//!      -> {"name":"volts","schema":{"type":"number"}}
//! ```

use std::fmt;

/// A piece of JSON known at compile time. `Display` writes it out.
#[derive(Clone, Copy, Debug)]
pub enum Json {
    /// JSON as it stands.
    Raw(&'static str),
    /// A string, still to be quoted and escaped.
    Text(&'static str),
    /// Pieces, one after the other.
    Join(&'static [Json]),
    /// Pieces with commas between them; pieces of no length are left out.
    List(&'static [Json]),
    /// An object and further keys for it (`"a":1,"b":2`), which come first.
    Extend(&'static Json, &'static Json),
}

/// Where the flattened text goes: nowhere (to measure it), or into a buffer.
struct Out<'a> {
    buffer: Option<&'a mut [u8]>,
    at: usize,
    /// Drop the next byte.
    skip: bool,
}

// === impl Json ===

impl Json {
    /// Number of bytes when written out.
    pub const fn size(&self) -> usize {
        let mut out = Out {
            buffer: None,
            at: 0,
            skip: false,
        };
        self.put(&mut out);
        out.at
    }

    /// The text, padded with NUL to `N` bytes.
    ///
    /// # Panics
    /// `N` is less than [`size`](Self::size).
    pub const fn flatten<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        let mut out = Out {
            buffer: Some(&mut bytes),
            at: 0,
            skip: false,
        };
        self.put(&mut out);
        bytes
    }

    const fn put(&self, out: &mut Out<'_>) {
        match self {
            Self::Raw(text) => out.raw(text.as_bytes()),
            Self::Text(text) => out.quoted(text.as_bytes()),
            Self::Join(pieces) => {
                let mut at = 0;
                while at < pieces.len() {
                    pieces[at].put(out);
                    at += 1;
                }
            }
            Self::List(pieces) => {
                let (mut at, mut first) = (0, true);
                while at < pieces.len() {
                    if pieces[at].size() > 0 {
                        if !first {
                            out.byte(b',');
                        }
                        first = false;
                        pieces[at].put(out);
                    }
                    at += 1;
                }
            }
            Self::Extend(object, keys) => {
                out.byte(b'{');
                keys.put(out);
                if object.size() > "{}".len() {
                    out.byte(b',');
                }
                out.skip = true;
                object.put(out);
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![0; self.size()];
        self.put(&mut Out {
            buffer: Some(&mut bytes),
            at: 0,
            skip: false,
        });
        // Only whole strings and ASCII went in.
        f.write_str(&String::from_utf8_lossy(&bytes))
    }
}

// === impl Out ===

impl Out<'_> {
    const fn byte(&mut self, byte: u8) {
        if self.skip {
            self.skip = false;
            return;
        }
        if let Some(buffer) = &mut self.buffer {
            buffer[self.at] = byte;
        }
        self.at += 1;
    }

    const fn raw(&mut self, mut bytes: &[u8]) {
        if self.skip
            && let Some((_, rest)) = bytes.split_first()
        {
            self.skip = false;
            bytes = rest;
        }
        if let Some(buffer) = &mut self.buffer {
            buffer
                .split_at_mut(self.at)
                .1
                .split_at_mut(bytes.len())
                .0
                .copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }

    const fn quoted(&mut self, text: &[u8]) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.byte(b'"');
        let mut at = 0;
        while at < text.len() {
            match text[at] {
                b'"' => self.raw(b"\\\""),
                b'\\' => self.raw(b"\\\\"),
                b'\n' => self.raw(b"\\n"),
                byte @ ..0x20 => {
                    self.raw(b"\\u00");
                    self.byte(HEX[(byte >> 4) as usize]);
                    self.byte(HEX[(byte & 15) as usize]);
                }
                byte => self.byte(byte),
            }
            at += 1;
        }
        self.byte(b'"');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Json;

    const NASTY: &str = "a \"quote\", a \\, a\nline, a \u{1}, a € and a \u{7f}";
    const TREE: Json = Json::Join(&[
        Json::Raw("["),
        Json::Join(&[Json::Text(NASTY), Json::Raw(",1")]),
        Json::Raw("]"),
    ]);

    #[test]
    fn it_is_the_same_in_a_constant_and_at_run_time() {
        const FLAT: [u8; TREE.size() + 1] = TREE.flatten();
        assert_eq!(FLAT[..TREE.size()], *TREE.to_string().as_bytes());
        assert_eq!(FLAT[TREE.size()], 0);
    }

    #[test]
    fn lists_have_commas_where_they_belong() {
        const NONE: Json = Json::Raw("");
        const ONE: Json = Json::Raw("1");
        assert_eq!(Json::List(&[]).to_string(), "");
        assert_eq!(Json::List(&[NONE, ONE, NONE, ONE]).to_string(), "1,1");
    }

    #[test]
    fn objects_are_extended() {
        const EMPTY: Json = Json::Join(&[Json::Raw(""), Json::Raw("{}")]);
        const FULL: Json = Json::Join(&[Json::Raw("{"), Json::Raw(r#""a":1}"#)]);
        const MORE: Json = Json::Raw(r#""b":2"#);
        assert_eq!(Json::Extend(&EMPTY, &MORE).to_string(), r#"{"b":2}"#);
        assert_eq!(Json::Extend(&FULL, &MORE).to_string(), r#"{"b":2,"a":1}"#);
    }

    #[test]
    fn strings_survive_a_json_parser() {
        let parsed: (String, u8) = serde_json::from_str(&TREE.to_string()).unwrap();
        assert_eq!(parsed, (NASTY.to_owned(), 1));
    }
}
