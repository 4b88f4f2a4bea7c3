//! The same calls as JSON: the same refusals, and a file that says what there is.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tonic::Code;

use crate::lab::Lab;
use crate::methods::{
    Call, create, delete, get_exporter, get_lease, lease_named, list_exporters, list_leases,
    rotate, seconds, update, wish,
};
use crate::people::{Who, plain};

const LEASES: &str = "/v1/namespaces/lab/leases";

/// A request by HTTP/1, with headers as browsers and `curl` would send them.
pub(crate) async fn ask(
    lab: &Lab,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    body: &str,
) -> (StatusCode, Value) {
    let stream = TokioIo::new(lab.tls(lab.ports.grpc, b"http/1.1").await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let body = Full::new(Bytes::from(body.to_owned()));
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "lab")
        .body(body)
        .unwrap();
    for (name, value) in headers {
        let name = match name.as_str() {
            "content-type" | "te" => continue,
            "authorization" => name.clone(),
            other => format!("grpc-metadata-{other}").parse().unwrap(),
        };
        request.headers_mut().append(name, value.clone());
    }
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    drop(sender);
    connection.await.unwrap().ok();
    let json = serde_json::from_slice(&body);
    (
        status,
        json.unwrap_or_else(|_| panic!("{method} {path}: {body:?}")),
    )
}

