//! Which driver clients a user lets run.
//!
//! A configuration lists globs over client class names (`jumpstarter_driver_*`). The list decides
//! what `j` offers, although nothing of a driver runs on the client here: scripts and people rely on
//! an unlisted driver being absent.

use std::str::Chars;

/// The globs a client class must match one of, or the word that lets all in.
///
/// ```
/// use jumpstarter_client::Allow;
///
/// let allow = Allow::from_list("jumpstarter_driver_*,vendor.client.Pdu");
/// assert!(allow.permits("vendor.client.Pdu"));
/// assert!(!allow.permits("vendor.client.Console"));
/// assert!(Allow::from_list("UNSAFE").permits("anything.at.all"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    globs: Vec<String>,
    everything: bool,
}

// === impl Allow ===

impl Allow {
    /// The word in a list that lets every driver client in.
    pub const UNSAFE: &str = "UNSAFE";

    /// Lets in what matches one of `globs`; everything, if `UNSAFE` is among them.
    pub fn new(globs: Vec<String>) -> Self {
        let everything = globs.iter().any(|glob| glob == Self::UNSAFE);
        Self { globs, everything }
    }

    /// Reads a comma-separated list.
    pub fn from_list(list: &str) -> Self {
        Self::new(list.split(',').map(str::to_owned).collect())
    }

    /// Lets everything in.
    pub fn everything() -> Self {
        Self {
            globs: Vec::new(),
            everything: true,
        }
    }

    /// Whether a driver client with this class name may be used.
    pub fn permits(&self, class: &str) -> bool {
        self.everything || self.globs.iter().any(|glob| matches(glob, class))
    }

    /// The list as `JMP_DRIVERS_ALLOW` spells it.
    pub fn to_list(&self) -> String {
        if self.everything {
            Self::UNSAFE.to_owned()
        } else {
            self.globs.join(",")
        }
    }
}

/// Case-sensitive shell globbing over the whole string: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`.
fn matches(glob: &str, text: &str) -> bool {
    // Where to go on after a mismatch: just behind the last `*`, one more character swallowed by it.
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    let (mut glob, mut text) = (glob.chars(), text.chars());
    loop {
        let before = text.clone();
        let fits = match glob.next() {
            None => text.next().is_none(),
            Some('*') => {
                retry = Some((glob.clone(), before));
                continue;
            }
            Some('?') => text.next().is_some(),
            Some('[') => match class(glob.clone()) {
                Some((set, rest)) => {
                    glob = rest;
                    text.next().is_some_and(|letter| set.contains(letter))
                }
                None => text.next() == Some('['),
            },
            Some(letter) => text.next() == Some(letter),
        };
        if fits && text.as_str().is_empty() && glob.as_str().is_empty() {
            return true;
        }
        if !fits {
            let Some((after_star, rest)) = &mut retry else {
                return false;
            };
            if rest.next().is_none() {
                return false;
            }
            glob = after_star.clone();
            text = rest.clone();
        }
    }
}

/// The inside of `[...]`.
struct Set<'a> {
    members: &'a str,
    negated: bool,
}

impl Set<'_> {
    fn contains(&self, letter: char) -> bool {
        let mut found = false;
        let mut members = self.members.chars();
        while let Some(first) = members.next() {
            let mut ahead = members.clone();
            match (ahead.next(), ahead.next()) {
                (Some('-'), Some(last)) => {
                    found |= (first..=last).contains(&letter);
                    members = ahead;
                }
                _ => found |= first == letter,
            }
        }
        found != self.negated
    }
}

/// Splits `abc]rest` into the set and what follows; none without a closing bracket.
fn class(after_bracket: Chars<'_>) -> Option<(Set<'_>, Chars<'_>)> {
    let whole = after_bracket.as_str();
    let (inner, negated) = match whole.strip_prefix('!') {
        Some(inner) => (inner, true),
        None => (whole, false),
    };
    // A bracket in the first place stands for itself.
    let end = inner.char_indices().skip(1).find(|(_, c)| *c == ']')?.0;
    let set = Set {
        members: &inner[..end],
        negated,
    };
    Some((set, inner[end + 1..].chars()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("*", "a.b", true),
            ("", "", true),
            ("", "a", false),
            (
                "jumpstarter_driver_*",
                "jumpstarter_driver_power.client.P",
                true,
            ),
            ("jumpstarter_driver_*", "Jumpstarter_driver_power", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.client.*", "x.client.Y", true),
            ("*.client.*", "x.clients.Y", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("[ab]x", "bx", true),
            ("[!ab]x", "bx", false),
            ("[a-c]", "b", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("a", "ab", false),
            ("ab", "a", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} on {text}");
        }
    }

    #[test]
    fn lists_keep_their_spelling() {
        assert_eq!(Allow::from_list("a,b*").to_list(), "a,b*");
        assert_eq!(Allow::everything().to_list(), "UNSAFE");
        assert!(!Allow::default().permits("a"));
        assert!(!Allow::from_list("").permits("a"));
    }

    /// The definition, written for clarity and not for speed.
    fn slowly(glob: &[char], text: &[char]) -> bool {
        match (glob.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                slowly(&glob[1..], text) || (!text.is_empty() && slowly(glob, &text[1..]))
            }
            (Some('?'), Some(_)) => slowly(&glob[1..], &text[1..]),
            (Some(g), Some(t)) => g == t && slowly(&glob[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(glob in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let letters = |s: &str| s.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&glob, &text), slowly(&letters(&glob), &letters(&text)));
        }

        #[test]
        fn never_panics(glob in "\\PC{0,12}", text in "\\PC{0,12}") {
            let _unused = matches(&glob, &text);
        }
    }
}
