use super::*;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn pushed_requests() {
    let lab = Lab::start().await;
    let app = lab.app();
    let mut table = Table {
        wrong: vec![],
        count: 0,
    };
    let path = "/oauth/par";
    let good = app.request("state", CHALLENGE);
    let before = lab.rows();

    // Each row changes, removes (None) or adds one parameter.
    let bad = "invalid_request";
    for (name, parameter, value, error) in [
        ("client_id missing, AS-TOK-07", "client_id", None, bad),
        (
            "client_id no URL",
            "client_id",
            Some("abc"),
            "invalid_client",
        ),
        (
            "client_id with port",
            "client_id",
            Some("http://localhost:3000"),
            "invalid_client",
        ),
        (
            "client_id plain http",
            "client_id",
            Some("http://app.example.com/x"),
            "invalid_client",
        ),
        (
            "client_id with unknown parameter",
            "client_id",
            Some("http://localhost?x=1"),
            "invalid_client",
        ),
        (
            "client_id with bad scope",
            "client_id",
            Some("http://localhost?scope=openid"),
            "invalid_client",
        ),
        (
            "response_type missing, AS-PAR-05",
            "response_type",
            None,
            bad,
        ),
        (
            "response_type token, AS-PAR-05",
            "response_type",
            Some("token"),
            "unsupported_response_type",
        ),
        ("redirect_uri missing, AS-PAR-10", "redirect_uri", None, bad),
        (
            "redirect_uri not declared, AS-PAR-10",
            "redirect_uri",
            Some("http://127.0.0.1:9/other"),
            bad,
        ),
        (
            "redirect_uri localhost, AS-PAR-10",
            "redirect_uri",
            Some("http://localhost:9/callback"),
            bad,
        ),
        (
            "redirect_uri javascript, AS-PAR-10",
            "redirect_uri",
            Some("javascript:alert(1)"),
            bad,
        ),
        (
            "redirect_uri elsewhere, AS-PAR-10",
            "redirect_uri",
            Some("https://evil.example/callback"),
            bad,
        ),
        ("scope missing, AS-PAR-11", "scope", None, "invalid_scope"),
        (
            "scope without atproto, AS-PAR-11",
            "scope",
            Some("transition:generic"),
            "invalid_scope",
        ),
        (
            "scope unknown, AS-PAR-11",
            "scope",
            Some("atproto openid"),
            "invalid_scope",
        ),
        (
            "scope not declared, AS-PAR-11",
            "scope",
            Some("atproto transition:email"),
            "invalid_scope",
        ),
        ("state missing, AS-PAR-06", "state", None, bad),
        ("state empty, AS-PAR-06", "state", Some(""), bad),
        ("state not ASCII, AS-PAR-16", "state", Some("é"), bad),
        (
            "state too long, AS-PAR-16",
            "state",
            Some(&"x".repeat(2000)),
            bad,
        ),
        (
            "code_challenge missing, AS-PAR-08",
            "code_challenge",
            None,
            bad,
        ),
        (
            "code_challenge too short, AS-PAR-08",
            "code_challenge",
            Some("abc"),
            bad,
        ),
        (
            "code_challenge not base64url, AS-PAR-08",
            "code_challenge",
            Some(&"!".repeat(43)),
            bad,
        ),
        (
            "code_challenge_method missing, AS-PAR-08",
            "code_challenge_method",
            None,
            bad,
        ),
        (
            "code_challenge_method plain, AS-PAR-08",
            "code_challenge_method",
            Some("plain"),
            bad,
        ),
        (
            "request_uri in a pushed request, AS-PAR-03",
            "request_uri",
            Some("urn:x"),
            bad,
        ),
        (
            "request object, AS-PAR-13",
            "request",
            Some("e30.e30."),
            "request_not_supported",
        ),
        (
            "dpop_jkt no thumbprint, AS-PAR-04",
            "dpop_jkt",
            Some("x"),
            bad,
        ),
        (
            "dpop_jkt of another key, AS-PAR-04",
            "dpop_jkt",
            Some(CHALLENGE),
            bad,
        ),
        (
            "login_hint no account",
            "login_hint",
            Some("not a handle"),
            bad,
        ),
        ("prompt unknown", "prompt", Some("create"), bad),
        ("response_mode unknown", "response_mode", Some("jwt"), bad),
        (
            "a control character, AS-PAR-16",
            "login_hint",
            Some("alice\u{7}.test"),
            bad,
        ),
        ("a NUL, AS-PAR-16", "state", Some("a\0b"), bad),
    ] {
        let mut pairs: Vec<(&str, &str)> = good
            .iter()
            .copied()
            .filter(|(known, _)| *known != parameter)
            .collect();
        pairs.extend(value.map(|value| (parameter, value)));
        table.row(name, &app.post(path, &pairs).await, 400, error);
    }
    let doubled: Vec<_> = good.iter().copied().chain([("scope", "atproto")]).collect();
    table.row(
        "scope twice, AS-PAR-02",
        &app.post(path, &doubled).await,
        400,
        bad,
    );

    let proof = || app.proof("POST", path, None);
    let raw = async |content_type: Option<&str>, body: Vec<u8>| {
        let mut request = Request::post(format!("{}{path}", app.origin)).header("dpop", proof());
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        app.send(request.body(Bytes::from(body)).unwrap()).await
    };
    let body = form(&good).into_bytes();
    table.row(
        "JSON, AS-PAR-02",
        &raw(Some("application/json"), b"{}".to_vec()).await,
        415,
        bad,
    );
    table.row(
        "no content type, AS-PAR-02",
        &raw(None, body.clone()).await,
        415,
        bad,
    );
    let urlencoded = Some("application/x-www-form-urlencoded");
    table.row(
        "not UTF-8, AS-PAR-16",
        &raw(urlencoded, [&body[..], b"&x=\xff"].concat()).await,
        400,
        bad,
    );
    table.row(
        "escaped bytes not UTF-8, AS-PAR-16",
        &raw(urlencoded, [&body[..], b"&x=%FF"].concat()).await,
        400,
        bad,
    );
    table.row(
        "too long, AS-PAR-02",
        &raw(urlencoded, vec![b'a'; 100_000]).await,
        413,
        bad,
    );
    table.row("empty", &raw(urlencoded, vec![]).await, 400, bad);
    for path in ["/oauth/par", "/oauth/token", "/oauth/revoke"] {
        let get = app
            .send(
                Request::get(format!("{}{path}", app.origin))
                    .body(Bytes::new())
                    .unwrap(),
            )
            .await;
        table.row(&format!("GET {path}"), &get, 405, "");
        assert_eq!(get.header("allow"), "POST");
    }
    assert_eq!(lab.rows(), before, "nothing was written");
    table.finish();
}

/// Clause AS-PAR-14: what isn't known is not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_ignored() {
    let lab = Lab::start().await;
    let app = lab.app();
    let mut pairs = app.request("state", CHALLENGE);
    pairs.extend([
        ("client_secret", "hunter2"),
        ("audience", "did:web:elsewhere.example"),
        ("resource", "https://elsewhere.example"),
        ("claims", "{}"),
        ("__proto__", "x"),
    ]);
    let answer = app.post("/oauth/par", &pairs).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}
