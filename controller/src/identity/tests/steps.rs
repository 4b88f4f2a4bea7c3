//! The order of the checks, and the text of each.

use super::*;

const NAMES: [&str; 5] = ["", "two", "nobody", "bob", "alice"];

/// A call: which of several values, right and wrong, it has for each check.
struct Case {
    token: &'static str,
    namespace: &'static str,
    kind: &'static str,
    name: &'static str,
}

// === impl Case ===

impl Case {
    fn headers(&self, good: &Secret<String>, old: &Secret<String>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("te", HeaderValue::from_static("trailers"));
        let mut put = |key: &'static str, values: &[&str]| {
            for value in values {
                headers.append(key, HeaderValue::from_str(value).unwrap());
            }
        };
        let bearer = format!("bEaReR {}", good.expose());
        let old = format!("Bearer {}", old.expose());
        match self.token {
            "none" => {}
            "two" => put("authorization", &[&bearer, &bearer]),
            "basic" => put("authorization", &["Basic YTpi"]),
            "bare" => put("authorization", &["Bearer"]),
            "foreign" => put("authorization", &["Bearer x.y.z"]),
            "old" => put("authorization", &[&old]),
            _ => put("authorization", &[&bearer]),
        }
        match self.namespace {
            "none" => {}
            "two" => put("jumpstarter-namespace", &["lab", "lab"]),
            _ => put("jumpstarter-namespace", &["lab"]),
        }
        match self.kind {
            "none" => {}
            "two" => put("jumpstarter-kind", &["Client", "Client"]),
            kind => put("jumpstarter-kind", &[kind]),
        }
        match self.name {
            "two" => put("jumpstarter-name", &["alice", "alice"]),
            name => put("jumpstarter-name", &[name]),
        }
        headers
    }

    fn expected(&self) -> Option<(Code, String)> {
        let invalid = |text: &str| Some((Code::InvalidArgument, text.to_owned()));
        match self.token {
            "none" => {
                let text = "missing authorization header".to_owned();
                return Some((Code::Unauthenticated, text));
            }
            "two" => return invalid("multiple authorization headers"),
            "basic" | "bare" => return invalid("malformed authorization header"),
            "foreign" => return Some((Code::Unknown, "failed to authenticate token".to_owned())),
            "old" => return Some((Code::Unknown, "token is expired".to_owned())),
            _ => {}
        }
        match (self.namespace, self.kind) {
            ("none", _) => return invalid("missing metadata: jumpstarter-namespace"),
            ("two", _) => return invalid("multiple metadata: jumpstarter-namespace"),
            (_, "none") => return invalid("missing metadata: jumpstarter-kind"),
            (_, "two") => return invalid("multiple metadata: jumpstarter-kind"),
            _ => {}
        }
        if matches!(self.name, "" | "two") {
            return invalid("resource name required for pre-existing authentication");
        }
        if self.kind != "Client" {
            return invalid("object kind mismatch");
        }
        match self.name {
            "nobody" => Some((
                Code::Unknown,
                r#"client lab/nobody: clients.jumpstarter.dev "nobody" not found"#.to_owned(),
            )),
            "bob" => Some((
                Code::PermissionDenied,
                "permission denied for client lab/bob".to_owned(),
            )),
            _ => None,
        }
    }
}

#[tokio::test]
async fn the_first_thing_that_is_wrong_is_told() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    house.client("bob").await;
    let good = house.token(&alice).await;
    let mut claims = house.claims(&alice);
    claims["exp"] = json!(now() - 1);
    let old = house.sign(&claims);
    let tokens = ["none", "two", "basic", "bare", "foreign", "old", "good"];
    let mut good_ones = 0;
    for token in tokens {
        for namespace in ["none", "two", "lab"] {
            for kind in ["none", "two", "Exporter", "client", "Client"] {
                for name in NAMES {
                    let case = Case {
                        token,
                        namespace,
                        kind,
                        name,
                    };
                    let headers = case.headers(&good, &old);
                    let heard = house.authenticator.client(&headers, PEER).await;
                    let place = format!("{token} {namespace} {kind} {name}");
                    let Some((code, text)) = case.expected() else {
                        assert_eq!(heard.unwrap().object.key.name, "alice", "{place}");
                        good_ones += 1;
                        continue;
                    };
                    let (heard, told) = told(heard);
                    assert_eq!(heard, code, "{place}: {told}");
                    if text == "token is expired" {
                        assert!(told.contains(&text), "{place}: {told}");
                    } else {
                        assert_eq!(told, text, "{place}");
                        assert!(!told.contains("expired"), "{place}");
                    }
                }
            }
        }
    }
    assert_eq!(good_ones, 1);
}

#[tokio::test]
async fn a_call_without_headers_is_told_so() {
    let house = House::new().await;
    let heard = told(house.authenticator.client(&HeaderMap::new(), PEER).await);
    assert_eq!(
        heard,
        (Code::InvalidArgument, "missing metadata".to_owned())
    );
}

#[tokio::test]
async fn exporters_hear_of_exporters() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    house.exporter("board").await;
    let token = house.token(&alice).await;
    let hears = async |name: &str| {
        let headers = call("Exporter", name, &token);
        told(house.authenticator.exporter(&headers, PEER).await)
    };
    let missing = r#"exporter lab/other: exporters.jumpstarter.dev "other" not found"#;
    assert_eq!(hears("other").await, (Code::Unknown, missing.to_owned()));
    let denied = "permission denied for exporter lab/board";
    assert_eq!(
        hears("board").await,
        (Code::PermissionDenied, denied.to_owned())
    );
    let headers = call("Client", "alice", &token);
    let heard = told(house.authenticator.exporter(&headers, PEER).await);
    assert_eq!(
        heard,
        (Code::InvalidArgument, "object kind mismatch".to_owned())
    );
}

#[tokio::test]
async fn resources_are_in_the_callers_namespace() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await;
    let caller = house.lets_in("alice", &token).await;
    assert!(caller.in_namespace("lab").is_ok());
    let heard = told(caller.in_namespace("other"));
    assert_eq!(
        heard,
        (Code::PermissionDenied, "namespace mismatch".to_owned())
    );
}
