//! What the server publishes, and that it is true; and the plain facts of its answers.

mod common;

use atpass_protocol::metadata::AuthorizationServerMetadata;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::Clock;
use common::{Answer, App, Browser, Lab, code_of, form};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

const METADATA: &str = "/.well-known/oauth-authorization-server";

async fn get(app: &App, path: &str) -> Answer {
    Browser::new(app).get(path).await
}

async fn metadata(app: &App) -> Value {
    get(app, METADATA).await.json()
}

/// Clauses AS-META-01, AS-META-11, RS-META-01.
#[tokio::test(flavor = "multi_thread")]
async fn documents() {
    let lab = Lab::start().await;
    let app = lab.app();
    for path in [
        METADATA,
        "/.well-known/oauth-protected-resource",
        "/oauth/jwks",
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    let resources = &metadata(&app).await["protected_resources"];
    assert_eq!(*resources, serde_json::json!([lab.network.resource]));
    let resource = get(&app, "/.well-known/oauth-protected-resource").await;
    assert_eq!(resource.json()["resource"], lab.network.resource.as_str());
}

/// Clauses AS-META-02 to AS-META-08: the document that is served fits the profile, as a client sees it
/// that demands all of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_document_fits_the_profile() {
    let lab = Lab::start().await;
    let app = lab.app();
    let served = metadata(&app).await;
    let document: AuthorizationServerMetadata = serde_json::from_value(served.clone()).unwrap();
    assert_eq!(document.departures(&lab.network.issuer), []);
    assert_eq!(served["issuer"], app.origin.as_str());
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "pushed_authorization_request_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ] {
        let url = served[endpoint].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/", app.origin)), "{endpoint}");
    }
    for (member, value) in [
        ("response_types_supported", json!(["code"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["none", "private_key_jwt"]),
        ),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(["ES256"]),
        ),
        ("dpop_signing_alg_values_supported", json!(["ES256"])),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        ("require_pushed_authorization_requests", json!(true)),
        ("client_id_metadata_document_supported", json!(true)),
    ] {
        assert_eq!(served[member], value, "{member}");
    }
    let scopes = served["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("atproto")));
}

/// Clause AS-META-10: each value that is published does what it says.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_true() {
    let lab = Lab::start().await;
    let app = lab.app();
    let metadata = metadata(&app).await;
    let values = |member: &str| -> Vec<String> {
        let list = metadata[member].as_array().unwrap().iter();
        list.map(|value| value.as_str().unwrap().to_owned())
            .collect()
    };
    let accepts = async |name: &str, value: &str| {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let challenge = verifier.challenge().to_string();
        let state = format!("state-{challenge}");
        let mut pairs = app.request(&state, &challenge);
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
        app.post("/oauth/par", &pairs).await.status == StatusCode::CREATED
    };
    for (member, parameter, other) in [
        ("response_modes_supported", "response_mode", "web_message"),
        ("prompt_values_supported", "prompt", "create"),
        ("display_values_supported", "display", "hologram"),
        ("response_types_supported", "response_type", "token"),
        (
            "code_challenge_methods_supported",
            "code_challenge_method",
            "plain",
        ),
    ] {
        for value in values(member) {
            assert!(accepts(parameter, &value).await, "{member}: {value}");
        }
        assert!(!values(member).contains(&other.to_owned()));
        assert!(!accepts(parameter, other).await, "{parameter}={other}");
    }
    // Languages: tests/languages.rs.
    // Algorithms: every proof of these tests is signed with the one that is published.
    assert_eq!(values("dpop_signing_alg_values_supported"), ["ES256"]);
    assert_eq!(metadata["request_parameter_supported"], false);
    assert!(!accepts("request", "e30.e30.").await);
}

/// Clause AS-META-13.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_and_paths() {
    let lab = Lab::start().await;
    let app = lab.app();
    for (method, path, allow) in [
        (Method::GET, "/oauth/par", "POST"),
        (Method::GET, "/oauth/token", "POST"),
        (Method::PUT, "/oauth/token", "POST"),
        (Method::GET, "/oauth/revoke", "POST"),
        (Method::POST, "/oauth/jwks", "GET,HEAD"),
        (Method::DELETE, METADATA, "GET,HEAD"),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", app.origin))
            .body(bytes::Bytes::new());
        let answer = app.send(request.unwrap()).await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        assert!(answer.body.len() < 200);
    }
    let answer = get(&app, "/nothing/here").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.len() < 200);
}

/// Clauses AS-PAR-01, AS-PAR-04, AS-PAR-15.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_pushed_request() {
    let lab = Lab::start().await;
    let app = lab.app();
    let challenge = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    let mut pairs = app.request("state", &challenge);
    let unproven = app.form_request("/oauth/par", &form(&pairs), None);
    assert_eq!(app.send(unproven).await.error(), "invalid_dpop_proof");

    let answer = app.post("/oauth/par", &pairs).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("dpop-nonce").is_empty());
    let body = answer.json();
    assert_eq!(body["expires_in"], 300);
    let reference = body["request_uri"].as_str().unwrap();
    let reference = reference.rsplit(':').next().unwrap();
    let random = data_encoding::BASE64URL_NOPAD.decode(reference.as_bytes());
    assert!(random.unwrap().len() >= 16, "128 bits");

    let own = app.key.thumbprint().to_string();
    let other = lab.app().key.thumbprint().to_string();
    pairs.push(("dpop_jkt", &own));
    assert_eq!(
        app.post("/oauth/par", &pairs).await.status,
        StatusCode::CREATED
    );
    pairs.pop();
    pairs.push(("dpop_jkt", &other));
    assert_eq!(
        app.post("/oauth/par", &pairs).await.error(),
        "invalid_request"
    );
}

