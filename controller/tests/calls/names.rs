//! Names, selectors and filters that make no sense, or too much of it.

use jumpstarter_proto::client_v1::ListLeasesRequest;
use tonic::Code::{InvalidArgument, Unknown};

use crate::lab::Lab;
use crate::methods::{
    create, delete, get_exporter, get_lease, lease_named, list_exporters, list_leases, rotate,
    update, wish,
};

#[tokio::test]
async fn names_are_read_strictly() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let segments = |id: &str, expected: usize, got: usize| {
        format!(
            "invalid number of segments in identifier \"{id}\", expecting {expected}, got {got}"
        )
    };
    let first = |id: &str, got: &str| {
        format!(
            "invalid first segment in identifier \"{id}\", expecting \"namespaces\", got \"{got}\""
        )
    };
    let third = |id: &str, kind: &str, got: &str| {
        format!("invalid third segment in identifier \"{id}\", expecting \"{kind}\", got \"{got}\"")
    };
    for (id, told) in [
        ("", segments("", 4, 1)),
        ("mine", segments("mine", 4, 1)),
        (
            "namespaces/lab/leases/../mine",
            segments("namespaces/lab/leases/../mine", 4, 5),
        ),
        (
            "places/lab/leases/mine",
            first("places/lab/leases/mine", "places"),
        ),
        (
            "namespaces/lab/boards/mine",
            third("namespaces/lab/boards/mine", "leases", "boards"),
        ),
    ] {
        let mut named = lease_named("");
        named.name = id.to_owned();
        for call in [get_lease(id), delete(id), update(named, &[])] {
            let refused = line.refusal(&alice, &call).await;
            assert_eq!(refused, (InvalidArgument, told.clone()), "{}", call.path);
        }
    }
    let leases = "namespaces/lab/leases/board";
    for (call, told) in [
        (get_exporter("x"), segments("x", 4, 1)),
        (get_exporter(leases), third(leases, "exporters", "leases")),
        (rotate("lab"), segments("lab", 2, 1)),
        (rotate("namespaces/lab/"), segments("namespaces/lab/", 2, 3)),
        (rotate("places/lab"), first("places/lab", "places")),
    ] {
        assert_eq!(
            line.refusal(&alice, &call).await,
            (InvalidArgument, told),
            "{}",
            call.path
        );
    }
    // Names that nothing can have are those of nothing.
    let long = "x".repeat(300);
    for name in [
        "",
        "..",
        "%2e%2e",
        "mine\0",
        "\u{fc}ber",
        "Mine",
        long.as_str(),
    ] {
        let id = format!("namespaces/lab/leases/{name}");
        for call in [get_lease(&id), delete(&id), update(lease_named(name), &[])] {
            let (code, told) = line.refusal(&alice, &call).await;
            assert_eq!(code, Unknown, "{}", call.path);
            assert_eq!(told, format!("leases.jumpstarter.dev \"{name}\" not found"));
        }
        let (code, told) = line
            .refusal(
                &alice,
                &get_exporter(&format!("namespaces/lab/exporters/{name}")),
            )
            .await;
        assert_eq!(
            (code, told),
            (
                Unknown,
                format!("exporters.jumpstarter.dev \"{name}\" not found")
            )
        );
    }
    for name in [
        "..",
        "../../etc/passwd",
        "a/b",
        "mine\0",
        "\u{fc}ber",
        "Mine",
        "-a",
        "a.",
        " ",
        long.as_str(),
    ] {
        let (code, told) = line.refusal(&alice, &create(name, wish("a=b"))).await;
        assert_eq!(code, Unknown, "{name}");
        assert!(
            told.starts_with(&format!(
                "leases.jumpstarter.dev \"{name}\" is invalid: metadata.name "
            )),
            "{told}"
        );
    }
    line.ask(&alice, &create("mine", wish("a=b")))
        .await
        .unwrap();
    let taken = (
        Unknown,
        r#"leases.jumpstarter.dev "mine" already exists"#.to_owned(),
    );
    assert_eq!(
        line.refusal(&alice, &create("mine", wish("a=b"))).await,
        taken
    );
    // There was no exporter for it, so it has ended; giving it back is no mistake.
    let deleting = delete("namespaces/lab/leases/mine");
    line.ask(&alice, &deleting).await.unwrap();
    // Not even after its end.
    assert_eq!(
        line.refusal(&alice, &create("mine", wish("a=b"))).await,
        taken
    );
}

