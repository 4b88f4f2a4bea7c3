//! The object that an external user may act as, derived from the username.

/// The longest name that is derived, in characters.
const LONGEST: usize = 63;

/// How a username relates to names of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A service account of a cluster, which may act as objects of any name.
    ServiceAccount,
    /// A person, whose object has the name derived from the username.
    Person,
}

pub(super) fn shape(username: &str) -> Shape {
    let mut parts = username.split(':');
    let second = (parts.nth(1), parts.next());
    if second == (Some("system"), Some("serviceaccount")) && parts.count() >= 2 {
        Shape::ServiceAccount
    } else {
        Shape::Person
    }
}

/// The name of the object that belongs to a username: `dex:foo@example.com` is `foo-example-com`.
///
/// Users of two issuers may come to the same name; the first keeps it.
pub fn derive(username: &str) -> String {
    let rest = username.split_once(':').map_or(username, |(_, rest)| rest);
    let mut name = String::new();
    for letter in rest.to_lowercase().chars() {
        let letter = match letter {
            'a'..='z' | '0'..='9' => letter,
            _ => '-',
        };
        if letter != '-' || !name.ends_with('-') {
            name.push(letter);
        }
    }
    let name = name.trim_matches('-');
    // It is all ASCII by now, so any index is a character boundary.
    let name = &name[..name.len().min(LONGEST)];
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::validate;

    #[test]
    fn names_come_from_usernames() {
        for (username, name) in [
            ("dex:foo@example.com", "foo-example-com"),
            ("dex:test-user", "test-user"),
            ("Alice", "alice"),
            ("dex:a..b__c", "a-b-c"),
            ("dex:-x-", "x"),
            ("a:b:c", "b-c"),
            ("dex:", ""),
            ("dex:Ü", ""),
        ] {
            assert_eq!(derive(username), name, "{username}");
        }
        let cut = format!("dex:{}-{}", "a".repeat(62), "b".repeat(9));
        assert_eq!(derive(&cut), "a".repeat(62));
    }

    #[test]
    fn service_accounts_have_five_parts() {
        assert_eq!(
            shape("k8s:system:serviceaccount:ns:ci"),
            Shape::ServiceAccount
        );
        assert_eq!(
            shape("k8s:system:serviceaccount:ns:ci:x"),
            Shape::ServiceAccount
        );
        assert_eq!(shape("k8s:system:serviceaccount:ns"), Shape::Person);
        assert_eq!(shape("system:serviceaccount:ns:ci"), Shape::Person);
        assert_eq!(shape("dex:alice"), Shape::Person);
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_can_be(username in "\\PC*") {
            let name = derive(&username);
            prop_assert!(name.is_empty() || validate::name("clients", &name).is_ok(), "{name}");
            prop_assert!(name.len() <= LONGEST && !name.contains("--"));
            prop_assert_eq!(derive(&name), name.clone());
        }
    }
}