/// Clauses AS-TOK-06, AS-TOK-07, AS-TOK-08.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_token_endpoint() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let payload = tokens.access.split('.').nth(1).unwrap();
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes());
    let claims: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!(claims["cnf"]["jkt"], app.key.thumbprint().to_string());
    assert_eq!(claims["client_id"], app.client_id);
    assert_eq!(claims["sub"], lab.network.accounts[0].did.as_str());
    assert!(claims["aud"].as_str().unwrap().starts_with("did:web:"));
    assert_eq!(claims["iss"], lab.network.issuer.as_str());

    let client = ("client_id", app.client_id.as_str());
    for (pairs, error) in [
        (vec![client], "invalid_request"),
        (
            vec![client, ("grant_type", "password")],
            "unsupported_grant_type",
        ),
        (
            vec![client, ("grant_type", "refresh_token")],
            "invalid_request",
        ),
        (
            vec![
                ("client_id", "https://nowhere.example.com:1/c"),
                ("grant_type", "refresh_token"),
                ("refresh_token", "x"),
            ],
            "invalid_client",
        ),
    ] {
        let answer = app.post("/oauth/token", &pairs).await;
        assert_eq!(answer.error(), error, "{pairs:?}");
    }
    let body = form(&[
        client,
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
    ]);
    let unproven = app
        .send(app.form_request("/oauth/token", &body, None))
        .await;
    assert_eq!(unproven.status, StatusCode::BAD_REQUEST);
    assert_eq!(unproven.error(), "invalid_dpop_proof");
    // A nonce of long ago.
    let stale = app.proof("POST", "/oauth/token", None);
    lab.clock.advance(600);
    let stale = app
        .send(app.form_request("/oauth/token", &body, Some(&stale)))
        .await;
    assert_eq!(stale.error(), "use_dpop_nonce");
    assert!(!stale.header("dpop-nonce").is_empty());
}

/// Clauses AS-TOK-09, AS-REF-11: an account that was disabled since.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let verifier = CodeVerifier::generate(&SystemRandom);
    let browser = Browser::new(&app);
    let request_uri = app.push(&verifier, &[]).await;
    let signed_in = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    let consent = browser.get(signed_in.header("location")).await;
    let code = code_of(
        &browser
            .decide(&app, &request_uri, &consent, "authorize")
            .await,
    );

    let database = rusqlite::Connection::open(lab.folder.path().join("atpass.sqlite")).unwrap();
    database
        .execute("UPDATE accounts SET active = 0", [])
        .unwrap();
    let answer = app.exchange(&code, &verifier).await;
    assert_eq!(answer.error(), "invalid_grant", "{}", answer.text());
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!(answer.error(), "invalid_grant", "{}", answer.text());
}

/// Clause RS-DPOP-03: at the resource, no nonce or a stale one is a challenge that brings the next.
#[tokio::test(flavor = "multi_thread")]
async fn nonces_at_the_resource() {
    let lab = Lab::start().await;
    let mut app = lab.app();
    let tokens = app.login().await;
    let path = "/xrpc/com.atproto.server.getSession";
    let call = async |app: &App, proof: String| {
        let request = Request::get(format!("{}{path}", app.origin))
            .header("authorization", format!("DPoP {}", tokens.access))
            .header("dpop", proof);
        app.send(request.body(bytes::Bytes::new()).unwrap()).await
    };
    let mut fresh = app.other_key();
    fresh.key =
        atpass_protocol::jose::PrivateKey::from_pkcs8(&app.key.to_pkcs8().unwrap()).unwrap();
    let without = fresh.proof("GET", path, Some(&tokens.access));
    let stale = app.proof("GET", path, Some(&tokens.access));
    lab.clock.advance(600);
    app.now = lab.clock.now();
    fresh.now = app.now;
    for proof in [without, stale] {
        let answer = call(&app, proof).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("DPoP "), "{challenge}");
        assert!(
            challenge.contains(r#"error="use_dpop_nonce""#),
            "{challenge}"
        );
        assert!(!answer.header("dpop-nonce").is_empty());
    }
    let answer = call(&app, app.proof("GET", path, Some(&tokens.access))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

/// A body that doesn't come holds its connection for half a minute, and no longer.
#[tokio::test]
async fn a_body_that_does_not_come() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let lab = Lab::start().await;
    let address = lab.network.issuer.as_str().replace("http://", "");
    let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 100";
    let half = format!("POST /oauth/par HTTP/1.1\r\nhost: {address}\r\n{head}\r\n\r\nclient_id=");
    connection.write_all(half.as_bytes()).await.unwrap();
    let begun = tokio::time::Instant::now();
    tokio::time::pause();
    let mut answer = [0; 64];
    connection.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408 "));
    assert!(begun.elapsed().as_secs() <= 31);
}
