//! `key=value`, repeated.

use std::collections::HashMap;

/// The tags of a lease.
pub(in crate::jmp) fn tags(words: &[String]) -> Result<HashMap<String, String>, String> {
    Ok(pairs("tag", words)?.into_iter().collect())
}

/// What a lease tells its exporter; small, because it travels in environment variables.
pub(in crate::jmp) fn context(words: &[String]) -> Result<HashMap<String, String>, String> {
    const KEY: usize = 32;
    const VALUE: usize = 64;
    const MOST: usize = 8;
    let pairs = pairs("context", words)?;
    for (key, value) in &pairs {
        if key.chars().count() > KEY {
            return Err(format!(
                "Context key too long: '{key}' (max {KEY} characters)"
            ));
        }
        if value.chars().count() > VALUE {
            return Err(format!(
                "Context value too long for key '{key}' (max {VALUE} characters)"
            ));
        }
    }
    let context: HashMap<String, String> = pairs.into_iter().collect();
    if context.len() > MOST {
        return Err(format!("Too many context entries (max {MOST})"));
    }
    Ok(context)
}

fn pairs(what: &str, words: &[String]) -> Result<Vec<(String, String)>, String> {
    let split = |word: &String| match word.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!(
            "Invalid {what} format: '{word}' (expected key=value)"
        )),
    };
    words.iter().map(split).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_first_equals_sign_divides() {
        let tags = tags(&words(&["a=b=c", "d=", "a=e"])).unwrap();
        assert_eq!(
            tags,
            HashMap::from([("a".into(), "e".into()), ("d".into(), String::new())])
        );
        let error = super::tags(&words(&["a"])).unwrap_err();
        assert_eq!(error, "Invalid tag format: 'a' (expected key=value)");
        let error = context(&words(&["a"])).unwrap_err();
        assert_eq!(error, "Invalid context format: 'a' (expected key=value)");
    }

    #[test]
    fn a_context_is_small() {
        let long = "k".repeat(33);
        assert_eq!(
            context(&[format!("{long}=v")]).unwrap_err(),
            format!("Context key too long: '{long}' (max 32 characters)")
        );
        assert_eq!(
            context(&[format!("k={}", "v".repeat(65))]).unwrap_err(),
            "Context value too long for key 'k' (max 64 characters)"
        );
        let many: Vec<String> = (0..9).map(|at| format!("k{at}=v")).collect();
        assert_eq!(
            context(&many).unwrap_err(),
            "Too many context entries (max 8)"
        );
        assert_eq!(context(&many[..8]).unwrap().len(), 8);
    }
}
