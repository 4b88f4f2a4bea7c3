//! Rules for names, labels, tags and contexts. Programs rely on the texts.

use super::Labels;

/// How many tags a lease may have, unless the configuration says otherwise.
pub const MOST_TAGS: usize = 10;
const MOST_CONTEXT: usize = 8;
const LONGEST_CONTEXT_KEY: usize = 32;
const LONGEST_CONTEXT_VALUE: usize = 64;
const LONGEST_NAME: usize = 253;
const LONGEST_PART: usize = 63;
/// Prefixes that tags must not have, since ours have them.
const RESERVED: [&str; 2] = ["metadata.jumpstarter.dev/", "jumpstarter.dev/"];

/// Checks the name of an object: letters, digits, `-` and `.`, as in DNS.
///
/// # Errors
///
/// What is wrong with it, naming `kind`.
pub fn name(kind: &str, name: &str) -> Result<(), String> {
    if is_name(name) {
        return Ok(());
    }
    Err(format!(
        "{kind}.jumpstarter.dev \"{name}\" is invalid: metadata.name must consist of lower case \
         letters, digits, '-' or '.', and start and end with a letter or digit (at most {LONGEST_NAME})"
    ))
}

/// Checks the name of a namespace. It becomes part of subjects, claims and paths, so only some
/// characters are allowed.
///
/// # Errors
///
/// What is wrong with it.
pub fn namespace(namespace: &str) -> Result<(), String> {
    if is_name(namespace) {
        return Ok(());
    }
    Err(format!(
        "namespace \"{namespace}\" is invalid: it must consist of lower case letters, digits, '-' or \
         '.', and start and end with a letter or digit (at most {LONGEST_NAME})"
    ))
}

fn is_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        part.bytes().next().is_some_and(is_good)
            && part.bytes().last().is_some_and(is_good)
            && part.bytes().all(|byte| is_good(byte) || byte == b'-')
    };
    name.len() <= LONGEST_NAME && name.split('.').all(part)
}

/// Labels to set, or to remove with `None`.
pub type LabelChanges = std::collections::BTreeMap<String, Option<String>>;

/// The labels after these changes.
///
/// # Errors
///
/// The first label that breaks the rules.
pub fn changed_labels(mut all: Labels, changes: LabelChanges) -> Result<Labels, String> {
    for (key, value) in changes {
        match value {
            Some(value) => drop(all.insert(key, value)),
            None => drop(all.remove(&key)),
        }
    }
    labels(&all)?;
    Ok(all)
}

/// Checks the labels of an object.
///
/// # Errors
///
/// The first label that breaks the rules.
pub fn labels(labels: &Labels) -> Result<(), String> {
    for (key, value) in labels {
        let (prefix, part) = key.rsplit_once('/').unwrap_or(("", key));
        let prefixed = key.contains('/');
        if !is_part(part) || prefixed && name("label", prefix).is_err() {
            return Err(format!("\"{key}\" is not a valid label key"));
        }
        if !value.is_empty() && !is_part(value) {
            return Err(format!(
                "\"{value}\" is not a valid value for the label \"{key}\""
            ));
        }
    }
    Ok(())
}

/// Checks the tags of a lease, of which there may be `most`.
///
/// # Errors
///
/// What is wrong with them.
pub fn tags(tags: &Labels, most: usize) -> Result<(), String> {
    let wrong = |what: String| Err(format!("invalid lease tags: {what}"));
    if tags.len() > most {
        return wrong(format!("too many tags: {} (maximum {most})", tags.len()));
    }
    for (key, value) in tags {
        if RESERVED.iter().any(|prefix| key.starts_with(prefix)) {
            return wrong(format!("tag key \"{key}\" must not use reserved prefix"));
        }
        if key.contains('/') {
            return wrong(format!(
                "tag key \"{key}\" must not contain '/' (use simple names without prefix)"
            ));
        }
        if !is_part(key) {
            return wrong(format!(
                "tag key \"{key}\" is not a valid label key: {RULES}"
            ));
        }
        if !value.is_empty() && !is_part(value) {
            return wrong(format!(
                "tag value for key \"{key}\" is not a valid label value: {RULES}"
            ));
        }
    }
    Ok(())
}

/// Checks the context of a lease.
///
/// # Errors
///
/// What is wrong with it.
pub fn context(context: &Labels) -> Result<(), String> {
    if context.len() > MOST_CONTEXT {
        return Err(format!(
            "too many context entries: {} (maximum {MOST_CONTEXT})",
            context.len()
        ));
    }
    let fits = |text: &str, most: usize| text.chars().count() <= most;
    let all = |(key, value): (&String, &String)| {
        fits(key, LONGEST_CONTEXT_KEY) && fits(value, LONGEST_CONTEXT_VALUE)
    };
    if context.iter().all(all) {
        return Ok(());
    }
    Err("context keys max 32 chars, values max 64 chars".to_owned())
}

const RULES: &str = "up to 63 letters, digits, '-', '_' or '.', the ends a letter or digit";

fn is_part(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= LONGEST_PART
        && ends(text.bytes().next())
        && ends(text.bytes().last())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Labels {
        Labels::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn names_are_those_of_dns() {
        for good in [
            "a",
            "board-1",
            "a.b",
            "0198c5e0-0000-7000-8000-000000000000",
        ] {
            assert_eq!(name("leases", good), Ok(()));
        }
        let long = "a".repeat(254);
        for bad in [
            "",
            "A",
            "-a",
            "a-",
            "a..b",
            "a_b",
            "a/b",
            "ü",
            long.as_str(),
        ] {
            assert!(name("leases", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_may_have_a_prefix() {
        for good in [("a", ""), ("example.com/board", "imx8"), ("A_b.c-D", "X.y")] {
            assert_eq!(labels(&one(good.0, good.1)), Ok(()));
        }
        for bad in [
            ("", "x"),
            ("/a", "x"),
            ("a/", "x"),
            ("a/b/c", "x"),
            ("a", "-x"),
            ("a b", "x"),
        ] {
            assert!(labels(&one(bad.0, bad.1)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tags_are_simple() {
        let told = |key: &str, value: &str| tags(&one(key, value), 10).unwrap_err();
        assert_eq!(tags(&one("team", "apps"), 10), Ok(()));
        assert!(told("jumpstarter.dev/x", "").contains("must not use reserved prefix"));
        assert!(told("a/b", "").contains("must not contain '/'"));
        assert!(told("a b", "").contains("is not a valid label key: "));
        assert!(told("a", "b c").contains("is not a valid label value: "));
        let many = (0..3).map(|at| (format!("t{at}"), String::new())).collect();
        assert_eq!(
            tags(&many, 2),
            Err("invalid lease tags: too many tags: 3 (maximum 2)".to_owned())
        );
    }

    #[test]
    fn contexts_are_short() {
        assert_eq!(context(&one("build", "42")), Ok(()));
        assert_eq!(context(&one(&"ü".repeat(32), &"ü".repeat(64))), Ok(()));
        assert!(context(&one(&"k".repeat(33), "")).is_err());
        assert!(context(&one("k", &"v".repeat(65))).is_err());
        let many = (0..9).map(|at| (format!("k{at}"), String::new())).collect();
        assert!(context(&many).is_err());
    }
}
