//! Words of a command line as arguments of a method.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches};
use jumpstarter_proto::descriptor::{Param, Type};
use serde_json::Value;

/// One argument for each parameter, in their order.
///
/// Only those at the end can be left out, since nothing but the place says which one is meant.
pub(super) fn all(params: &[Param]) -> Vec<Arg> {
    let required = params.iter().rposition(|param| !param.optional);
    let arguments = params.iter().enumerate().map(|(index, param)| {
        let optional = required.is_none_or(|last| index > last);
        let argument = Arg::new(index.to_string())
            .value_name(param.name.to_uppercase())
            .required(!optional)
            .allow_negative_numbers(true)
            .help(help(param));
        match &param.ty {
            Type::Enum(values) => {
                argument.value_parser(PossibleValuesParser::new(values.iter().cloned()))
            }
            ty => {
                let (ty, nullable) = (ty.clone(), param.optional);
                argument.value_parser(move |text: &str| parse(&ty, nullable, text))
            }
        }
    });
    arguments.collect()
}

/// Any number of arguments of unknown type.
pub(super) fn rest(id: &'static str) -> Arg {
    Arg::new(id)
        .value_name("ARGS")
        .num_args(0..)
        .allow_negative_numbers(true)
        .value_parser(|text: &str| parse(&Type::Any, true, text))
        .help("Arguments: JSON, or text")
}

/// What was given for each parameter; null for what was left out.
pub(super) fn given(params: &[Param], matches: &ArgMatches) -> Vec<Value> {
    let values = params.iter().enumerate().map(|(index, param)| {
        let id = index.to_string();
        if matches!(param.ty, Type::Enum(_)) {
            return matches
                .get_one::<String>(&id)
                .cloned()
                .map_or(Value::Null, Value::String);
        }
        matches.get_one::<Value>(&id).cloned().unwrap_or_default()
    });
    values.collect()
}

pub(super) fn given_rest(id: &str, matches: &ArgMatches) -> Vec<Value> {
    matches
        .get_many(id)
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn help(param: &Param) -> String {
    let kind = match &param.ty {
        Type::Bool => "true or false".to_owned(),
        Type::Int => "whole number".to_owned(),
        Type::Number => "number".to_owned(),
        Type::String => "text".to_owned(),
        Type::Any | Type::Null => "JSON, or text".to_owned(),
        Type::List(_) => "JSON list".to_owned(),
        Type::Enum(_) => "one of".to_owned(),
        Type::Struct(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            format!("JSON object of {}", names.join(", "))
        }
    };
    match param.doc.trim() {
        "" => kind,
        doc => format!("{doc} ({kind})"),
    }
}

/// Reads a word as a value of this type; the error is a sentence.
fn parse(ty: &Type, nullable: bool, text: &str) -> Result<Value, String> {
    if nullable && text == "null" && *ty != Type::String {
        return Ok(Value::Null);
    }
    match ty {
        Type::Bool => boolean(text),
        Type::Int => integer(text),
        Type::Number => number(text),
        Type::String | Type::Enum(_) => Ok(Value::from(text)),
        Type::Any | Type::Null => {
            Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
        }
        Type::List(_) => json(text, "list", Value::is_array),
        Type::Struct(_) => json(text, "object", Value::is_object),
    }
}

fn boolean(text: &str) -> Result<Value, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Value::Bool(true)),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(Value::Bool(false)),
        _ => Err(format!("'{text}' is not a valid boolean.")),
    }
}

/// Decimal, or as registers and masks are written: `0x1f`, `0b1010`, `0o17`.
fn integer(text: &str) -> Result<Value, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let parsed = match lower.get(..2) {
        Some("0x") => i64::from_str_radix(&lower[2..], 16),
        Some("0o") => i64::from_str_radix(&lower[2..], 8),
        Some("0b") => i64::from_str_radix(&lower[2..], 2),
        _ => lower.parse(),
    };
    match parsed {
        Ok(value) if value >= 0 => Ok(Value::from(if negative { -value } else { value })),
        _ => Err(format!("'{text}' is not a valid integer.")),
    }
}

fn number(text: &str) -> Result<Value, String> {
    let parsed = text.trim().parse().ok();
    let finite = parsed.and_then(serde_json::Number::from_f64);
    finite
        .map(Value::Number)
        .ok_or_else(|| format!("'{text}' is not a valid float."))
}

fn json(text: &str, what: &str, fits: fn(&Value) -> bool) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value) if fits(&value) => Ok(value),
        Ok(_) => Err(format!("'{text}' is not a JSON {what}.")),
        Err(error) => Err(format!("'{text}' is not a JSON {what}: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn words_become_values_by_type() {
        let list = Type::List(Box::new(Type::Int));
        for (ty, text, expected) in [
            (Type::Bool, "on", json!(true)),
            (Type::Bool, "No", json!(false)),
            (Type::Int, "-7", json!(-7)),
            (Type::Int, "0x1F", json!(31)),
            (Type::Number, "3", json!(3.0)),
            (Type::String, "3", json!("3")),
            (Type::Any, "3", json!(3)),
            (Type::Any, "three", json!("three")),
            (Type::Any, "[1, null]", json!([1, null])),
            (list.clone(), "[1,2]", json!([1, 2])),
            (Type::Struct(Vec::new()), r#"{"a":1}"#, json!({"a": 1})),
        ] {
            assert_eq!(parse(&ty, false, text), Ok(expected), "{text}");
        }
        for (ty, text, sentence) in [
            (Type::Bool, "maybe", "'maybe' is not a valid boolean."),
            (Type::Int, "1.5", "'1.5' is not a valid integer."),
            (Type::Int, "--1", "'--1' is not a valid integer."),
            (Type::Int, "+-1", "'+-1' is not a valid integer."),
            (Type::Number, "inf", "'inf' is not a valid float."),
            (list, "{}", "'{}' is not a JSON list."),
        ] {
            assert_eq!(parse(&ty, false, text), Err(sentence.to_owned()));
        }
    }

    #[test]
    fn null_is_for_what_may_be_left_out() {
        assert_eq!(parse(&Type::Int, true, "null"), Ok(Value::Null));
        assert!(parse(&Type::Int, false, "null").is_err());
        assert_eq!(parse(&Type::String, true, "null"), Ok(json!("null")));
    }

    fn param(name: &str, optional: bool) -> Param {
        Param {
            name: name.to_owned(),
            ty: Type::Int,
            optional,
            doc: String::new(),
        }
    }

    #[test]
    fn only_the_last_ones_can_be_left_out() {
        let params = [param("a", true), param("b", false), param("c", true)];
        let required: Vec<bool> = all(&params).iter().map(Arg::is_required_set).collect();
        assert_eq!(required, [true, true, false]);
    }

    proptest! {
        #[test]
        fn whole_numbers_survive(value in any::<i32>()) {
            prop_assert_eq!(integer(&value.to_string()), Ok(Value::from(i64::from(value))));
        }

        #[test]
        fn no_word_makes_it_panic(text in "\\PC{0,12}") {
            for ty in [Type::Bool, Type::Int, Type::Number, Type::Any, Type::Struct(Vec::new())] {
                parse(&ty, true, &text).ok();
            }
        }
    }
}
