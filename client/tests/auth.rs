//! `jmp auth`, and an identity provider that answers over TLS.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod desk;
mod fake;
mod program;

use desk::{Desk, Issuer, token};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_token_is_told() {
    let (desk, issuer) = (Desk::new().await, Issuer::new().await);
    let status = async |rest: &str, words: &str| {
        desk.client("lab", rest);
        desk.jmp(&format!("auth status {words}")).run().await
    };
    status("", "")
        .await
        .succeeds()
        .prints("No token found in config\n");
    let outcome = status("token: opaque\n", "").await;
    assert!(
        outcome
            .succeeds()
            .stdout
            .starts_with("Failed to decode token: "),
        "{outcome:?}"
    );
    assert!(!outcome.stdout.contains("opaque"));
    let plain = token(json!({"sub": "me"}));
    let outcome = status(&format!("token: {plain}\n"), "").await;
    outcome.succeeds().prints("Token has no expiry claim\n");
    let old = token(json!({"iss": issuer.url, "exp": 1_000_000_000, "sub": "me", "iat": 5}));
    let outcome = status(&format!("token: {old}\nrefresh_token: r\n"), "-v").await;
    let lines: Vec<&str> = outcome.succeeds().stdout.lines().collect();
    assert_eq!(lines[0], "Token expiry: 2001-09-09 01:46:40 UTC");
    assert!(
        lines[1].starts_with("Status: EXPIRED (") && lines[1].ends_with("m ago)"),
        "{lines:?}"
    );
    let issued_by = format!("Issuer: {}", issuer.url);
    assert_eq!(
        lines[2..],
        [
            "Run 'jmp login' to refresh your credentials.",
            "Subject: me",
            &issued_by,
            "Issued at: 1970-01-01 00:00:05 UTC",
            "Refresh token stored: yes",
        ]
    );
    let good = token(json!({"exp": 4_000_000_000_i64}));
    let outcome = status(&format!("token: {good}\n"), "").await;
    assert!(
        outcome.succeeds().stdout.contains("\nStatus: Valid ("),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout.lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_refreshed_on_request() {
    let (desk, issuer) = (Desk::new().await, Issuer::new().await);
    let refresh = async || issuer.trusted_by(desk.jmp("auth refresh")).run().await;
    refresh()
        .await
        .fails(1)
        .says("Error: No refresh token found. Run 'jmp login --offline-access'.\n");
    desk.client("lab", "refresh_token: r\n");
    refresh()
        .await
        .fails(1)
        .says("Error: No access token found. Run 'jmp login --offline-access'.\n");
    desk.client("lab", "refresh_token: r\ntoken: opaque\n");
    refresh()
        .await
        .fails(1)
        .complains("Error: Failed to decode JWT issuer: ");
    let nobody = token(json!({}));
    desk.client("lab", &format!("refresh_token: r\ntoken: {nobody}\n"));
    refresh()
        .await
        .fails(1)
        .says("Error: Failed to determine issuer from access token.\n");
    let old = token(json!({"iss": issuer.url}));
    desk.client("lab", &format!("refresh_token: r\ntoken: {old}\n"));
    issuer.answers(200, json!({"access_token": "new"}));
    refresh()
        .await
        .succeeds()
        .prints("Access token refreshed.\n");
    assert_eq!(
        issuer.forms(),
        ["grant_type=refresh_token&refresh_token=r&scope=openid+profile&client_id=jumpstarter-cli"]
    );
    assert!(
        desk.read("clients/lab.yaml")
            .contains("refresh_token: r\ntoken: new\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_token_is_used_twice() {
    let (desk, issuer) = (Desk::new().await, Issuer::new().await);
    issuer.takes_refresh_tokens_once();
    let old = token(json!({"iss": issuer.url, "exp": 1}));
    desk.client("lab", &format!("token: {old}\nrefresh_token: r\n"));
    let refresh = || issuer.trusted_by(desk.jmp("auth refresh")).run();
    let login = || issuer.trusted_by(desk.jmp("login --nointeractive")).run();
    let (one, two, three, four) = tokio::join!(refresh(), login(), refresh(), login());
    for outcome in [one, three] {
        outcome.succeeds().prints("Access token refreshed.\n");
    }
    for outcome in [two, four] {
        let expected = "Refreshed access token using stored refresh token.\n";
        outcome.succeeds().prints(expected);
    }
    let asked = issuer.forms().len();
    let last = format!("refresh_token: r{asked}\n");
    let text = desk.read("clients/lab.yaml");
    assert!(
        (1..=4).contains(&asked) && text.contains(&last),
        "{asked}: {text}"
    );
    // What lies beside the file is no client.
    desk.jmp("config client list -o name")
        .run()
        .await
        .succeeds()
        .prints("lab\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_rotated_by_the_controller() {
    let desk = Desk::new().await;
    let rotate = async || desk.jmp("auth rotate").run().await;
    rotate()
        .await
        .fails(1)
        .says("Error: Token rotation failed: empty token received.\n");
    desk.lab(|lab| lab.rotated = "opaque".to_owned());
    rotate()
        .await
        .fails(1)
        .complains("Error: Token rotation failed: invalid token returned (");
    assert!(desk.read("clients/lab.yaml").contains("token: t0ken"));
    let new = token(json!({"exp": 4_000_000_000_i64}));
    desk.lab(|lab| lab.rotated.clone_from(&new));
    let outcome = rotate().await;
    let expected = "Token rotated. New expiry: 2096-10-02 07:06:40 UTC (";
    assert!(
        outcome.succeeds().stdout.starts_with(expected),
        "{outcome:?}"
    );
    assert!(
        desk.read("clients/lab.yaml")
            .contains(&format!("token: {new}"))
    );
    assert_eq!(desk.calls().last().unwrap(), "RotateToken namespaces/lab");
    desk.lab(|lab| lab.rotated = token(json!({})));
    rotate().await.succeeds().prints("Token rotated.\n");
    // A refresh token is for whoever made the token, and not for the controller.
    let theirs = token(json!({"iss": "https://login.lab/dex"}));
    let ours = token(json!({"iss": "https://controller"}));
    desk.lab(|lab| lab.rotated.clone_from(&ours));
    for (kept, old) in [
        (false, &theirs),
        (false, &"opaque".to_owned()),
        (true, &ours),
    ] {
        desk.client("lab", &format!("token: {old}\nrefresh_token: r # theirs\n"));
        let outcome = rotate().await;
        outcome.succeeds().prints("Token rotated.\n");
        let text = desk.read("clients/lab.yaml");
        assert!(text.contains(&format!("\ntoken: {ours}\n")), "{text}");
        assert_eq!(text.contains("refresh_token: r"), kept, "{text}");
        let told = "Warning: the controller itself made the new token, so the refresh token ";
        assert_eq!(outcome.stderr.starts_with(told), !kept, "{outcome:?}");
    }
    // Also where lines cannot be taken out one by one.
    desk.client("lab", &format!("token: {theirs}\nrefresh_token: >-\n  r\n"));
    rotate().await.succeeds();
    let text = desk.read("clients/lab.yaml");
    assert!(text.contains(&format!("token: {ours}\n")), "{text}");
    assert!(!text.contains("refresh_token"), "{text}");
    let old = token(json!({"exp": 1}));
    desk.client("lab", &format!("token: {old}\n"));
    rotate().await.fails(1).says(
        "Error: Token is expired. Cannot rotate — recreate the client with 'jmp config client \
         create'.\n",
    );
    desk.client("lab", "");
    rotate()
        .await
        .fails(1)
        .says("Error: No token found in config.\n");
}
