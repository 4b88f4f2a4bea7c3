//! Values as Python writes them: clients compare some error texts word by word.

use std::fmt::{self, Write};
use std::io;

use serde_json::Value;

/// A list of strings, `['a', "it's"]`.
pub(crate) struct List<I>(pub(crate) I);

/// A string in quotes.
struct Quoted<'a>(&'a str);

/// An error of the system, `[Errno 2] No such file or directory: 'bash'`.
pub(crate) struct Errno<'a>(pub(crate) &'a io::Error, pub(crate) &'a str);

/// The name of a value's class.
pub(crate) fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "<class 'NoneType'>",
        Value::Bool(_) => "<class 'bool'>",
        Value::Number(_) => "<class 'float'>",
        Value::String(_) => "<class 'str'>",
        Value::Array(_) => "<class 'list'>",
        Value::Object(_) => "<class 'dict'>",
    }
}

// === impl List ===

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (index, item) in self.0.clone().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Quoted(item))?;
        }
        f.write_char(']')
    }
}

// === impl Quoted ===

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = self.0.contains('\'') && !self.0.contains('"');
        let quote = if single { '"' } else { '\'' };
        f.write_char(quote)?;
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\\' => f.write_str("\\\\")?,
                c if c == quote => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char(quote)
    }
}

// === impl Errno ===

impl fmt::Display for Errno<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error, what) = self;
        let text = error.to_string();
        match error.raw_os_error() {
            Some(number) => {
                let text = text.split(" (os error").next().unwrap_or(&text);
                write!(f, "[Errno {number}] {text}: {}", Quoted(what))
            }
            None => write!(f, "{text}: {}", Quoted(what)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Errno, List};

    #[test]
    fn lists_look_like_pythons() {
        let list = |items: &[&str]| List(items.iter().copied()).to_string();
        assert_eq!(list(&[]), "[]");
        assert_eq!(list(&["a", "b c"]), "['a', 'b c']");
        let quotes = [r#"it's"#, r#""so""#, r#"it's "so""#];
        assert_eq!(list(&quotes), r#"["it's", '"so"', 'it\'s "so"']"#);
        assert_eq!(list(&["a\n\t\\\u{1b}"]), r"['a\n\t\\\x1b']");
    }

    #[test]
    fn errors_of_the_system_have_their_number() {
        let error = io::Error::from_raw_os_error(2);
        let text = "[Errno 2] No such file or directory: 'bash'";
        assert_eq!(Errno(&error, "bash").to_string(), text);
    }
}
