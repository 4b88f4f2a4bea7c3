//! What stands below `export:`.

use super::*;

/// The form of each entry, in one word.
fn forms(entries: &[(String, Entry)]) -> Vec<String> {
    let form = |entry: &Entry| match entry {
        Entry::Driver(driver) => format!("driver {}", driver.type_name),
        Entry::Proxy(proxy) => format!("ref {}", proxy.reference),
        Entry::Composite(group) => format!("group of {}", group.children.len()),
    };
    entries
        .iter()
        .map(|(name, entry)| format!("{name}: {}", form(entry)))
        .collect()
}

#[test]
fn an_entry_is_a_driver_a_reference_or_a_group() {
    let text = with_export(
        "export:\n  a: {}\n  b: {type: x.Y, ref: a}\n  c: {children: {}, ref: a}\n  d: {ref: a, extra: 1}\n  \
         e: {ref: 5}\n  f: {tpye: x.Y, config: {}}\n  g: {type: x.Y, config: null, port: 5}\n  \
         h: {type: jumpstarter_driver_composite.driver.Proxy, config: {ref: a}}\n  on: {}\n",
    );
    let config = good(&text);
    assert_eq!(
        forms(&config.export),
        [
            "a: group of 0",
            "b: driver x.Y",
            "c: group of 0",
            "d: ref a",
            "e: group of 0",
            "f: group of 0",
            "g: driver x.Y",
            "h: ref a",
            "on: group of 0",
        ]
    );
    assert_eq!(
        lines(&config.warnings),
        [
            "4:18 export.b.ref: ignored; there is a `type` here",
            "5:21 export.c.ref: ignored; there are `children` here, so this is a group",
            "6:15 export.d.extra: unknown key, ignored; a reference has nothing but `ref`",
            "7:7 export.e.ref: expected a dotted path, found the integer 5; this is an empty group now",
            "8:7 export.f.tpye: unknown key, ignored, did you mean `type`?",
            "8:18 export.f.config: ignored; there is no `type` here, so this is a group",
            "9:32 export.g.port: unknown key, ignored; settings of the driver go below `config:`",
            "11:3 export.on: taken as the text `on`, but the Python exporter does not read it as text; write \"on\" in quotes",
        ]
    );
    for (entry, mistake) in [
        (
            "[]",
            "2:10 export.a: expected a mapping with `type` (a driver), `ref` (a reference) or `children` (a group), found a list",
        ),
        (
            "{children: null}",
            "2:14 export.a.children: expected a mapping, found nothing (null); leave the key out or write `{}`",
        ),
        (
            "{children: {b: 5}}",
            "2:25 export.a.children.b: expected a mapping with `type` (a driver), `ref` (a reference) or `children` (a group), found the integer 5",
        ),
        (
            "{type: null}",
            "2:14 export.a.type: expected a text, found nothing (null)",
        ),
        (
            "{type: jumpstarter_driver_composite.driver.Proxy}",
            "2:14 export.a.config: `ref` is missing",
        ),
    ] {
        assert_eq!(
            bad(&with_export(&format!("export: {{a: {entry}}}\n")))[0],
            mistake
        );
    }
}

#[test]
fn a_reference_beside_something_that_is_no_group_is_a_reference() {
    let config = good(&with_export(
        "export: {a: {ref: b, children: null}, b: {}}\n",
    ));
    assert_eq!(forms(&config.export), ["a: ref b", "b: group of 0"]);
    assert_eq!(
        lines(&config.warnings),
        ["2:22 export.a.children: unknown key, ignored; a reference has nothing but `ref`"]
    );
    let text = with_export("export: {a: {ref: 5, children: null}}\n");
    assert_eq!(bad(&text).len(), 1);
}

#[test]
fn the_settings_of_every_driver_are_the_hosts() {
    let text = with_export(
        "export: {a: {type: x.Y, config: {log_level: debug, uuid: 7A2F0A582F554F4B9D360C8B7A4F5B11, labels: {k: v}, port: 0x50}}}\n",
    );
    let config = good(&text);
    let Entry::Driver(driver) = &config.export[0].1 else {
        panic!("a driver");
    };
    assert_eq!(driver.base.log_level, LogLevel::Debug);
    assert_eq!(
        driver.base.uuid.unwrap().to_string(),
        "7a2f0a58-2f55-4f4b-9d36-0c8b7a4f5b11"
    );
    assert_eq!(driver.base.labels["k"], "v");
    assert_eq!(
        serde_json::Value::from(driver.settings()).to_string(),
        r#"{"port":80}"#
    );

    let text = with_export(
        "export: {a: {type: x.Y, config: {log_level: verbose, uuid: 5, labels: {k: 1}, children: {}}}}\n",
    );
    assert_eq!(
        bad(&text),
        [
            "2:45 export.a.config.log_level: \"verbose\" is not a log level",
            "2:60 export.a.config.uuid: expected a text, found the integer 5; write it in quotes",
            "2:75 export.a.config.labels.k: expected a text, found the integer 1; write it in quotes",
            "2:79 export.a.config.children: does not belong in `config`; write it beside `type`",
        ]
    );
}

#[test]
fn references_are_checked_with_their_places() {
    let text = with_export(
        "export:\n  a: {ref: b.powr}\n  b: {children: {power: {type: x.Y}}}\n  c: {ref: ''}\n  d: {ref: d}\n  \
         e: {ref: f}\n  f: {ref: e}\n  g: {children: {h: {ref: g}}}\n  i: {ref: j.x}\n  j: {ref: b}\n  \
         k: {ref: b.power.led}\n  l: {ref: zzz}\n",
    );
    assert_eq!(
        bad(&text),
        [
            "3:12 export.a.ref: Proxy driver a references nonexistent driver b.powr, did you mean `b.power`?",
            "5:12 export.c.ref: Proxy driver c references nonexistent driver ; the path is empty",
            "6:12 export.d.ref: Proxy driver d references itself",
            "7:12 export.e.ref: Proxy driver e references what contains it: e -> f -> e",
            "9:27 export.g.h.ref: Proxy driver h references what contains it: g.h -> g -> g.h",
            "10:12 export.i.ref: Proxy driver i references nonexistent driver j.x; `j` is itself a reference, and a path cannot go through one: write `b.x`",
            "13:12 export.l.ref: Proxy driver l references nonexistent driver zzz; there is no `zzz` in `export`",
        ]
    );
}
