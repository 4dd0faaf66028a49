//! Bad input: each malformed request gets its exact status and error code, a description that
//! says something, and writes nothing. Clauses AS-PAR-*, AS-TOK-07, AS-TOK-08, AS-DPOP-*,
//! AS-META-13, RS-*.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use bytes::Bytes;
use common::{Answer, App, Lab, REDIRECT, form};
use data_encoding::BASE64URL_NOPAD;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::{Value, json};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What was answered, against what should be.
struct Table {
    wrong: Vec<String>,
    count: usize,
}

impl Table {
    fn row(&mut self, name: &str, answer: &Answer, status: u16, error: &str) {
        self.count += 1;
        let got = (answer.status.as_u16(), answer.error());
        let json = answer.json();
        let text = json["error_description"]
            .as_str()
            .or(json["message"].as_str())
            .unwrap_or_default();
        println!("{name:44} {} {:24} {text}", got.0, got.1);
        if got != (status, error.to_owned()) {
            self.wrong.push(format!(
                "{name}: {got:?} where ({status}, {error:?}) was expected: {}",
                answer.text()
            ));
        }
        if answer.header("dpop-nonce").is_empty() {
            self.wrong.push(format!("{name}: no DPoP-Nonce"));
        }
        if !error.is_empty() && text.len() < 12 {
            self.wrong.push(format!("{name}: no description"));
        }
    }

    fn finish(self) {
        println!("{} malformed requests", self.count);
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
    }
}

