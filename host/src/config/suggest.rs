//! "Did you mean".

/// How alike two words must be, from 0 to 1.
const ALIKE: f64 = 0.84;

/// The known word that was most likely meant by `word`.
pub(crate) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = bare(word);
    let mut best: Option<(f64, &str)> = None;
    for known in known {
        let score = match self::bare(known) {
            other if other == bare => 1.0,
            other => strsim::jaro_winkler(&bare, &other),
        };
        if score >= ALIKE && best.is_none_or(|(before, _)| score > before) {
            best = Some((score, known));
        }
    }
    best.map(|(_, known)| known)
}

/// Spelling without what people mix up: case, `_` and `-`.
fn bare(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = [
            "type",
            "description",
            "config",
            "exitOnLeaseEnd",
            "grpcOptions",
        ];
        for (word, meant) in [
            ("tpye", Some("type")),
            ("Config", Some("config")),
            ("confg", Some("config")),
            ("exit_on_lease_end", Some("exitOnLeaseEnd")),
            ("descripton", Some("description")),
            ("port", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known), meant, "{word}");
        }
    }
}
