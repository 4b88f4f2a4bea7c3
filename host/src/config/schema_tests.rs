use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::config::{Source, yaml};

fn findings(schema: &Json, text: &str) -> Findings {
    let node = match yaml::parse(text) {
        Ok(document) => document.root,
        Err(mistake) => panic!("{}", mistake.show(&Source::new(Path::new("f"), text), "")),
    };
    let place = Place {
        line: 9,
        column: 9,
        width: 1,
    };
    super::check(schema, &node, "export.p.config", place, &["labels"])
}

fn lines(list: &[Mistake]) -> Vec<String> {
    let line = |m: &Mistake| {
        format!(
            "{}:{} {}: {}",
            m.place.line, m.place.column, m.path, m.message
        )
    };
    list.iter().map(line).collect()
}

fn check(schema: Json, text: &str) -> Vec<String> {
    lines(&findings(&schema, text).mistakes)
}

fn schema() -> Json {
    json!({
        "type": "object",
        "properties": {
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "host": {"type": "string"},
            "color": {"enum": ["red", "green"]},
            "outlets": {"type": "array", "items": {"$ref": "#/$defs/Outlet"}},
            "limit": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": null},
            "password": {"type": "string"},
        },
        "required": ["host", "port"],
        "additionalProperties": false,
        "$defs": {"Outlet": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        }},
    })
}

#[test]
fn what_fits_is_accepted() {
    for text in [
        "{host: h, port: 80}",
        "{host: h, port: 0x50, color: red, limit: null, labels: {a: b}}",
        "{host: '5', port: 1, limit: 1.5, outlets: [{name: a, more: 1}]}",
    ] {
        assert_eq!(check(schema(), text), Vec::<String>::new(), "{text}");
    }
    for schema in [
        json!(true),
        json!({}),
        json!({"type": "strange"}),
        json!({"$ref": "#"}),
    ] {
        assert_eq!(check(schema, "{a: 1}"), Vec::<String>::new());
    }
}

#[test]
fn everything_that_does_not_fit_is_told_with_its_place() {
    let text = "host: 5\nport: \"80\"\ncolour: red\ncolor: gren\nlimit: [1]\noutlets:\n  - name: 1\n  - {}\npassword: 123\n";
    assert_eq!(
        check(schema(), text),
        [
            "1:7 export.p.config.host: expected a text, found the integer 5; write it in quotes",
            "2:7 export.p.config.port: expected an integer, found the text \"80\"; remove the quotes",
            "3:1 export.p.config.colour: unknown key, did you mean `color`?",
            "4:8 export.p.config.color: the text \"gren\" is not one of `red`, `green`, did you mean `green`?",
            "5:1 export.p.config.limit: expected a number or null, found a list",
            "7:11 export.p.config.outlets[0].name: expected a text, found the integer 1; write it in quotes",
            "8:5 export.p.config.outlets[1]: `name` is missing",
            "9:11 export.p.config.password: expected a text, found something else; write it in quotes",
        ]
    );
    assert_eq!(
        check(schema(), "{port: 70000, host: h}"),
        ["1:8 export.p.config.port: must be at most 65535"]
    );
    assert_eq!(
        check(schema(), "{}"),
        [
            "9:9 export.p.config: `host` is missing",
            "9:9 export.p.config: `port` is missing",
        ]
    );
}

#[test]
fn of_several_forms_the_one_that_was_meant_is_told() {
    let schema = json!({"properties": {"url": {"oneOf": [
        {"type": "string"},
        {"type": "object", "properties": {"port": {"type": "integer"}}},
    ]}}});
    assert_eq!(
        check(schema.clone(), "{url: {port: 1}}"),
        Vec::<String>::new()
    );
    assert_eq!(
        check(schema.clone(), "{url: {port: x}}"),
        ["1:14 export.p.config.url.port: expected an integer, found the text \"x\""]
    );
    assert_eq!(
        check(schema, "{url: 5}"),
        [
            "1:7 export.p.config.url: expected a text or a mapping, found the integer 5; write it in quotes"
        ]
    );
}

#[test]
fn a_driver_without_settings_says_so() {
    let schema = json!({"type": "object", "additionalProperties": false});
    assert_eq!(
        check(schema, "{x: 1}"),
        ["1:2 export.p.config.x: unknown key; this driver has no settings"]
    );
}

#[test]
fn a_schema_that_goes_round_ends() {
    let schema = json!({"anyOf": [{"$ref": "#"}, {"type": "string"}]});
    assert_eq!(check(schema, "a"), Vec::<String>::new());
}

#[test]
fn what_a_driver_ignores_is_a_warning() {
    let schema = json!({"type": "object", "properties": {"color": {"type": "string"}}});
    let found = findings(&schema, "{colour: red, labels: {}}");
    assert_eq!(lines(&found.mistakes), Vec::<String>::new());
    assert_eq!(
        lines(&found.warnings),
        ["1:2 export.p.config.colour: ignored: unknown key, did you mean `color`?"]
    );
    // Nothing is known about these.
    for schema in [
        json!({"type": "object"}),
        json!({"properties": {}, "additionalProperties": true}),
    ] {
        assert_eq!(findings(&schema, "{x: 1}").warnings, []);
    }
}
