//! Tokens: what gets one, what is in it, and what is none.

use http::StatusCode;
use serde_json::Value;

use crate::common::{App, Browser, Lab, Tokens, form};
use crate::nodes::{ACCOUNTS, Nodes, did};
use crate::{assert_no_tokens, twin, verifier};

/// The payload of a JWT.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes());
    serde_json::from_slice(&payload.unwrap()).unwrap()
}

fn exchange<'a>(app: &'a App, code: &'a str, verifier: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", &app.client_id),
        ("redirect_uri", &app.redirect_uri),
        ("code", code),
        ("code_verifier", verifier),
    ]
}

fn refresh<'a>(app: &'a App, token: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "refresh_token"),
        ("client_id", &app.client_id),
        ("refresh_token", token),
    ]
}

/// Clauses AS-TOK-04, AS-TOK-06, AS-TOK-08, RS-TOK-01: there is no way to a token that isn't bound to a
/// key, not by leaving the proof out, nor by asking for one; and a bound one is no bearer token.
#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_bearer_tokens() {
    let lab = Lab::start().await;
    let app = lab.app();
    let verifier = verifier();
    let code = app.code(&Browser::new(&app), &verifier).await;
    let wishes = [
        ("token_type", "Bearer"),
        ("dpop_bound_access_tokens", "false"),
        ("dpop_jkt", ""),
    ];
    let mut pairs = exchange(&app, &code, verifier.expose());
    pairs.extend(wishes);
    let bare = app.form_request("/oauth/token", &form(&pairs), None);
    let answer = app.send(bare).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.error(), "invalid_dpop_proof");
    assert_no_tokens(&answer);
    let first = Tokens::of(&app.post("/oauth/token", &pairs).await);

    let mut pairs = refresh(&app, &first.refresh);
    pairs.extend(wishes);
    let bare = app.form_request("/oauth/token", &form(&pairs), None);
    let answer = app.send(bare).await;
    assert_eq!(answer.error(), "invalid_dpop_proof");
    assert_no_tokens(&answer);
    let second = Tokens::of(&app.post("/oauth/token", &pairs).await);

    for tokens in [&first, &second] {
        assert_eq!(tokens.body["token_type"], "DPoP");
        let jkt = app.key.thumbprint().to_string();
        assert_eq!(claims(&tokens.access)["cnf"]["jkt"], jkt);
        let url = format!("{}/xrpc/com.atproto.server.getSession", app.origin);
        let request = http::Request::get(url)
            .header("authorization", format!("Bearer {}", tokens.access))
            .body(bytes::Bytes::new());
        let answer = app.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

/// Clauses AS-TOK-01, AS-TOK-07, AS-REF-11: a name of something else, or something of another time, is
/// no code and no refresh token; it is refused as such, and nothing is used up.
#[tokio::test(flavor = "multi_thread")]
async fn one_thing_is_not_another() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let verifier = verifier();
    let request_uri = app.push(&verifier, &[]).await;
    // Nobody has answered this one, so no account belongs to it.
    let waiting = request_uri.rsplit(':').next().unwrap();
    let assert_no_grant = async |pairs: Vec<(&str, &str)>| {
        let answer = app.post("/oauth/token", &pairs).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{pairs:?}");
        assert_eq!(answer.error(), "invalid_grant", "{}", answer.text());
        assert_no_tokens(&answer);
    };
    for code in [&request_uri, waiting, &tokens.refresh, &tokens.access] {
        assert_no_grant(exchange(&app, code, verifier.expose())).await;
    }
    let browser = Browser::new(&app);
    let code = browser
        .approve(&app, &request_uri, "alice.test", "wonderland")
        .await;
    for token in [&code, &request_uri, waiting, &tokens.access] {
        assert_no_grant(refresh(&app, token)).await;
    }
    Tokens::of(&app.exchange(&code, &verifier).await);
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

/// Clauses AS-REF-02, AS-REF-05, AS-TOK-08: the token that was just replaced is as well guarded as the
/// one that replaced it.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_token_is_guarded() {
    let lab = Lab::start().await;
    let app = lab.app();
    let first = app.login().await;
    let second = Tokens::of(&app.refresh(&first.refresh).await);

    let bare = form(&refresh(&app, &first.refresh));
    let answer = app
        .send(app.form_request("/oauth/token", &bare, None))
        .await;
    assert_eq!(answer.error(), "invalid_dpop_proof");
    assert_no_tokens(&answer);
    let unaware = twin(&app);
    let proof = unaware.proof("POST", "/oauth/token", None);
    let request = app.form_request("/oauth/token", &bare, Some(&proof));
    let answer = app.send(request).await;
    assert_eq!(answer.error(), "use_dpop_nonce");
    assert_no_tokens(&answer);
    let thief = app.other_key();
    let mut elsewhere = twin(&app);
    elsewhere.client_id = "http://localhost".into();
    for other in [thief, elsewhere] {
        let answer = other.refresh(&first.refresh).await;
        assert_eq!(answer.error(), "invalid_grant");
        assert_no_tokens(&answer);
    }

    let again = Tokens::of(&app.refresh(&first.refresh).await);
    assert_eq!(again.refresh, second.refresh);
    Tokens::of(&app.refresh(&second.refresh).await);
}

/// Clause AS-TOK-06: one authorization server for several resource servers, and a token for one of them
/// only.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_the_accounts_own_resource_server() {
    let nodes = Nodes::start(1).await;
    for (number, (handle, password, audience)) in ACCOUNTS.into_iter().enumerate() {
        let app = nodes.app();
        let verifier = verifier();
        let request_uri = app.push(&verifier, &[]).await;
        let browser = Browser::new(&app);
        let code = browser.approve(&app, &request_uri, handle, password).await;
        let tokens = Tokens::of(&app.exchange(&code, &verifier).await);
        let next = Tokens::of(&app.refresh(&tokens.refresh).await);
        for token in [tokens.access, next.access] {
            assert_eq!(claims(&token)["aud"], audience);
            assert_eq!(claims(&token)["sub"], did(number).as_str());
        }
    }
}