/// A proof with any header and claims, signed by the app's key.
fn proof(app: &App, path: &str, header: &Value, claims: &Value) -> String {
    let mut all_header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": app.key.public() });
    let mut all_claims = json!({
        "jti": format!("jti-{claims}-{header}"), "htm": "POST", "htu": format!("{}{path}", app.origin),
        "iat": app.now, "nonce": app.nonce(),
    });
    for (all, part) in [(&mut all_header, header), (&mut all_claims, claims)] {
        for (name, value) in part.as_object().unwrap() {
            match value {
                Value::Null => all.as_object_mut().unwrap().remove(name),
                value => all
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
    }
    app.key.sign_compact(&all_header, &all_claims).unwrap()
}

async fn send(app: &App, path: &str, body: &str, proofs: &[String]) -> Answer {
    let mut request = app.form_request(path, body, None);
    for proof in proofs {
        request.headers_mut().append("dpop", proof.parse().unwrap());
    }
    app.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn proofs() {
    let lab = Lab::start().await;
    let app = lab.app();
    let body = form(&app.request("state", CHALLENGE));
    let mut table = Table {
        wrong: vec![],
        count: 0,
    };
    let path = "/oauth/par";
    table.row(
        "no proof",
        &send(&app, path, &body, &[]).await,
        400,
        "invalid_dpop_proof",
    );
    let before = lab.rows();

    let bad = "invalid_dpop_proof";
    let none = json!({});
    let mut private = serde_json::to_value(app.key.public()).unwrap();
    private["d"] = json!("AAAA");
    let mut off_curve = serde_json::to_value(app.key.public()).unwrap();
    off_curve["x"] = off_curve["y"].clone();
    let now = app.now.as_secs();
    for (name, header, claims, error) in [
        ("typ JWT", json!({"typ": "JWT"}), none.clone(), bad),
        ("no typ", json!({"typ": null}), none.clone(), bad),
        ("alg none", json!({"alg": "none"}), none.clone(), bad),
        ("alg HS256", json!({"alg": "HS256"}), none.clone(), bad),
        (
            "alg ES256K over P-256",
            json!({"alg": "ES256K"}),
            none.clone(),
            bad,
        ),
        ("crit", json!({"crit": ["exp"]}), none.clone(), bad),
        ("no jwk", json!({"jwk": null}), none.clone(), bad),
        ("jwk with d", json!({"jwk": private}), none.clone(), bad),
        (
            "jwk off the curve",
            json!({"jwk": off_curve}),
            none.clone(),
            bad,
        ),
        (
            "jwk symmetric",
            json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
            none.clone(),
            bad,
        ),
        ("no jti", none.clone(), json!({"jti": null}), bad),
        ("jti a number", none.clone(), json!({"jti": 7}), bad),
        (
            "jti too long",
            none.clone(),
            json!({"jti": "x".repeat(300)}),
            bad,
        ),
        ("no htm", none.clone(), json!({"htm": null}), bad),
        ("htm GET", none.clone(), json!({"htm": "GET"}), bad),
        (
            "htm in small letters",
            none.clone(),
            json!({"htm": "post"}),
            bad,
        ),
        ("no htu", none.clone(), json!({"htu": null}), bad),
        (
            "htu of another endpoint",
            none.clone(),
            json!({"htu": format!("{}/oauth/token", app.origin)}),
            bad,
        ),
        (
            "htu of another host",
            none.clone(),
            json!({"htu": "https://evil.example/oauth/par"}),
            bad,
        ),
        (
            "htu with query",
            none.clone(),
            json!({"htu": format!("{}{path}?x=1", app.origin)}),
            bad,
        ),
        (
            "htu with fragment",
            none.clone(),
            json!({"htu": format!("{}{path}#x", app.origin)}),
            bad,
        ),
        ("no iat", none.clone(), json!({"iat": null}), bad),
        (
            "iat an hour ago",
            none.clone(),
            json!({"iat": now - 3600}),
            bad,
        ),
        (
            "iat in an hour",
            none.clone(),
            json!({"iat": now + 3600}),
            bad,
        ),
        ("iat a fraction", none.clone(), json!({"iat": 1.5}), bad),
        ("iat 2^64-1", none.clone(), json!({"iat": u64::MAX}), bad),
        ("iat negative", none.clone(), json!({"iat": i64::MIN}), bad),
        (
            "no nonce",
            none.clone(),
            json!({"nonce": null}),
            "use_dpop_nonce",
        ),
        (
            "nonce empty",
            none.clone(),
            json!({"nonce": ""}),
            "use_dpop_nonce",
        ),
        (
            "nonce foreign",
            none.clone(),
            json!({"nonce": "A".repeat(27)}),
            "use_dpop_nonce",
        ),
    ] {
        let proof = proof(&app, path, &header, &claims);
        table.row(name, &send(&app, path, &body, &[proof]).await, 400, error);
    }

    let good = || app.proof("POST", path, None);
    let (one, two) = (good(), good());
    table.row(
        "two proofs",
        &send(&app, path, &body, &[one, two]).await,
        400,
        bad,
    );
    table.row(
        "not a JWT",
        &send(&app, path, &body, &["x.y".into()]).await,
        400,
        bad,
    );
    table.row(
        "two JWTs in one header",
        &send(&app, path, &body, &[format!("{}, {}", good(), good())]).await,
        400,
        bad,
    );
    let other = app.other_key();
    let (mine, theirs) = (
        good(),
        proof(&other, path, &none, &json!({"nonce": app.nonce()})),
    );
    let signature = theirs.rsplit('.').next().unwrap();
    let forged = format!("{}.{signature}", mine.rsplit_once('.').unwrap().0);
    table.row(
        "signature of another key",
        &send(&app, path, &body, &[forged]).await,
        400,
        bad,
    );
    let huge = BASE64URL_NOPAD.encode(&vec![b'{'; 7000]);
    table.row(
        "a long proof",
        &send(&app, path, &body, &[format!("{huge}.{huge}.AAAA")]).await,
        400,
        bad,
    );
    let nested = BASE64URL_NOPAD.encode("[".repeat(3000).as_bytes());
    table.row(
        "a deeply nested proof",
        &send(&app, path, &body, &[format!("{nested}.e30.AAAA")]).await,
        400,
        bad,
    );

    assert_eq!(lab.rows(), before, "nothing was written");
    let proof = good();
    assert_eq!(
        send(&app, path, &body, std::slice::from_ref(&proof))
            .await
            .status,
        StatusCode::CREATED
    );
    table.row(
        "a proof again",
        &send(&app, path, &body, &[proof]).await,
        400,
        bad,
    );
    table.finish();
}

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
        ("client_id missing", "client_id", None, bad),
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
        ("response_type missing", "response_type", None, bad),
        (
            "response_type token",
            "response_type",
            Some("token"),
            "unsupported_response_type",
        ),
        ("redirect_uri missing", "redirect_uri", None, bad),
        (
            "redirect_uri not declared",
            "redirect_uri",
            Some("http://127.0.0.1:9/other"),
            bad,
        ),
        (
            "redirect_uri localhost",
            "redirect_uri",
            Some("http://localhost:9/callback"),
            bad,
        ),
        (
            "redirect_uri javascript",
            "redirect_uri",
            Some("javascript:alert(1)"),
            bad,
        ),
        (
            "redirect_uri elsewhere",
            "redirect_uri",
            Some("https://evil.example/callback"),
            bad,
        ),
        ("scope missing", "scope", None, "invalid_scope"),
        (
            "scope without atproto",
            "scope",
            Some("transition:generic"),
            "invalid_scope",
        ),
        (
            "scope unknown",
            "scope",
            Some("atproto openid"),
            "invalid_scope",
        ),
        (
            "scope not declared",
            "scope",
            Some("atproto transition:email"),
            "invalid_scope",
        ),
        ("state missing", "state", None, bad),
        ("state empty", "state", Some(""), bad),
        ("state not ASCII", "state", Some("é"), bad),
        ("state too long", "state", Some(&"x".repeat(2000)), bad),
        ("code_challenge missing", "code_challenge", None, bad),
        (
            "code_challenge too short",
            "code_challenge",
            Some("abc"),
            bad,
        ),
        (
            "code_challenge not base64url",
            "code_challenge",
            Some(&"!".repeat(43)),
            bad,
        ),
        (
            "code_challenge_method missing",
            "code_challenge_method",
            None,
            bad,
        ),
        (
            "code_challenge_method plain",
            "code_challenge_method",
            Some("plain"),
            bad,
        ),
        (
            "request_uri in a pushed request",
            "request_uri",
            Some("urn:x"),
            bad,
        ),
        (
            "request object",
            "request",
            Some("e30.e30."),
            "request_not_supported",
        ),
        ("dpop_jkt no thumbprint", "dpop_jkt", Some("x"), bad),
        ("dpop_jkt of another key", "dpop_jkt", Some(CHALLENGE), bad),
        (
            "login_hint no account",
            "login_hint",
            Some("not a handle"),
            bad,
        ),
        ("prompt unknown", "prompt", Some("create"), bad),
        ("response_mode unknown", "response_mode", Some("jwt"), bad),
        (
            "a control character",
            "login_hint",
            Some("alice\u{7}.test"),
            bad,
        ),
        ("a NUL", "state", Some("a\0b"), bad),
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
    table.row("scope twice", &app.post(path, &doubled).await, 400, bad);

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
        "JSON",
        &raw(Some("application/json"), b"{}".to_vec()).await,
        415,
        bad,
    );
    table.row("no content type", &raw(None, body.clone()).await, 415, bad);
    let urlencoded = Some("application/x-www-form-urlencoded");
    table.row(
        "not UTF-8",
        &raw(urlencoded, [&body[..], b"&x=\xff"].concat()).await,
        400,
        bad,
    );
    table.row(
        "escaped bytes not UTF-8",
        &raw(urlencoded, [&body[..], b"&x=%FF"].concat()).await,
        400,
        bad,
    );
    table.row(
        "too long",
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
    let service = "/xrpc/com.atproto.server.getServiceAuth?aud=did:web:api.example.com&lxm=chat.bsky.convo.getLog";
    let scope = app.call(http::Method::GET, service, token, None).await;
    table.row("scope too small", &scope, 403, "insufficient_scope");
    assert!(
        scope
            .header("www-authenticate")
            .contains("scope=\"rpc:chat.bsky.convo.getLog?aud=did:web:api.example.com\""),
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
