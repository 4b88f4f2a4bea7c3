//! What a plain scalar means, exactly as PyYAML resolves it.
//!
//! Configurations in the field were written for PyYAML, which follows YAML 1.1 with its own
//! regular expressions: `yes` is a boolean, `0755` is 493, `1:20` is 80, but `1e3`, `08`, `0o755`
//! and `y` are text. No library agrees with it on all of these, so the grammar is spelled out here.

/// The meaning of a plain (unquoted, untagged) scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text,
}

/// Resolves a plain scalar. Timestamps stay text: no field of ours is a date.
pub(crate) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        _ => {}
    }
    if let Some(value) = boolean(text) {
        return Plain::Bool(value);
    }
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        let sign = if negative { -1.0 } else { 1.0 };
        return Plain::Float(sign * f64::INFINITY);
    }
    if !text.starts_with(['-', '+', '.']) && !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Plain::Text;
    }
    let signed = unsigned.len() != text.len();
    number(unsigned, negative, signed).unwrap_or(Plain::Text)
}

/// The spellings of a YAML 1.1 boolean: lower case, capitalised or upper case, nothing between.
fn boolean(text: &str) -> Option<bool> {
    Some(match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true,
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false,
        _ => return None,
    })
}

fn number(text: &str, negative: bool, signed: bool) -> Option<Plain> {
    let clean = text.replace('_', "");
    let int = |value: Option<i128>, fallback: f64| match value {
        Some(value) => Plain::Int(if negative { -value } else { value }),
        None => float(fallback),
    };
    let radix = |digits: &str, radix: u32| {
        let value = i128::from_str_radix(digits, radix).ok();
        (!digits.is_empty()).then(|| int(value, f64::INFINITY))
    };
    fn float(value: f64) -> Plain {
        Plain::Float(value)
    }

    if let Some(digits) = text.strip_prefix("0b") {
        return all(digits, |c| matches!(c, b'0' | b'1' | b'_')).then(|| radix(&clean[2..], 2))?;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |c| c.is_ascii_hexdigit() || c == b'_')
            .then(|| radix(&clean[2..], 16))?;
    }
    if text == "0" {
        return Some(Plain::Int(0));
    }
    if let Some(digits) = text.strip_prefix('0')
        && all(digits, |c| matches!(c, b'0'..=b'7' | b'_'))
    {
        return radix(&clean, 8);
    }
    let sign = if negative { -1.0 } else { 1.0 };
    match shape(text)? {
        Shape::Int => Some(int(clean.parse().ok(), sign * clean.parse::<f64>().ok()?)),
        Shape::Float if signed && text.starts_with('.') => None,
        Shape::Float => Some(float(sign * clean.parse::<f64>().ok()?)),
        Shape::Base60 => Some(int(base60(&clean), sign * base60_float(&clean)?)),
        Shape::Base60Float => Some(float(sign * base60_float(&clean)?)),
    }
}

enum Shape {
    Int,
    Float,
    Base60,
    Base60Float,
}

/// Which of the decimal forms `text`, without its sign, is written in.
fn shape(text: &str) -> Option<Shape> {
    let digits = |c: u8| c.is_ascii_digit() || c == b'_';
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if let Some((first, rest)) = whole.split_once(':') {
        let minutes = |part: &str| match part.as_bytes() {
            [d] => d.is_ascii_digit(),
            [t, d] => matches!(t, b'0'..=b'5') && d.is_ascii_digit(),
            _ => false,
        };
        let head = first.as_bytes().first()?;
        if !head.is_ascii_digit() || !all(first, digits) || !rest.split(':').all(minutes) {
            return None;
        }
        return match fraction {
            None => (*head != b'0').then_some(Shape::Base60),
            Some(fraction) => {
                (fraction.is_empty() || all(fraction, digits)).then_some(Shape::Base60Float)
            }
        };
    }
    let Some(fraction) = fraction else {
        let head = whole.as_bytes().first()?;
        return (matches!(head, b'1'..=b'9') && all(whole, digits)).then_some(Shape::Int);
    };
    let (fraction, exponent) = match fraction.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (fraction, None),
    };
    // The exponent needs its sign: `1.5e3` is text.
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['-', '+'])?;
        if !all(power, |c| c.is_ascii_digit()) {
            return None;
        }
    }
    let whole_fits = match whole.as_bytes().first() {
        Some(head) => head.is_ascii_digit() && all(whole, digits),
        // Without digits before the point there must be one after it.
        None => fraction.starts_with(|c: char| c.is_ascii_digit()),
    };
    let fraction_fits = fraction.is_empty() || all(fraction, digits);
    (whole_fits && fraction_fits).then_some(Shape::Float)
}

