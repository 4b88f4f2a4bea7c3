//! The arguments of a call, decoded one by one into the types of the parameters.

use jumpstarter_value::{ListReader, from_slice, validate};
use serde::Deserialize;

use crate::{Error, Result, Schema};

/// The arguments of one call.
#[derive(Debug)]
pub struct Args<'a> {
    method: &'static str,
    params: &'static [&'static str],
    values: ListReader<'a>,
    taken: usize,
}

// === impl Args ===

impl<'a> Args<'a> {
    /// Reads `list`, an encoded `google.protobuf.ListValue`.
    pub fn new(method: &'static str, params: &'static [&'static str], list: &'a [u8]) -> Self {
        Self {
            method,
            params,
            values: ListReader::new(list),
            taken: 0,
        }
    }

    /// Takes the next argument.
    ///
    /// # Errors
    /// It is not there and cannot be left out, or it does not fit the type.
    pub fn take<T: Deserialize<'a> + Schema>(&mut self) -> Result<T> {
        let value = match self.values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(self.malformed(error)),
            // No bytes are null.
            None if T::OPTIONAL => &[],
            None => return Err(self.wrong(Error::unknown("missing"))),
        };
        let decoded = if may_hold_non_finite(value) {
            validate(value).and_then(|()| from_slice(value))
        } else {
            from_slice(value)
        };
        let decoded = decoded.map_err(|error| self.wrong(Error::invalid_argument(error)))?;
        self.taken += 1;
        Ok(decoded)
    }

    /// Makes sure that all arguments were taken.
    ///
    /// # Errors
    /// There are more.
    pub fn end(mut self) -> Result<()> {
        let mut surplus = 0;
        while let Some(value) = self.values.next() {
            value.map_err(|error| self.malformed(error))?;
            surplus += 1;
        }
        if surplus == 0 {
            return Ok(());
        }
        let (method, takes) = (self.method, self.params.len());
        let plural = if takes == 1 { "" } else { "s" };
        Err(Error::unknown(format_args!(
            "{method}() takes {takes} argument{plural}, got {}",
            takes + surplus
        )))
    }

    #[cold]
    fn wrong(&self, error: Error) -> Error {
        let (method, number) = (self.method, self.taken + 1);
        let name = self.params.get(self.taken).copied().unwrap_or_default();
        error.within(format_args!("{method}(): argument {number} ({name})"))
    }

    #[cold]
    fn malformed(&self, error: jumpstarter_value::Error) -> Error {
        Error::invalid_argument(error).within(format_args!("{}(): arguments", self.method))
    }
}

/// Whether NaN or an infinity may be among the numbers of an encoded Value.
///
/// A quick look that spares nearly every call the full one. A number is the key 17 (which a careless
/// writer may pad, so that it ends with 0) and a double, whose last two bytes tell:
///
/// ```text
///   11  m m m m m m  f? 7f     or  f? ff
/// ```
fn may_hold_non_finite(value: &[u8]) -> bool {
    const STEP: usize = 64;
    let ends = |byte: u8| byte & 0x7f == 0x7f;
    let is_number = |at: usize| {
        at >= 8 && ends(value[at]) && value[at - 1] >= 0xf0 && matches!(value[at - 8], 0x11 | 0)
    };
    value.chunks(STEP).enumerate().any(|(step, chunk)| {
        // Without an early end, so that the compiler takes many bytes at a time.
        let any = chunk.iter().fold(false, |any, &byte| any | ends(byte));
        any && (step * STEP..step * STEP + chunk.len()).any(is_number)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jumpstarter_value::ListWriter;
    use serde_json::{Value, json};

    use super::*;
    use crate::Code;

    const PARAMS: &[&str] = &["channel", "volts"];

    fn list(values: &[Value]) -> Vec<u8> {
        let mut list = ListWriter::new();
        for value in values {
            list.push(value).unwrap();
        }
        list.into_bytes()
    }

    fn decode(list: &[u8]) -> Result<(String, f64)> {
        let mut args = Args::new("set_voltage", PARAMS, list);
        let values = (args.take()?, args.take()?);
        args.end()?;
        Ok(values)
    }

    fn refusal(list: &[u8]) -> (Code, String) {
        let error = decode(list).unwrap_err();
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert_eq!(
            decode(&list(&[json!("a"), json!(3)])).unwrap(),
            ("a".into(), 3.0)
        );
        let (code, text) = refusal(&list(&[json!("a"), json!("x")]));
        assert_eq!(code, Code::InvalidArgument);
        assert_eq!(
            text,
            "set_voltage(): argument 2 (volts): invalid type: string \"x\", expected f64"
        );
        assert_eq!(
            refusal(&list(&[json!("a")])),
            (
                Code::Unknown,
                "set_voltage(): argument 2 (volts): missing".to_owned()
            )
        );
        let four = [json!("a"), json!(1), json!(2), json!(3)];
        assert_eq!(
            refusal(&list(&four)),
            (
                Code::Unknown,
                "set_voltage() takes 2 arguments, got 4".to_owned()
            )
        );
        assert_eq!(refusal(&[0x0a, 0x05, 0x08]).0, Code::InvalidArgument);
    }

    #[test]
    fn trailing_arguments_may_be_left_out_if_optional() {
        let list = list(&[]);
        let mut args = Args::new("read", &["count"], &list);
        assert_eq!(args.take::<Option<u32>>().unwrap(), None);
        args.end().unwrap();
    }

    #[test]
    fn only_finite_numbers_are_arguments() {
        for odd in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut value = vec![0x11];
            value.extend(odd.to_le_bytes());
            let mut list = ListWriter::new();
            list.push("a").unwrap();
            list.push_raw(&value);
            assert_eq!(refusal(list.as_bytes()).0, Code::InvalidArgument, "{odd}");
            // With a key that is longer than it need be.
            let mut padded = vec![0x91, 0x80, 0x00];
            padded.extend(&value[1..]);
            let mut list = ListWriter::new();
            list.push_raw(&padded);
            let error = Args::new("f", &["x"], list.as_bytes())
                .take::<f64>()
                .unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{odd}");
            // And inside of a list.
            let mut nested = vec![0x32, 0x0b, 0x0a, 0x09];
            nested.extend(&value);
            let mut list = ListWriter::new();
            list.push_raw(&nested);
            let error = Args::new("f", &["x"], list.as_bytes())
                .take::<Vec<f64>>()
                .unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{odd}");
        }
        for even in [f64::MAX, f64::MIN, 0.1, -1e300] {
            assert_eq!(
                decode(&list(&[json!("\u{1f600}"), json!(even)])).unwrap().1,
                even
            );
        }
    }
}
