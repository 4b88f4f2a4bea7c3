//! Lines for people and for log collectors.

use std::io::Write as _;

use super::capture::Capture;
use super::context::Context;
use super::level;
use super::writer::Writer;

pub(super) struct Console {
    look: Look,
    writer: Writer,
}

enum Look {
    Json,
    Text { colour: bool },
}

// === impl Console ===

impl Console {
    pub(super) fn new(json: bool, colour: bool, writer: Writer) -> Self {
        let look = match json {
            true => Look::Json,
            false => Look::Text { colour },
        };
        Self { look, writer }
    }

    /// Formats into `line` and hands it to the writer.
    pub(super) fn write(&self, capture: &Capture, context: &Context, line: &mut Vec<u8>) {
        line.clear();
        match &self.look {
            Look::Json => json(capture, context.read().json(), line),
            Look::Text { colour } => text(capture, *colour, line),
        }
        line.push(b'\n');
        self.writer.write(line);
    }

    /// Prints a line as it is.
    pub(super) fn print(&self, text: &str) {
        let mut line = Vec::with_capacity(text.len() + 1);
        printable(&mut line, text);
        line.push(b'\n');
        self.writer.write(&line);
    }

    pub(super) fn flush(&self) {
        self.writer.flush();
    }
}

fn json(capture: &Capture, context: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    out.extend_from_slice(context.as_bytes());
    out.extend_from_slice(b"\"level\":\"");
    out.extend_from_slice(level::lower(capture.level).as_bytes());
    out.extend_from_slice(b"\",\"logger\":\"");
    escape(out, &capture.logger());
    out.extend_from_slice(b"\",\"component\":\"exporter\",");
    for (name, value, quoted) in capture.fields() {
        if quoted {
            field(out, name, value);
        } else {
            out.push(b'"');
            escape(out, name);
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value.as_bytes());
            out.push(b',');
        }
    }
    out.extend_from_slice(b"\"ts\":\"");
    capture.stamp.write(out);
    out.extend_from_slice(b"\",\"msg\":\"");
    escape(out, capture.message());
    out.extend_from_slice(b"\"}");
}

/// Appends `"name":"value",`.
pub(super) fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b'"');
    escape(out, name);
    out.extend_from_slice(b"\":\"");
    escape(out, value);
    out.extend_from_slice(b"\",");
}

/// Appends a string as JSON writes it between quotes.
fn escape(out: &mut Vec<u8>, text: &str) {
    let mut plain = 0;
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..index]);
        plain = index + 1;
        if short == 0 {
            // Writing into a vector cannot fail.
            write!(out, "\\u{byte:04x}").ok();
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&bytes[plain..]);
}

/// `WARNING exporter.session: message name=value`, the level in colour, the rest dimmed.
fn text(capture: &Capture, colour: bool, out: &mut Vec<u8>) {
    let (paint, dim, plain) = match (colour, capture.level) {
        (false, _) => ("", "", ""),
        (true, tracing::Level::ERROR) => ("\x1b[31m", "\x1b[2m", "\x1b[0m"),
        (true, tracing::Level::WARN) => ("\x1b[33m", "\x1b[2m", "\x1b[0m"),
        (true, tracing::Level::INFO) => ("\x1b[32m", "\x1b[2m", "\x1b[0m"),
        (true, _) => ("\x1b[36m", "\x1b[2m", "\x1b[0m"),
    };
    out.extend_from_slice(paint.as_bytes());
    out.extend_from_slice(level::upper(capture.level).as_bytes());
    out.extend_from_slice(plain.as_bytes());
    out.push(b' ');
    printable(out, &capture.logger());
    out.extend_from_slice(b": ");
    printable(out, capture.message());
    out.extend_from_slice(dim.as_bytes());
    for (name, value, _) in capture.fields() {
        out.push(b' ');
        printable(out, name);
        out.push(b'=');
        if value.is_empty() || value.contains([' ', '"', '=']) {
            // Writing into a vector cannot fail.
            write!(out, "{value:?}").ok();
        } else {
            printable(out, value);
        }
    }
    out.extend_from_slice(plain.as_bytes());
}

/// Keeps what a device or a client said from moving the cursor or forging a second line.
fn printable(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != 0x7f) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        match character {
            '\t' => out.push(b'\t'),
            character if character.is_control() => {
                out.extend(character.escape_default().map(|c| c as u8));
            }
            character => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{escape, printable};

    #[test]
    fn escapes_what_json_must() {
        for text in [
            "plain",
            "with \"quotes\" and \\",
            "\n\r\t\u{1}\u{1f}\u{7f}é🙂",
            "",
        ] {
            let mut out = vec![b'"'];
            escape(&mut out, text);
            out.push(b'"');
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn a_message_stays_one_line() {
        let mut out = Vec::new();
        printable(&mut out, "login: \x1b[2J\r\nERROR forged\té");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "login: \\u{1b}[2J\\r\\nERROR forged\té"
        );
    }
}
