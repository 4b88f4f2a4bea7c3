//! `jmp login`, and an identity provider that answers over TLS.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../desk/mod.rs"]
mod desk;
#[path = "../fake/mod.rs"]
mod fake;
#[path = "../program/mod.rs"]
mod program;
mod trouble;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use desk::{Desk, Issuer, token};
use program::{Outcome, Program};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// All that a new client must know.
fn given(issuer: &Issuer) -> String {
    format!(
        "--namespace lab --name me --endpoint e:1 --issuer {} --unsafe --nointeractive",
        issuer.url
    )
}

async fn login(desk: &Desk, issuer: &Issuer, words: &str) -> Outcome {
    let words = format!("login {words}");
    issuer.trusted_by(desk.jmp(&words)).run().await
}

fn settings(issuer: &Issuer) -> String {
    json!({
        "grpcEndpoint": "grpc.lab:443", "namespace": "lab", "caBundle": "Q0E=",
        "oidc": [{"issuer": issuer.url, "clientId": "our-cli"}],
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_exchanges_its_token() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    let access = token(json!({"iss": issuer.url}));
    issuer.answers(200, json!({"access_token": access, "refresh_token": "r"}));
    issuer.config(200, &settings(&issuer));
    let words = format!(
        "ci@{} --token its/own+token --connector-id kubernetes --unsafe --nointeractive",
        issuer.host
    );
    let outcome = login(&desk, &issuer, &words).await;
    outcome.succeeds().says("").prints(&format!(
        "Fetching configuration from {}...\nRetrieved CA certificate from login service.\n\
         Set 'ci' as the default client.\n",
        issuer.host
    ));
    assert_eq!(
        issuer.forms(),
        [
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
          &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token\
          &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token\
          &subject_token=its%2Fown%2Btoken&connector_id=kubernetes\
          &scope=openid+profile+offline_access&client_id=our-cli"
        ]
    );
    let expected = format!(
        "apiVersion: jumpstarter.dev/v1alpha1\nkind: ClientConfig\nmetadata:\n  namespace: lab\n  \
         name: ci\nendpoint: grpc.lab:443\ntls:\n  ca: Q0E=\n  insecure: false\ntoken: {access}\n\
         refresh_token: r\ngrpcOptions: {{}}\ndrivers:\n  allow: []\n  unsafe: true\nshell:\n  \
         use_profiles: false\n"
    );
    assert_eq!(desk.read("clients/ci.yaml"), expected);
    let mode = desk
        .path("clients/ci.yaml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(desk.read("config.yaml").ends_with("current-client: ci\n"));
    let list = desk.jmp("config client list").run().await;
    assert!(
        list.succeeds()
            .stdout
            .contains("\n*        ci     grpc.lab:443"),
        "{list:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_no_offline_access() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    issuer.answers(200, json!({"access_token": "a"}));
    let path = desk.path("elsewhere/me.yaml");
    let words = format!(
        "{} --username u --password p&w --no-offline-access --client-config {}",
        given(&issuer),
        path.display()
    );
    login(&desk, &issuer, &words).await.succeeds().prints("");
    assert_eq!(
        issuer.forms(),
        [
            "grant_type=password&username=u&password=p%26w&scope=openid+profile\
          &client_id=jumpstarter-cli"
        ]
    );
    assert!(
        desk.read("elsewhere/me.yaml")
            .contains("\ntoken: a\ngrpcOptions")
    );
    // Which client is the current one is another matter.
    assert!(!desk.path("config.yaml").exists());

    issuer.answers(
        400,
        json!({"error": "invalid_grant", "error_description": "wrong"}),
    );
    let words = format!("{} --client x --username u --password p", given(&issuer));
    let outcome = login(&desk, &issuer, &words).await;
    outcome.fails(1).says("Error: invalid_grant: wrong\n");
    assert!(!desk.path("clients/x.yaml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_may_end_with_a_slash() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    issuer.says("issuer", &format!("{}/", issuer.url));
    issuer.answers(200, json!({"access_token": "a"}));
    let words = format!("{} --client s --token t", given(&issuer));
    login(&desk, &issuer, &words).await.succeeds().says("");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_back_with_a_code() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    issuer.answers(200, json!({"access_token": "a", "refresh_token": "r"}));
    let words = format!("login {} --client web", given(&issuer));
    let Program(mut command) = issuer.trusted_by(desk.jmp(&words));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line
        .strip_prefix("Please open the URL in browser:  ")
        .unwrap();
    let (endpoint, query) = url.split_once('?').unwrap();
    assert_eq!(endpoint, format!("{}/auth", issuer.url));
    let field = |name: &str| {
        let found = query
            .split('&')
            .find_map(|field| field.strip_prefix(&format!("{name}=")));
        found.unwrap().to_owned()
    };
    assert_eq!(
        (field("response_type"), field("client_id")),
        ("code".into(), "jumpstarter-cli".into())
    );
    assert_eq!(field("scope"), "openid+profile+offline_access");
    assert_eq!(field("code_challenge_method"), "S256");
    let callback = field("redirect_uri")
        .replace("%3A", ":")
        .replace("%2F", "/");
    let host = callback
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/callback")
        .unwrap();
    let visit = async |path: String| {
        let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1"))
            .await
            .unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        page
    };
    assert!(
        visit("/favicon.ico".into())
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert!(
        visit("/callback?code=evil&state=x".into())
            .await
            .starts_with("HTTP/1.1 400")
    );
    let page = visit(format!("/callback?code=a%2Fb&state={}", field("state"))).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        page.ends_with("Login successful, you can close this page"),
        "{page}"
    );
    let line = lines.next_line().await.unwrap().unwrap();
    assert_eq!(line, "Set 'web' as the default client.");
    assert!(child.wait().await.unwrap().success());
    let redirect = field("redirect_uri");
    let forms = issuer.forms();
    let [form] = &forms[..] else {
        panic!("{forms:?}");
    };
    let rest = form.strip_prefix(&format!(
        "grant_type=authorization_code&redirect_uri={redirect}&code=a%2Fb&code_verifier="
    ));
    let verifier = rest
        .unwrap()
        .strip_suffix("&client_id=jumpstarter-cli")
        .unwrap();
    let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    assert_eq!(field("code_challenge"), hash);
    assert!(!query.contains(verifier));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_confirmed_elsewhere() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    let words = format!("{} --client d --device-flow", given(&issuer));
    let outcome = login(&desk, &issuer, &words).await;
    outcome
        .fails(1)
        .complains("Error: The identity provider does not support Device")
        .complains("'device_authorization_endpoint'");
    issuer.device(json!({
        "device_code": "dc", "user_code": "AB-CD", "verification_uri": "https://v", "interval": 0.01,
    }));
    issuer.answers(400, json!({"error": "authorization_pending"}));
    issuer.answers(200, json!({"access_token": "a"}));
    let outcome = login(&desk, &issuer, &words).await;
    outcome.succeeds().prints(
        "To sign in, open the following URL in your browser:\n\n  https://v\n\nThen enter the \
         code: AB-CD\n\nWaiting for authentication...\nSet 'd' as the default client.\n",
    );
    let poll = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=dc\
                &client_id=jumpstarter-cli";
    assert_eq!(
        issuer.forms(),
        [
            "client_id=jumpstarter-cli&scope=openid+profile+offline_access",
            poll,
            poll
        ]
    );
    issuer.device(json!({
        "device_code": "dc", "verification_uri_complete": "https://v?c", "interval": 0.01,
        "expires_in": 0.5, "verification_uri": "https://v",
    }));
    for (error, expected) in [
        (
            "expired_token",
            "Device authorization has expired. Please try again.",
        ),
        (
            "access_denied",
            "Authorization request was denied by the user.",
        ),
        ("odd", "Device authorization failed: odd - because"),
    ] {
        issuer.answers(400, json!({"error": error, "error_description": "because"}));
        let words = format!("login {} --client e", given(&issuer));
        let program = desk.jmp(&words).env("JMP_OIDC_DEVICE_FLOW", "1");
        let outcome = issuer.trusted_by(program).run().await;
        outcome.fails(1).says(&format!("Error: {expected}\n"));
        assert!(
            outcome.stdout.contains("\n\n  https://v?c\n\nWaiting"),
            "{outcome:?}"
        );
    }
    // Asked to be slower, it asks again after the time is over: never.
    issuer.answers(400, json!({"error": "slow_down"}));
    let words = format!("{} --client e --device-flow", given(&issuer));
    let outcome = login(&desk, &issuer, &words).await;
    outcome.fails(1).says(
        "Error: Device authorization timed out waiting for user approval. Please try again.\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_refresh_token_saves_the_browser() {
    let (desk, issuer) = (Desk::new().await, Issuer::new().await);
    let old = token(json!({"iss": issuer.url}));
    desk.client("lab", &format!("token: {old}\nrefresh_token: r1\n"));
    issuer.answers(200, json!({"access_token": "new", "refresh_token": "r2"}));
    let outcome = login(&desk, &issuer, "").await;
    outcome
        .succeeds()
        .prints("Refreshed access token using stored refresh token.\n");
    assert!(
        desk.read("clients/lab.yaml")
            .contains("token: new\nrefresh_token: r2\n")
    );
    assert!(desk.read("clients/lab.yaml").contains(&desk.endpoint));

    desk.client("lab", &format!("token: {old}\nrefresh_token: r1\n"));
    issuer.answers(400, json!({"error": "invalid_grant"}));
    let outcome = login(&desk, &issuer, "--nointeractive").await;
    outcome
        .fails(1)
        .says("Error: Failed to refresh access token: invalid_grant\n");
    // The file that was named is the file that is written.
    let path = desk.path("clients/lab.yaml");
    let other = desk.path("other.yaml");
    fs::copy(&path, &other).unwrap();
    issuer.answers(200, json!({"access_token": "newer"}));
    let words = format!("--client-config {} --token x", other.display());
    login(&desk, &issuer, &words).await.succeeds().prints("");
    assert!(
        desk.read("other.yaml")
            .contains("token: newer\nrefresh_token: r1\n")
    );
    assert!(!desk.read("clients/lab.yaml").contains("newer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn exporters_log_in_too() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    issuer.answers(200, json!({"access_token": "a", "refresh_token": "r"}));
    let words = format!("{} --exporter e1 --token t --allow x", given(&issuer));
    let outcome = login(&desk, &issuer, &words).await;
    outcome.succeeds().prints(
        "Warning: --allow is ignored for exporter configs (only applies to client configs).\n\
         Warning: --unsafe is ignored for exporter configs (only applies to client configs).\n",
    );
    let text = desk.read("exporters/e1.yaml");
    assert!(text.contains("\ntoken: a\ngrpcOptions: {}\n"), "{text}");
    let old = token(json!({"iss": issuer.url}));
    let file = format!("# ours\nmetadata: {{name: e2}}\ntoken: {old}\nexport:\n  x: {{type: y}}\n");
    fs::write(desk.path("exporters/e2.yaml"), file).unwrap();
    issuer.answers(200, json!({"access_token": "b"}));
    login(&desk, &issuer, "--exporter e2 --token t")
        .await
        .succeeds()
        .prints("");
    assert_eq!(
        desk.read("exporters/e2.yaml"),
        "# ours\nmetadata: {name: e2}\ntoken: b\nexport:\n  x: {type: y}\n"
    );
}
