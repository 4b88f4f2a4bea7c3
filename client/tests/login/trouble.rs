//! Issuers and login services that do not work, or must not be trusted, and questions nobody answers.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_issuers_are_cut_and_cannot_move_the_cursor() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    let words = format!("{} --client x --username u --password p", given(&issuer));
    let evil = format!("\x1b]0;mine\x07\x1b[2J{}", "ü".repeat(5000));
    let shown = |begin: &str, letters: usize| format!("{begin}{}…\n", "ü".repeat(letters));
    issuer.answers(
        400,
        json!({"error": "invalid_grant", "error_description": evil}),
    );
    let outcome = login(&desk, &issuer, &words).await;
    let expected = "Error: invalid_grant: \\u{1b}]0;mine\\u{7}\\u{1b}[2J";
    outcome.fails(1).says(&shown(expected, 300 - 13));
    // Not the JSON of a refusal, but whatever stands there.
    issuer.answers(502, json!("ü".repeat(5000)));
    let outcome = login(&desk, &issuer, &words).await;
    let expected = format!("Error: `{}/token` answered HTTP 502: \"", issuer.url);
    outcome.fails(1).says(&shown(&expected, 300 - 1));
    issuer.device(json!({
        "device_code": "dc", "verification_uri": "https://v\x1b[8m", "expires_in": 0.01,
    }));
    let words = format!("{} --client d --device-flow", given(&issuer));
    let outcome = login(&desk, &issuer, &words).await;
    assert!(
        outcome.stdout.contains("  https://v\\u{1b}[8m\n"),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_travels_in_the_clear() {
    let desk = Desk::empty().await;
    let issuer = Issuer::plain().await;
    let settled = "--namespace lab --name me --endpoint e:1 --unsafe --nointeractive";
    let refused = |url: &str| {
        format!(
            "Error: `{url}` is not encrypted: passwords and tokens would travel in the clear. Use \
             an https:// address, or, only for testing, --insecure-tls (`tls: {{insecure: true}}` \
             in the configuration file)\n"
        )
    };
    // On this machine nobody listens.
    issuer.answers(200, json!({"access_token": "a"}));
    let password = format!("{settled} --username u --password p");
    let words = format!("{password} --issuer {} --client here", issuer.url);
    login(&desk, &issuer, &words).await.succeeds().says("");
    assert_eq!(issuer.forms().len(), 1);
    // The same server at an address that could be anywhere.
    let elsewhere = issuer.url.replace("localhost", "0.0.0.0");
    let words = format!("{password} --issuer {elsewhere} --client x");
    let outcome = login(&desk, &issuer, &words).await;
    let document = format!("{elsewhere}/.well-known/openid-configuration");
    outcome.fails(1).says(&refused(&document));
    // Somebody who insists.
    issuer.answers(200, json!({"access_token": "a"}));
    login(&desk, &issuer, &format!("{words} --insecure-tls"))
        .await
        .succeeds()
        .says(&format!(
            "Warning: the identity provider at `{elsewhere}` calls itself `{}`; if logging in \
             fails later, use that URL as the issuer\n",
            issuer.url
        ));
    assert_eq!(issuer.forms().len(), 1);
    // A provider that is encrypted itself, but sends elsewhere with the password, or the browser.
    let issuer = Issuer::new().await;
    let token = format!("{elsewhere}/token");
    issuer.says("token_endpoint", &token);
    issuer.device(json!({"device_code": "dc", "verification_uri": "https://v"}));
    for how in [
        "--username u --password p",
        "--token t",
        "",
        "--device-flow",
    ] {
        let words = format!("{settled} --issuer {} --client y {how}", issuer.url);
        login(&desk, &issuer, &words)
            .await
            .fails(1)
            .prints("")
            .says(&refused(&token));
    }
    issuer.says("token_endpoint", &format!("{}/token", issuer.url));
    issuer.says("authorization_endpoint", "http://login.lab/auth?x=1");
    let words = format!("{settled} --issuer {} --client y", issuer.url);
    let outcome = login(&desk, &issuer, &words).await;
    outcome
        .fails(1)
        .prints("")
        .says(&refused("http://login.lab/auth"));
    assert!(issuer.forms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_told_what_is_missing() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    for (words, expected) in [
        ("", "Namespace is required in non-interactive mode."),
        ("--namespace n", "Name is required in non-interactive mode."),
        (
            "--namespace n --name x",
            "Endpoint is required in non-interactive mode.",
        ),
        (
            "--namespace n --name x --endpoint e",
            "--allow TEXT or --unsafe is required in non-interactive mode.",
        ),
        (
            "--namespace n --name x --endpoint e --allow a",
            "Issuer is required in non-interactive mode.",
        ),
        (
            "http://localhost:1",
            "HTTP login endpoints require --insecure-tls / -k.",
        ),
        (
            "--client a --exporter b",
            "Invalid value: only one of --client, --client-config, --exporter, --exporter-config \
             should be specified",
        ),
        (
            "--callback-port 70000",
            "Invalid value for '--callback-port': 70000 is not in the range 0<=x<=65535.",
        ),
    ] {
        let outcome = login(&desk, &issuer, &format!("--nointeractive {words}")).await;
        outcome.fails(2).complains(&format!("Error: {expected}\n"));
    }
    for (target, expected) in [
        ("@x", "Client name before '@' cannot be empty."),
        ("x@", "Login endpoint after '@' cannot be empty."),
        (
            "ftp://x",
            "Invalid login endpoint 'ftp://x': unsupported URL scheme 'ftp'. Use http or https.",
        ),
        (
            "https://",
            "Invalid login endpoint 'https://': missing host.",
        ),
    ] {
        let outcome = login(&desk, &issuer, target).await;
        outcome.fails(1).says(&format!("Error: {expected}\n"));
    }
    let words = format!("login {} --client c", given(&issuer));
    let program = issuer
        .trusted_by(desk.jmp(&words))
        .env("JMP_OIDC_CALLBACK_PORT", "x");
    program
        .run()
        .await
        .fails(1)
        .says("Error: Invalid JMP_OIDC_CALLBACK_PORT \"x\": must be a valid port\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_services_that_do_not_work_are_named() {
    let (desk, issuer) = (Desk::empty().await, Issuer::new().await);
    let url = format!("{}/v1/auth/config", issuer.url);
    for (status, body, expected) in [
        (
            503,
            "",
            format!("Failed to fetch auth config from {url}: HTTP 503"),
        ),
        (
            200,
            "[]",
            format!("Invalid auth config response from {url}: expected a JSON object."),
        ),
        (
            200,
            "{}",
            format!(
                "Invalid auth config response from {url}: missing required field 'grpcEndpoint'."
            ),
        ),
        (
            200,
            "<html>",
            format!(
                "Invalid JSON response received from {url}. Verify the login endpoint or proxy \
                 configuration."
            ),
        ),
    ] {
        issuer.config(status, body);
        let outcome = login(&desk, &issuer, &issuer.host).await;
        outcome.fails(1).says(&format!("Error: {expected}\n"));
    }
    let host = &issuer.host;
    let other = Issuer::new().await;
    let outcome = login(&desk, &other, host).await;
    outcome.fails(1).says(&format!(
        "Error: TLS certificate verification failed while connecting to {host}. Verify the \
         endpoint certificate, or use --insecure-tls / -k only for testing.\n"
    ));
    let outcome = login(&desk, &issuer, "localhost:1").await;
    outcome
        .fails(1)
        .complains("Error: Failed to fetch auth config from localhost:1: ");
    let outcome = login(&desk, &issuer, &format!("https://{}", desk.endpoint)).await;
    outcome.fails(1).complains("Error: TLS ");
    // Somebody who insists gets through, and the file says so.
    issuer.config(200, &settings(&issuer));
    issuer.answers(200, json!({"access_token": "a"}));
    let words = format!("login me@{host} -k --unsafe --nointeractive --token t");
    desk.jmp(&words).run().await.succeeds();
    assert!(
        desk.read("clients/me.yaml")
            .contains("  ca: Q0E=\n  insecure: true\n")
    );
}
