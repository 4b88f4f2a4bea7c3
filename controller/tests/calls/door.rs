//! Who is let in: every way in which a call can say who makes it, at every method.

use http::{HeaderMap, HeaderValue};
use tonic::Code::{self, InvalidArgument, PermissionDenied, Unauthenticated, Unknown};

use crate::lab::Lab;
use crate::methods::{
    create, get_lease, list_exporters, of_clients, of_exporters, release, rotate, wish,
};
use crate::people::{Who, plain};

fn with(headers: &HeaderMap, changes: &[(&'static str, &[&str])]) -> HeaderMap {
    let mut headers = headers.clone();
    for (key, values) in changes {
        headers.remove(*key);
        for value in *values {
            headers.append(*key, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
    }
    headers
}

/// All that can be wrong beside the token, in the order in which it is looked at.
fn mistakes(alice: &Who) -> Vec<(&'static str, HeaderMap, Code, &'static str)> {
    let good = alice.headers();
    let bearer = format!("Bearer {}", alice.token);
    let (kind, namespace, name) = (
        "jumpstarter-kind",
        "jumpstarter-namespace",
        "jumpstarter-name",
    );
    let authorization = "authorization";
    let malformed = "malformed authorization header";
    let required = "resource name required for pre-existing authentication";
    vec![
        (
            "no token",
            plain(),
            Unauthenticated,
            "missing authorization header",
        ),
        (
            "two tokens",
            with(&good, &[(authorization, &[&bearer, &bearer])]),
            InvalidArgument,
            "multiple authorization headers",
        ),
        (
            "a password",
            with(&good, &[(authorization, &["Basic YTpi"])]),
            InvalidArgument,
            malformed,
        ),
        (
            "no scheme",
            with(&good, &[(authorization, &[&alice.token])]),
            InvalidArgument,
            malformed,
        ),
        (
            "nothing",
            with(&good, &[(authorization, &[""])]),
            InvalidArgument,
            malformed,
        ),
        (
            "no text",
            with(&good, &[(authorization, &["Bearer \u{fc}"])]),
            InvalidArgument,
            malformed,
        ),
        (
            "no token after the scheme",
            with(&good, &[(authorization, &["Bearer  "])]),
            Unknown,
            "failed to authenticate token",
        ),
        (
            "no namespace",
            with(&good, &[(namespace, &[])]),
            InvalidArgument,
            "missing metadata: jumpstarter-namespace",
        ),
        (
            "two namespaces",
            with(&good, &[(namespace, &["lab", "lab"])]),
            InvalidArgument,
            "multiple metadata: jumpstarter-namespace",
        ),
        (
            "no kind",
            with(&good, &[(kind, &[])]),
            InvalidArgument,
            "missing metadata: jumpstarter-kind",
        ),
        (
            "two kinds",
            with(&good, &[(kind, &["Client", "Client"])]),
            InvalidArgument,
            "multiple metadata: jumpstarter-kind",
        ),
        (
            "no name",
            with(&good, &[(name, &[])]),
            InvalidArgument,
            required,
        ),
        (
            "an empty name",
            with(&good, &[(name, &[""])]),
            InvalidArgument,
            required,
        ),
        (
            "two names",
            with(&good, &[(name, &["alice", "alice"])]),
            InvalidArgument,
            required,
        ),
        (
            "a kind that is none",
            with(&good, &[(kind, &["client"])]),
            InvalidArgument,
            "object kind mismatch",
        ),
        (
            "nobody's name",
            with(&good, &[(name, &["nobody"])]),
            Unknown,
            r#"client lab/nobody: clients.jumpstarter.dev "nobody" not found"#,
        ),
        (
            "a path for a name",
            with(&good, &[(name, &["../alice"])]),
            Unknown,
            r#"client lab/../alice: clients.jumpstarter.dev "../alice" not found"#,
        ),
        (
            "another namespace",
            with(&good, &[(namespace, &["other"])]),
            Unknown,
            r#"client other/alice: clients.jumpstarter.dev "alice" not found"#,
        ),
        (
            "another's name",
            with(&good, &[(name, &["bob"])]),
            PermissionDenied,
            "permission denied for client lab/bob",
        ),
    ]
}

#[tokio::test]
async fn every_method_looks_who_calls() {
    let lab = Lab::started();
    let (alice, _bob) = (lab.who("Client", "alice"), lab.who("Client", "bob"));
    let board = lab.who("Exporter", "board");
    let line = lab.line().await;
    let mistakes = mistakes(&alice);
    // Both release leases; a caller that does not say it is an exporter comes as a client.
    for call in of_clients().into_iter().chain([release("mine")]) {
        for (given, headers, code, text) in &mistakes {
            let refused = line.refusal(headers, &call).await;
            assert_eq!(
                refused,
                (*code, (*text).to_owned()),
                "{}: {given}",
                call.path
            );
        }
    }
    // Exporters come to the same door; what is said of them is of exporters.
    for call in of_exporters() {
        for (given, headers, code, text) in &mistakes[..10] {
            let refused = line.refusal(headers, &call).await;
            assert_eq!(
                refused,
                (*code, (*text).to_owned()),
                "{}: {given}",
                call.path
            );
        }
    }
    let mismatch = (InvalidArgument, "object kind mismatch".to_owned());
    for call in of_exporters() {
        assert_eq!(
            line.refusal(&alice.headers(), &call).await,
            mismatch,
            "{}",
            call.path
        );
        let posing = Who {
            kind: "Exporter",
            ..alice.clone()
        };
        let nobody = r#"exporter lab/alice: exporters.jumpstarter.dev "alice" not found"#;
        assert_eq!(
            line.refusal(&posing.headers(), &call).await,
            (Unknown, nobody.to_owned())
        );
        let posing = Who {
            name: "board".to_owned(),
            ..posing
        };
        let denied = "permission denied for exporter lab/board";
        assert_eq!(
            line.refusal(&posing.headers(), &call).await,
            (PermissionDenied, denied.to_owned())
        );
    }
    for call in of_clients() {
        assert_eq!(
            line.refusal(&board.headers(), &call).await,
            mismatch,
            "{}",
            call.path
        );
        let posing = Who {
            kind: "Client",
            name: "alice".to_owned(),
            ..board.clone()
        };
        let denied = "permission denied for client lab/alice";
        assert_eq!(
            line.refusal(&posing.headers(), &call).await,
            (PermissionDenied, denied.to_owned())
        );
    }
    let nobody = r#"exporter lab/alice: exporters.jumpstarter.dev "alice" not found"#;
    let posing = Who {
        kind: "Exporter",
        ..alice.clone()
    };
    let refused = line.refusal(&posing.headers(), &release("mine")).await;
    assert_eq!(refused, (Unknown, nobody.to_owned()));
    for call in [
        create("", wish("a=b")),
        get_lease("namespaces/lab/leases/x"),
        list_exporters("", 0, ""),
        rotate("namespaces/lab"),
    ] {
        // The same calls about what is in another namespace.
        let mut abroad = call.clone();
        let place = abroad
            .message
            .windows(4)
            .position(|bytes| bytes == b"/lab")
            .unwrap();
        abroad.message[place..place + 4].copy_from_slice(b"/abc");
        let refused = line.refusal(&alice.headers(), &abroad).await;
        assert_eq!(
            refused,
            (PermissionDenied, "namespace mismatch".to_owned()),
            "{}",
            abroad.path
        );
    }
}
