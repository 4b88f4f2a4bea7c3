//! Results of a method as text.
//!
//! Every number travels as a double. What was declared a whole number is printed as one, and so is a
//! double without a fraction where nothing was declared.

use std::io::IsTerminal;

use jumpstarter_proto::descriptor::Type;
use serde_json::{Number, Value};

use crate::ui::{Failure, Outcome, print};

/// Prints a result; nothing for null.
pub(super) fn result(encoded: &[u8], ty: &Type) -> Outcome {
    let value = decode(encoded, ty)?;
    if !value.is_null() {
        // A person reads lines, a program reads one line.
        let pretty = std::io::stdout().is_terminal();
        print(&text(&value, pretty))?;
    }
    Ok(0)
}

/// Prints one item of a stream, on one line.
pub(super) fn item(encoded: &[u8], ty: &Type) -> Result<(), Failure> {
    print(&text(&decode(encoded, ty)?, false))
}

fn decode(encoded: &[u8], ty: &Type) -> Result<Value, Failure> {
    let value = jumpstarter_value::from_slice(encoded).map_err(|error| {
        Failure::Error(format!("the driver returned something unreadable: {error}"))
    })?;
    Ok(typed(value, ty))
}

/// Text stands for itself, everything else is JSON.
fn text(value: &Value, pretty: bool) -> String {
    match value {
        Value::String(text) => text.clone(),
        value if pretty => format!("{value:#}"),
        value => value.to_string(),
    }
}

/// Gives numbers the form that their type asks for.
fn typed(value: Value, ty: &Type) -> Value {
    match (value, ty) {
        (Value::Number(number), Type::Number) => Value::Number(with_fraction(number)),
        (Value::Number(number), _) => Value::Number(whole(number)),
        (Value::Array(items), ty) => {
            let inner = match ty {
                Type::List(inner) => inner,
                _ => &Type::Any,
            };
            items.into_iter().map(|item| typed(item, inner)).collect()
        }
        (Value::Object(fields), ty) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let ty = match ty {
                    Type::Struct(known) => known.iter().find(|field| field.name == name),
                    _ => None,
                };
                let value = typed(value, ty.map_or(&Type::Any, |field| &field.ty));
                (name, value)
            });
            Value::Object(fields.collect())
        }
        (value, _) => value,
    }
}

/// `3` for 3.0.
fn whole(number: Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() <= EXACT => Number::from(value as i64),
        _ => number,
    }
}

/// `3.0` for 3.
fn with_fraction(number: Number) -> Number {
    number.as_f64().and_then(Number::from_f64).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use jumpstarter_proto::descriptor::Param;
    use serde_json::json;

    use super::*;

    fn shown(value: Value, ty: &Type) -> String {
        text(&typed(value, ty), false)
    }

    #[test]
    fn numbers_take_the_form_of_their_type() {
        assert_eq!(shown(json!(3.0), &Type::Int), "3");
        assert_eq!(shown(json!(3.0), &Type::Number), "3.0");
        assert_eq!(shown(json!(3), &Type::Number), "3.0");
        assert_eq!(shown(json!(3.0), &Type::Any), "3");
        assert_eq!(shown(json!(3.5), &Type::Any), "3.5");
        assert_eq!(shown(json!([1.0, 1.5]), &Type::Any), "[1,1.5]");
        assert_eq!(
            shown(json!([1.0]), &Type::List(Box::new(Type::Number))),
            "[1.0]"
        );
    }

    #[test]
    fn fields_have_types_of_their_own() {
        let field = |name: &str, ty| Param {
            name: name.to_owned(),
            ty,
            optional: false,
            doc: String::new(),
        };
        let ty = Type::Struct(vec![
            field("number", Type::Int),
            field("volts", Type::Number),
        ]);
        let value = json!({"number": 3.0, "volts": 5.0, "other": 1.0});
        assert_eq!(shown(value, &ty), r#"{"number":3,"volts":5.0,"other":1}"#);
    }

    #[test]
    fn text_stands_for_itself() {
        assert_eq!(shown(json!("a\nb"), &Type::String), "a\nb");
        assert_eq!(shown(json!(null), &Type::Any), "null");
        assert_eq!(shown(json!(true), &Type::Any), "true");
    }
}