#[tokio::test]
async fn what_is_long_is_told_in_short() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    // Peers take a few kilobytes of headers, and an error is one.
    let endless = "x".repeat(3 << 20);
    let umlauts = "\u{fc}".repeat(1 << 20);
    for text in [&endless, &umlauts] {
        for call in [
            get_lease(&format!("namespaces/lab/leases/{text}")),
            get_lease(text),
            list_exporters(text, 0, ""),
            list_exporters("", 0, text),
            create(text, wish("a=b")),
            create("", wish(text)),
            crate::methods::dial(text),
            crate::methods::release(text),
        ] {
            let (_, told) = line.refusal(&alice, &call).await;
            assert!(told.len() <= 2048, "{}: {} bytes", call.path, told.len());
            assert!(!told.is_empty(), "{}", call.path);
        }
    }
}

#[tokio::test]
async fn selectors_say_what_they_mean() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    for text in [
        "a b",
        "a=b c",
        "=b",
        "a in b",
        "a in (b",
        "a in b)",
        "a notin",
        "a>1",
        "a<1",
        "a=(b)",
        "a==b=c",
        "!",
        "a/b/c=d",
        "/a=b",
        "-a=b",
        "a=-b",
        "\u{fc}=b",
        "a=\u{fc}",
        "a=b\0",
        "a)",
        "(a)",
        "a=b;c=d",
        "a in (b c)",
    ] {
        for call in [
            list_exporters(text, 0, ""),
            list_leases(ListLeasesRequest {
                filter: text.to_owned(),
                ..Default::default()
            }),
            create("", wish(text)),
        ] {
            let (code, told) = line.refusal(&alice, &call).await;
            assert_eq!(code, Unknown, "{} `{text}`: {told}", call.path);
            assert!(
                told.starts_with("invalid selector: "),
                "{} `{text}`: {told}",
                call.path
            );
        }
        let tags = ListLeasesRequest {
            tag_filter: text.to_owned(),
            ..Default::default()
        };
        let (code, told) = line.refusal(&alice, &list_leases(tags)).await;
        assert_eq!(code, InvalidArgument, "`{text}`: {told}");
        assert!(told.starts_with("invalid tag_filter: "), "`{text}`: {told}");
    }
    let prefixed = ListLeasesRequest {
        tag_filter: "a/b=c".to_owned(),
        ..Default::default()
    };
    let (code, told) = line.refusal(&alice, &list_leases(prefixed)).await;
    assert_eq!(code, InvalidArgument);
    assert!(
        told.starts_with("invalid tag_filter requirement: "),
        "{told}"
    );
    let two = "invalid selector: label a cannot have multiple equality requirements with different values (b and c)";
    let refused = line.refusal(&alice, &create("", wish("a=b,a=c"))).await;
    assert_eq!(refused, (Unknown, two.to_owned()));
    let (code, told) = line.refusal(&alice, &create("", wish(""))).await;
    assert_eq!(
        (code, told.as_str()),
        (
            InvalidArgument,
            "one of selector or exporter_name is required"
        )
    );
    // What can be read is shown in one spelling.
    for (text, shown) in [
        ("b=1 , a = 2", "a=2,b=1"),
        ("a==b", "a=b"),
        ("a!=c,a!=b", "a notin (b,c)"),
        ("a in ( c , b )", "a in (b,c)"),
        ("!nonexistent", "!nonexistent"),
        ("a", "a"),
        ("a=b,a=b", "a=b"),
    ] {
        let lease: jumpstarter_proto::client_v1::Lease =
            line.get(&alice, &create("", wish(text))).await;
        assert_eq!(lease.selector, shown);
    }
}
