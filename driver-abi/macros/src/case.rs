//! `#[serde(rename_all = "...")]`.

/// How the words of a name are written.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

// === impl Case ===

impl Case {
    /// The rule with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// Rewrites the name of a field (`two_words`) or of a variant (`TwoWords`).
    pub(crate) fn apply(self, name: &str) -> String {
        let words = words(name);
        match self {
            Self::Lower => name.to_lowercase(),
            Self::Upper => name.to_uppercase(),
            Self::Snake => words.join("_"),
            Self::ScreamingSnake => words.join("_").to_uppercase(),
            Self::Kebab => words.join("-"),
            Self::ScreamingKebab => words.join("-").to_uppercase(),
            Self::Pascal => words.iter().map(|word| capital(word)).collect(),
            Self::Camel => words
                .iter()
                .enumerate()
                .map(|(at, word)| if at == 0 { word.clone() } else { capital(word) })
                .collect(),
        }
    }
}

/// The words in lower case. Every capital begins one, as serde sees it.
fn words(name: &str) -> Vec<String> {
    let mut apart = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            apart.push('_');
        }
        apart.extend(letter.to_lowercase());
    }
    let words = apart.split('_').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn fields_and_variants() {
        let cases = [
            ("lowercase", "twowords", "two_words"),
            ("UPPERCASE", "TWOWORDS", "TWO_WORDS"),
            ("PascalCase", "TwoWords", "TwoWords"),
            ("camelCase", "twoWords", "twoWords"),
            ("snake_case", "two_words", "two_words"),
            ("SCREAMING_SNAKE_CASE", "TWO_WORDS", "TWO_WORDS"),
            ("kebab-case", "two-words", "two-words"),
            ("SCREAMING-KEBAB-CASE", "TWO-WORDS", "TWO-WORDS"),
        ];
        for (rule, variant, field) in cases {
            let case = Case::parse(rule).expect("a known rule");
            assert_eq!(case.apply("TwoWords"), variant);
            assert_eq!(case.apply("two_words"), field);
        }
        assert!(Case::parse("Kebab").is_none());
    }
}
