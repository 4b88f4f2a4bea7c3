//! Names of methods and parameters, and the names protobuf allows.

use std::collections::HashSet;

/// The names taken in a message or file. Fields, types and enum values share one space.
#[derive(Debug, Default)]
pub(super) struct Scope(HashSet<String>);

// === impl Scope ===

impl Scope {
    /// Takes `name`, numbered if somebody has it already.
    pub(super) fn take(&mut self, name: String) -> String {
        let mut free = name.clone();
        let mut number = 1;
        while !self.0.insert(free.clone()) {
            number += 1;
            free = format!("{name}_{number}");
        }
        free
    }
}

/// `set_voltage` to `SetVoltage`.
pub(super) fn camel(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    for word in snake.split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// `SetVoltage` to `set_voltage`.
fn snake(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for (at, letter) in camel.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The rpc of a method.
pub(super) fn rpc(method: &str) -> String {
    let camel = camel(method);
    if camel.starts_with(|c: char| c.is_ascii_uppercase()) && snake(&camel) == method {
        camel
    } else if self::method(method) == method {
        method.to_owned()
    } else {
        format!("{method}_")
    }
}

/// The method of an rpc.
pub(super) fn method(rpc: &str) -> String {
    if let Some(exact) = rpc.strip_suffix('_') {
        return exact.to_owned();
    }
    let snake = snake(rpc);
    if rpc.starts_with(|c: char| c.is_ascii_uppercase()) && camel(&snake) == rpc {
        snake
    } else {
        rpc.to_owned()
    }
}

/// The nearest name protobuf allows.
pub(super) fn identifier(name: &str) -> String {
    let mut identifier = String::with_capacity(name.len() + 1);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        // Not an underscore: names of messages, which are made from this, would lose it again.
        identifier.push('n');
    }
    identifier.extend(
        name.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }),
    );
    identifier
}

/// The name of the message or enum that a field brings along.
pub(super) fn type_of(field: &str) -> String {
    identifier(&camel(field))
}

/// The JSON name protobuf gives to a field that does not say otherwise.
pub(super) fn json(field: &str) -> String {
    let mut json = String::with_capacity(field.len());
    let mut upper = false;
    for letter in field.chars() {
        if letter == '_' {
            upper = true;
        } else {
            json.push(if upper {
                letter.to_ascii_uppercase()
            } else {
                letter
            });
            upper = false;
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn methods_as_people_write_them() {
        for (name, expected) in [
            ("on", "On"),
            ("set_voltage", "SetVoltage"),
            ("i2c_read", "I2cRead"),
            ("get_URL", "get_URL"),
            ("read_2", "read_2"),
            ("setOutlet", "setOutlet"),
            ("GetStatus", "GetStatus_"),
            ("on_", "on__"),
            ("_hidden", "_hidden"),
            ("set-outlet", "Set-outlet"),
        ] {
            assert_eq!(rpc(name), expected);
            assert_eq!(method(expected), name);
        }
    }

    #[test]
    fn a_taken_name_is_numbered() {
        let mut scope = Scope::default();
        let names = ["a", "a", "a_2", "a"].map(|name| scope.take(name.to_owned()));
        assert_eq!(names, ["a", "a_2", "a_2_2", "a_3"]);
    }

    proptest! {
        #[test]
        fn every_method_survives(name in "[a-zA-Z_0-9]{0,12}|\\PC{0,8}") {
            prop_assert_eq!(method(&rpc(&name)), name);
        }

        #[test]
        fn identifiers_are_identifiers(name in "\\PC{0,8}") {
            let name = identifier(&name);
            prop_assert!(name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        }
    }
}
