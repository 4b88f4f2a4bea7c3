//! The words of an unfinished command line.

use super::Shell;

/// Splits what the shell reports into the words before the one to complete, without the program's
/// name, and that one.
pub(super) fn split(shell: Shell, words: &str, place: &str) -> (Vec<String>, String) {
    let mut all = parse(words);
    if shell == Shell::Fish {
        // fish reports the unfinished word instead of its place.
        if !place.is_empty() && all.last().is_some_and(|last| last == place) {
            all.pop();
        }
        let before = all.into_iter().skip(1).collect();
        return (before, place.to_owned());
    }
    let place: usize = place.parse().unwrap_or(all.len());
    let incomplete = all.get(place).cloned().unwrap_or_default();
    all.truncate(place);
    (all.into_iter().skip(1).collect(), incomplete)
}

/// Splits at blanks, as a shell does, and takes quotes off; an open quote ends with the line.
fn parse(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(letter),
            (_, '\\') => word.get_or_insert_default().extend(letters.next()),
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(words: &str, place: &str) -> (Vec<String>, String) {
        split(Shell::Bash, words, place)
    }

    #[test]
    fn quotes_are_taken_off() {
        assert_eq!(
            parse(r#"a "b c" 'd\' e\ f "g"#),
            ["a", "b c", "d\\", "e f", "g"]
        );
        assert_eq!(parse("a ''"), ["a", ""]);
    }

    #[test]
    fn the_place_says_which_word_is_unfinished() {
        let before = vec!["power".to_owned()];
        assert_eq!(bash("j power o", "2"), (before.clone(), "o".to_owned()));
        assert_eq!(bash("j power ", "2"), (before.clone(), String::new()));
        assert_eq!(
            bash("j power o more", "2"),
            (before.clone(), "o".to_owned())
        );
        assert_eq!(
            split(Shell::Fish, "j power o", "o"),
            (before, "o".to_owned())
        );
    }
}
