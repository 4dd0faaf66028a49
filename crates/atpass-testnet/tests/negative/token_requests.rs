use super::*;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn token_requests() {
    let lab = Lab::start().await;
    let app = lab.app();
    let mut table = Table {
        wrong: vec![],
        count: 0,
    };
    let tokens = app.login().await;
    let before = lab.rows();
    let client = app.client_id.as_str();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("code", "no-such-code"),
        ("code_verifier", VERIFIER),
    ];
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    let long = "x".repeat(129);
    let bad = "invalid_request";
    for (name, good, parameter, value, error) in [
        ("grant_type missing", &exchange[..], "grant_type", None, bad),
        (
            "grant_type password",
            &exchange,
            "grant_type",
            Some("password"),
            "unsupported_grant_type",
        ),
        (
            "grant_type client_credentials",
            &exchange,
            "grant_type",
            Some("client_credentials"),
            "unsupported_grant_type",
        ),
        (
            "client_id missing at exchange",
            &exchange,
            "client_id",
            None,
            bad,
        ),
        (
            "client_id no URL at exchange",
            &exchange,
            "client_id",
            Some("x"),
            "invalid_client",
        ),
        ("code missing", &exchange, "code", None, bad),
        (
            "code unknown",
            &exchange,
            "code",
            Some("AAAA"),
            "invalid_grant",
        ),
        (
            "redirect_uri missing at exchange",
            &exchange,
            "redirect_uri",
            None,
            bad,
        ),
        (
            "code_verifier missing",
            &exchange,
            "code_verifier",
            None,
            bad,
        ),
        (
            "code_verifier too short",
            &exchange,
            "code_verifier",
            Some("abc"),
            bad,
        ),
        (
            "code_verifier too long",
            &exchange,
            "code_verifier",
            Some(&long),
            bad,
        ),
        (
            "client_id missing at refresh",
            &refresh,
            "client_id",
            None,
            bad,
        ),
        (
            "client_id of another app at refresh",
            &refresh,
            "client_id",
            Some("http://localhost"),
            "invalid_grant",
        ),
        (
            "refresh_token missing",
            &refresh,
            "refresh_token",
            None,
            bad,
        ),
        (
            "refresh_token garbage",
            &refresh,
            "refresh_token",
            Some("AAAA"),
            "invalid_grant",
        ),
        (
            "refresh_token made up",
            &refresh,
            "refresh_token",
            Some(CHALLENGE),
            "invalid_grant",
        ),
        (
            "scope unknown at refresh",
            &refresh,
            "scope",
            Some("atproto openid"),
            "invalid_scope",
        ),
        (
            "scope wider at refresh",
            &refresh,
            "scope",
            Some("atproto transition:email"),
            "invalid_scope",
        ),
    ] {
        let mut pairs: Vec<(&str, &str)> = good
            .iter()
            .copied()
            .filter(|(known, _)| *known != parameter)
            .collect();
        pairs.extend(value.map(|value| (parameter, value)));
        table.row(name, &app.post("/oauth/token", &pairs).await, 400, error);
    }
    table.row(
        "token missing at revocation",
        &app.post("/oauth/revoke", &[("client_id", client)]).await,
        400,
        bad,
    );
    table.row(
        "client_id missing at revocation",
        &app.post("/oauth/revoke", &[("token", "x")]).await,
        400,
        bad,
    );
    let thief = app.other_key();
    let theft = [("client_id", client), ("token", tokens.refresh.as_str())];
    table.row(
        "another key at revocation",
        &thief.post("/oauth/revoke", &theft).await,
        400,
        "invalid_grant",
    );
    assert_eq!(lab.rows(), before, "nothing was written");
    assert_eq!(
        app.refresh(&tokens.refresh).await.status,
        StatusCode::OK,
        "the session is untouched"
    );
    table.finish();
}
