use super::*;

/// Clauses RS-TOK-01, RS-TOK-03, RS-DPOP-01, RS-DPOP-04, RS-ERR-01.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn resource_requests() {
    let lab = Lab::start().await;
    let app = lab.app();
    let mut table = Table {
        wrong: vec![],
        count: 0,
    };
    let tokens = app.login().await;
    let path = "/xrpc/com.atproto.server.getSession";
    let url = format!("{}{path}", app.origin);
    let token = tokens.access.as_str();
    assert_eq!(app.get_session(token).await.status, StatusCode::OK);
    let good = || app.proof("GET", path, Some(token));
    let get = async |url: &str, headers: &[(&str, String)]| {
        let mut request = Request::get(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        app.send(request.body(Bytes::new()).unwrap()).await
    };
    let authorization = ("authorization", format!("DPoP {token}"));

    let bare = get(&url, &[]).await;
    table.row("no credentials", &bare, 401, "AuthMissing");
    let challenge = bare.header("www-authenticate");
    assert!(
        challenge.starts_with("DPoP ") && !challenge.contains("error"),
        "{challenge}"
    );
    table.row(
        "token as Bearer",
        &get(&url, &[("authorization", format!("Bearer {token}"))]).await,
        401,
        "invalid_token",
    );
    table.row(
        "token without proof",
        &get(&url, std::slice::from_ref(&authorization)).await,
        401,
        "invalid_dpop_proof",
    );
    table.row(
        "token in the URL",
        &get(&format!("{url}?access_token={token}"), &[("dpop", good())]).await,
        400,
        "invalid_request",
    );
    table.row(
        "two tokens",
        &get(
            &url,
            &[
                authorization.clone(),
                authorization.clone(),
                ("dpop", good()),
            ],
        )
        .await,
        400,
        "invalid_request",
    );
    table.row(
        "empty token",
        &get(&url, &[("authorization", "DPoP ".into()), ("dpop", good())]).await,
        400,
        "invalid_request",
    );
    let garbage = app.proof("GET", path, Some("garbage"));
    table.row(
        "garbage token",
        &get(
            &url,
            &[("authorization", "DPoP garbage".into()), ("dpop", garbage)],
        )
        .await,
        401,
        "invalid_token",
    );
    let no_ath = app.proof("GET", path, None);
    table.row(
        "proof without ath",
        &get(&url, &[authorization.clone(), ("dpop", no_ath)]).await,
        401,
        "invalid_dpop_proof",
    );
    let other_ath = app.proof("GET", path, Some("other"));
    table.row(
        "proof for another token",
        &get(&url, &[authorization.clone(), ("dpop", other_ath)]).await,
        401,
        "invalid_dpop_proof",
    );
    let other_method = app.proof("POST", path, Some(token));
    table.row(
        "proof for another method",
        &get(&url, &[authorization.clone(), ("dpop", other_method)]).await,
        401,
        "invalid_dpop_proof",
    );
    let other_path = app.proof("GET", "/xrpc/com.atproto.repo.listRecords", Some(token));
    table.row(
        "proof for another path",
        &get(&url, &[authorization.clone(), ("dpop", other_path)]).await,
        401,
        "invalid_dpop_proof",
    );
    let thief = app.other_key();
    thief.get_session(token).await;
    table.row(
        "another key",
        &thief.get_session(token).await,
        401,
        "invalid_token",
    );
    let once = good();
    assert_eq!(
        get(&url, &[authorization.clone(), ("dpop", once.clone())])
            .await
            .status,
        StatusCode::OK
    );
    table.row(
        "a proof again",
        &get(&url, &[authorization.clone(), ("dpop", once)]).await,
        401,
        "invalid_dpop_proof",
    );
    let mut parts: Vec<&str> = token.split('.').collect();
    let forged_payload = BASE64URL_NOPAD.encode(b"{}");
    parts.splice(1..2, [forged_payload.as_str()]);
    let forged = parts.join(".");
    table.row(
        "forged token",
        &app.get_session(&forged).await,
        401,
        "invalid_token",
    );
    let service = "/xrpc/com.atproto.server.getServiceAuth?aud=did:web:api.example.com%23svc&lxm=chat.bsky.convo.getLog";
    let scope = app.call(http::Method::GET, service, token, None).await;
    table.row("scope too small", &scope, 403, "insufficient_scope");
    assert!(
        scope
            .header("www-authenticate")
            .contains("scope=\"rpc:chat.bsky.convo.getLog?aud=did:web:api.example.com%23svc\""),
        "{}",
        scope.header("www-authenticate")
    );
    lab.clock.advance(901);
    let mut later = lab.app();
    later.key = app.key;
    table.row(
        "expired token",
        &later.get_session(token).await,
        401,
        "invalid_token",
    );
    table.finish();
}