fn all(text: &str, accept: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(accept)
}

fn base60(text: &str) -> Option<i128> {
    let mut value: i128 = 0;
    for part in text.split(':') {
        value = value.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(value)
}

fn base60_float(text: &str) -> Option<f64> {
    let mut value = 0.0;
    for part in text.split(':') {
        value = value * 60.0 + part.parse::<f64>().ok()?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::{Plain, resolve};

    /// Every row was produced by `yaml.safe_load` of PyYAML 6.0.
    #[test]
    fn resolves_as_pyyaml_does() {
        let null = ["", "~", "null", "Null", "NULL"];
        let truths = [
            "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
        ];
        let lies = [
            "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
        ];
        let ints = [
            ("0", 0),
            ("-0", 0),
            ("00", 0),
            ("0_", 0),
            ("5", 5),
            ("+5", 5),
            ("-17", -17),
            ("0755", 493),
            ("-0755", -493),
            ("0_7", 7),
            ("1_000", 1000),
            ("1__0_", 10),
            ("0b101", 5),
            ("-0b1_1", -3),
            ("0x1F", 31),
            ("+0x_f", 15),
            ("1:20", 80),
            ("12:30:00", 45000),
            ("-1:20", -80),
            ("190:20:30", 685_230),
            ("1_0:0", 600),
            ("18446744073709551616", 18_446_744_073_709_551_616),
        ];
        let floats = [
            ("1.5", 1.5),
            ("1.", 1.0),
            (".5", 0.5),
            ("-1.5", -1.5),
            ("+1.5", 1.5),
            ("08.5", 8.5),
            ("1._", 1.0),
            ("1_0.5_0", 10.5),
            ("1.5e+3", 1500.0),
            ("1.5E-3", 0.0015),
            (".5e+1", 5.0),
            ("1:20.5", 80.5),
            ("0:20.", 20.0),
            (".inf", f64::INFINITY),
            ("-.Inf", f64::NEG_INFINITY),
            ("+.INF", f64::INFINITY),
        ];
        let texts = [
            "y", "Y", "n", "t", "yEs", "tRUE", "nuLL", "1e3", "1.5e3", "1.5e", "08", "09", "0o755",
            "0O7", "0b", "0b2", "0x", "0xg", "0X1F", "-.5", "+.5", ".", "..5", "._5", ".e+1",
            "1:60", "1:200", "01:20", "0:20", ":20", "1:2_0", "+", "--5", "_5", "5_x", "1.2.3",
            "1,5", "-.nan", ".iNf", "Infinity", "NaN", "10.0.0.1", "aa:bb", "½", "٣",
        ];
        for text in null {
            assert_eq!(resolve(text), Plain::Null, "{text:?}");
        }
        for text in truths {
            assert_eq!(resolve(text), Plain::Bool(true), "{text:?}");
        }
        for text in lies {
            assert_eq!(resolve(text), Plain::Bool(false), "{text:?}");
        }
        for (text, value) in ints {
            assert_eq!(resolve(text), Plain::Int(value), "{text:?}");
        }
        for (text, value) in floats {
            assert_eq!(resolve(text), Plain::Float(value), "{text:?}");
        }
        for text in texts {
            assert_eq!(resolve(text), Plain::Text, "{text:?}");
        }
        for text in [".nan", ".NaN", ".NAN"] {
            assert!(
                matches!(resolve(text), Plain::Float(f) if f.is_nan()),
                "{text:?}"
            );
        }
    }

    /// PyYAML makes dates of the first three and refuses the others.
    #[test]
    fn dates_and_oddities_stay_text() {
        for text in [
            "2026-01-01",
            "2026-1-1 10:00:00",
            "2026-01-01T10:00:00Z",
            "=",
            "<<",
            "0x_",
        ] {
            assert_eq!(resolve(text), Plain::Text, "{text:?}");
        }
    }

    #[test]
    fn an_integer_too_large_for_any_machine_becomes_a_float() {
        let text = "9".repeat(60);
        assert_eq!(resolve(&text), Plain::Float(1e60));
    }
}
