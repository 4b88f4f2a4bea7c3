//! Lists, part by part, and of what was asked for only.

use jumpstarter_proto::client_v1::{
    Lease, ListExportersResponse, ListLeasesRequest, ListLeasesResponse,
};
use tonic::Code::InvalidArgument;

use crate::lab::Lab;
use crate::methods::{create, delete, list_exporters, list_leases, wish};

#[tokio::test]
async fn pages_join_and_their_tokens_fit_one_question() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    for name in ["e1", "e2", "e3"] {
        lab.works(&["exporter", "create", name, "-l", "kind=board"]);
    }
    let line = lab.line().await;
    let names = |page: &ListExportersResponse| -> Vec<String> {
        let names = page
            .exporters
            .iter()
            .map(|exporter| exporter.name.rsplit('/').next().unwrap());
        names.map(str::to_owned).collect()
    };
    let first: ListExportersResponse = line.get(&alice, &list_exporters("kind=board", 2, "")).await;
    let token = &first.next_page_token;
    assert_eq!(
        (names(&first), token.is_empty()),
        (vec!["e1".to_owned(), "e2".to_owned()], false)
    );
    let rest: ListExportersResponse = line
        .get(&alice, &list_exporters("kind=board", 2, token))
        .await;
    assert_eq!(
        (names(&rest), rest.next_page_token.as_str()),
        (vec!["e3".to_owned()], "")
    );
    for size in [0, -1, i32::MIN, 3, 4, i32::MAX] {
        let all: ListExportersResponse = line.get(&alice, &list_exporters("kind", size, "")).await;
        assert_eq!(
            (names(&all).len(), all.next_page_token.as_str()),
            (3, ""),
            "{size}"
        );
        let request = ListLeasesRequest {
            page_size: size,
            only_active: Some(false),
            ..Default::default()
        };
        let none: ListLeasesResponse = line.get(&alice, &list_leases(request)).await;
        assert_eq!(
            (none.leases.len(), none.next_page_token.as_str()),
            (0, ""),
            "{size}"
        );
    }
    // The size may change from page to page, nothing else.
    line.ask(&alice, &list_exporters("kind=board", 1, token))
        .await
        .unwrap();
    let cut = &token[..token.len() - 9];
    let unfit = (
        InvalidArgument,
        "page token does not fit this request".to_owned(),
    );
    for (filter, token) in [
        ("", token.as_str()),
        ("kind", token.as_str()),
        ("kind=board", cut),
        ("kind=board", "garbage"),
        ("kind=board", "AAAA"),
        ("kind=board", "\u{fc}"),
        ("kind=board", "=="),
        ("kind=board", " "),
    ] {
        assert_eq!(
            line.refusal(&alice, &list_exporters(filter, 2, token))
                .await,
            unfit,
            "{filter} {token}"
        );
    }
    let other = ListLeasesRequest {
        filter: "kind=board".to_owned(),
        page_token: token.clone(),
        ..Default::default()
    };
    assert_eq!(line.refusal(&alice, &list_leases(other)).await, unfit);
}

#[tokio::test]
async fn leases_are_found_by_what_they_asked_for_and_by_their_tags() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    // The first gets it, the others wait.
    let _board = lab.board("board").await;
    let line = lab.line().await;
    let tagged = |selector: &str, run: &str| Lease {
        tags: [("run".to_owned(), run.to_owned())].into(),
        ..wish(selector)
    };
    for (id, lease) in [
        ("a1", tagged("name=board", "1")),
        ("a2", tagged("name=board", "2")),
        ("a3", tagged("name in (board)", "2")),
        ("a4", wish("name=board")),
    ] {
        line.ask(&alice, &create(id, lease)).await.unwrap();
    }
    let over = delete("namespaces/lab/leases/a4");
    line.ask(&alice, &over).await.unwrap();
    for (filter, tag_filter, only_active, expected) in [
        ("", "", None, &["a1", "a2", "a3"][..]),
        ("", "", Some(false), &["a1", "a2", "a3", "a4"]),
        ("name=board", "", None, &["a1", "a2"]),
        ("name=board", "", Some(false), &["a1", "a2", "a4"]),
        ("name!=board", "", None, &["a3"]),
        ("name=other", "", Some(false), &[]),
        ("", "run=2", None, &["a2", "a3"]),
        ("", "run in (1,2),run!=2", None, &["a1"]),
        ("", "run", Some(false), &["a1", "a2", "a3"]),
        ("", "!run", Some(false), &["a4"]),
        ("name=board", "run=2", None, &["a2"]),
        ("jumpstarter.dev/lease-ended", "", Some(false), &["a4"]),
    ] {
        let request = ListLeasesRequest {
            filter: filter.to_owned(),
            tag_filter: tag_filter.to_owned(),
            only_active,
            ..Default::default()
        };
        let mut names: Vec<String> = Vec::new();
        // Page by page it is the same as at once.
        for page_size in [0, 1, 2] {
            let mut found = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = ListLeasesRequest {
                    page_size,
                    page_token,
                    ..request.clone()
                };
                let page: ListLeasesResponse = line.get(&alice, &list_leases(request)).await;
                let leases = page.leases.iter();
                found.extend(leases.map(|lease| lease.name.rsplit('/').next().unwrap().to_owned()));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            if page_size == 0 {
                names = found.clone();
            }
            assert_eq!(
                found, names,
                "{filter} {tag_filter} {only_active:?} {page_size}"
            );
        }
        assert_eq!(names, expected, "{filter} {tag_filter} {only_active:?}");
    }
}