#[tokio::test]
async fn refusals_are_those_of_grpc_with_the_status_of_http() {
    let lab = Lab::started();
    let (alice, bob) = (
        lab.who("Client", "alice"),
        lab.who("Client", "bob").headers(),
    );
    let (stranger, exporter) = (
        alice.with("x.y.z"),
        Who {
            kind: "Exporter",
            ..alice.clone()
        }
        .headers(),
    );
    let (alice, nobody) = (alice.headers(), plain());
    let line = lab.line().await;
    for (id, who) in [("mine", &alice), ("over", &bob)] {
        line.ask(who, &create(id, wish("name=board")))
            .await
            .unwrap();
    }
    let _board = lab.board("board").await;
    line.ask(&alice, &create("held", wish("name=board")))
        .await
        .unwrap();
    line.ask(&bob, &create("back", wish("name=board")))
        .await
        .unwrap();
    line.ask(&bob, &delete("namespaces/lab/leases/back"))
        .await
        .unwrap();
    let nothing = format!("{LEASES}/nothing");
    let (mine, held, back) = (
        format!("{LEASES}/mine"),
        format!("{LEASES}/held"),
        format!("{LEASES}/back"),
    );
    let longer = json!({"duration": "7200s"}).to_string();
    let wished = json!({"selector": "a=b", "duration": "60s"}).to_string();
    let change = |name: &str| {
        update(
            jumpstarter_proto::client_v1::Lease {
                duration: seconds(7200),
                ..lease_named(name)
            },
            &[],
        )
    };
    let (get, post, patch, del) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    let filter = jumpstarter_proto::client_v1::ListLeasesRequest {
        filter: "a b".to_owned(),
        ..Default::default()
    };
    let rows: Vec<(&HeaderMap, &Method, String, &str, Call, u16)> = vec![
        (
            &nobody,
            &get,
            LEASES.to_owned(),
            "",
            list_leases(Default::default()),
            401,
        ),
        (
            &stranger,
            &get,
            LEASES.to_owned(),
            "",
            list_leases(Default::default()),
            401,
        ),
        (
            &exporter,
            &get,
            LEASES.to_owned(),
            "",
            list_leases(Default::default()),
            400,
        ),
        (
            &alice,
            &get,
            nothing.clone(),
            "",
            get_lease("namespaces/lab/leases/nothing"),
            404,
        ),
        (
            &alice,
            &del,
            nothing.clone(),
            "",
            delete("namespaces/lab/leases/nothing"),
            404,
        ),
        (
            &alice,
            &patch,
            nothing.clone(),
            &longer,
            change("nothing"),
            404,
        ),
        (
            &alice,
            &get,
            "/v1/namespaces/lab/exporters/nothing".to_owned(),
            "",
            get_exporter("namespaces/lab/exporters/nothing"),
            404,
        ),
        (
            &alice,
            &get,
            "/v1/namespaces/abc/leases/mine".to_owned(),
            "",
            get_lease("namespaces/abc/leases/mine"),
            403,
        ),
        (
            &alice,
            &post,
            "/v1/namespaces/abc/rotate-token".to_owned(),
            "",
            rotate("namespaces/abc"),
            403,
        ),
        (
            &alice,
            &post,
            format!("{LEASES}?leaseId=mine"),
            &wished,
            create("mine", wish("a=b")),
            409,
        ),
        (
            &alice,
            &post,
            format!("{LEASES}?leaseId=Mine"),
            &wished,
            create("Mine", wish("a=b")),
            400,
        ),
        (
            &alice,
            &post,
            LEASES.to_owned(),
            "{}",
            create("", Default::default()),
            400,
        ),
        (&bob, &patch, held.clone(), &longer, change("held"), 403),
        (
            &bob,
            &del,
            held.clone(),
            "",
            delete("namespaces/lab/leases/held"),
            403,
        ),
        (&bob, &patch, back.clone(), &longer, change("back"), 400),
        (
            &bob,
            &del,
            back.clone(),
            "",
            delete("namespaces/lab/leases/back"),
            400,
        ),
        (
            &alice,
            &get,
            format!("{LEASES}?filter=a%20b"),
            "",
            list_leases(filter),
            400,
        ),
        (
            &alice,
            &get,
            "/v1/namespaces/lab/exporters?pageToken=x".to_owned(),
            "",
            list_exporters("", 0, "x"),
            400,
        ),
    ];
    let mut waits = 0;
    for (who, method, path, body, call, expected) in rows {
        let (code, text) = line.refusal(who, &call).await;
        let (status, told) = ask(&lab, who, method, &path, body).await;
        assert_eq!(
            told,
            json!({"code": i32::from(code), "message": text, "details": []}),
            "{method} {path}"
        );
        assert_eq!(status.as_u16(), expected, "{method} {path}: {told}");
        waits += 1;
    }
    assert_eq!(waits, 18);
    let (status, _) = ask(&lab, &alice, &patch, &mine, &longer).await;
    // Its selector has no exporter, so it ended at once.
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_json() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let invalid = i32::from(Code::InvalidArgument);
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let long = format!("{{\"selector\": \"{}\"}}", "x".repeat(2 << 20));
    for (method, path, body, status, code) in [
        (&get, format!("{LEASES}?pageSize=many"), "", 400, invalid),
        (
            &get,
            format!("{LEASES}?pageSize=99999999999"),
            "",
            400,
            invalid,
        ),
        (&get, format!("{LEASES}?selektor=x"), "", 400, invalid),
        (&get, format!("{LEASES}/%ff"), "", 400, invalid),
        (&get, format!("{LEASES}/a%2Fb"), "", 400, invalid),
        (&get, format!("{LEASES}/..%2f..%2fetc"), "", 400, invalid),
        (
            &get,
            "/v1/namespaces/lab%2Fleases/leases/x".to_owned(),
            "",
            400,
            invalid,
        ),
        (&post, LEASES.to_owned(), "", 400, invalid),
        (&post, LEASES.to_owned(), "no json", 400, invalid),
        (&post, LEASES.to_owned(), "[]", 400, invalid),
        (
            &post,
            LEASES.to_owned(),
            "{\"duration\": \"1h\"}",
            400,
            invalid,
        ),
        (
            &post,
            LEASES.to_owned(),
            "{\"duration\": \"999999999999999999999s\"}",
            400,
            invalid,
        ),
        (
            &post,
            LEASES.to_owned(),
            "{\"beginTime\": \"9999999-01-01T00:00:00Z\"}",
            400,
            invalid,
        ),
        (&post, LEASES.to_owned(), &long, 400, invalid),
        (
            &put,
            LEASES.to_owned(),
            "{}",
            405,
            i32::from(Code::Unimplemented),
        ),
        (
            &get,
            "/v1/namespaces/lab/rotate-token".to_owned(),
            "",
            405,
            i32::from(Code::Unimplemented),
        ),
        (
            &get,
            "/v2/anything".to_owned(),
            "",
            404,
            i32::from(Code::NotFound),
        ),
    ] {
        let (answered, told) = ask(&lab, &alice, method, &path, body).await;
        assert_eq!(
            (answered.as_u16(), &told["code"]),
            (status, &json!(code)),
            "{method} {path}: {told}"
        );
        assert!(told["message"].as_str().unwrap().len() > 3, "{told}");
        assert_eq!(told["details"], json!([]));
    }
    // A client that sends a lease back changes only what it has changed in it.
    let created = "{\"selector\": \"a in (b,c)\", \"duration\": \"60s\", \"tags\": {\"x\": \"y\"}}";
    lab.works(&["exporter", "create", "board", "-l", "a=b"]);
    let (status, mut lease) = ask(
        &lab,
        &alice,
        &post,
        &format!("{LEASES}?lease_id=mine"),
        created,
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{lease}");
    lease["duration"] = json!("90s");
    let (status, lease) = ask(
        &lab,
        &alice,
        &Method::PATCH,
        &format!("{LEASES}/mine"),
        &lease.to_string(),
    )
    .await;
    assert_eq!(
        (status, &lease["duration"]),
        (StatusCode::OK, &json!("90s")),
        "{lease}"
    );
    let (status, told) = ask(
        &lab,
        &alice,
        &Method::PATCH,
        &format!("{LEASES}/mine?updateMask=tags"),
        created,
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
}
