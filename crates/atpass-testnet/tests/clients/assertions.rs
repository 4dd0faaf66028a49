//! How a confidential client proves who it is, at each endpoint (clauses AS-AUTHN-01 to AS-AUTHN-07,
//! AS-AUTHN-10, AS-AUTHN-12).

use std::sync::Arc;

use atpass_protocol::client_assertion::ASSERTION_TYPE;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::Clock;
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{Answer, App, Lab, Signer, form};
use crate::site::{CLIENT_ID, World, confidential, public, serves};

fn header(signer: &Signer) -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": signer.kid})
}

fn claims(app: &App) -> Value {
    let now = app.now.as_secs();
    let jti = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    json!({"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": app.origin, "jti": jti, "iat": now, "exp": now + 60})
}

/// Pushes a good request with this assertion, or none.
async fn push_with(app: &App, assertion: &[(&str, &str)]) -> Answer {
    let challenge = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    let state = format!("state-{challenge}");
    let mut pairs = app.request(&state, &challenge);
    pairs.extend_from_slice(assertion);
    let mut answer = app
        .send(app.form_request(
            "/oauth/par",
            &form(&pairs),
            Some(&app.proof("POST", "/oauth/par", None)),
        ))
        .await;
    if answer.error() == "use_dpop_nonce" {
        answer = app
            .send(app.form_request(
                "/oauth/par",
                &form(&pairs),
                Some(&app.proof("POST", "/oauth/par", None)),
            ))
            .await;
    }
    answer
}

fn jwt(text: &str) -> [(&'static str, &str); 2] {
    [
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", text),
    ]
}

/// Each claim and header that is wrong, through HTTP. Nothing of it is written.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn assertions_that_do_not_hold() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let app = world.app(None);
    let good = |app: &App| {
        signer
            .key
            .sign_compact(&header(&signer), &claims(app))
            .unwrap()
    };
    let first = push_with(&app, &jwt(&good(&app))).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let rows = world.lab.rows();
    let without_seen = |rows: Vec<(String, i64)>| -> Vec<(String, i64)> {
        rows.into_iter()
            .filter(|(name, _)| name != "seen")
            .collect()
    };

    let now = app.now.as_secs();
    let changed = |member: &str, value: Value| {
        let mut claims = claims(&app);
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(member);
        } else {
            claims[member] = value;
        }
        signer.key.sign_compact(&header(&signer), &claims).unwrap()
    };
    let headed = |member: &str, value: Value| {
        let mut header = header(&signer);
        header[member] = value;
        signer.key.sign_compact(&header, &claims(&app)).unwrap()
    };
    let stranger = PrivateKey::generate().unwrap();
    let none = {
        let text = good(&app);
        let parts: Vec<_> = text.split('.').collect();
        format!(
            "{}.{}.",
            data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none","kid":"k1"}"#),
            parts[1]
        )
    };
    let issuer = app.origin.clone();
    let bad = [
        (
            "AS-AUTHN-02",
            changed("iss", json!("https://evil.example.com/c.json")),
        ),
        (
            "AS-AUTHN-02",
            changed("sub", json!("https://evil.example.com/c.json")),
        ),
        ("AS-AUTHN-02", changed("iss", Value::Null)),
        (
            "AS-AUTHN-02",
            changed("aud", json!(format!("{issuer}/oauth/token"))),
        ),
        ("AS-AUTHN-02", changed("aud", json!(format!("{issuer}/")))),
        (
            "AS-AUTHN-02",
            changed("aud", json!([issuer, "https://evil.example.com"])),
        ),
        ("AS-AUTHN-02", changed("aud", Value::Null)),
        ("AS-AUTHN-03", changed("iat", Value::Null)),
        ("AS-AUTHN-03", changed("iat", json!(now - 600))),
        ("AS-AUTHN-03", changed("iat", json!(now + 600))),
        ("AS-AUTHN-03", changed("iat", json!(1e300))),
        ("AS-AUTHN-04", changed("exp", Value::Null)),
        ("AS-AUTHN-04", changed("exp", json!(now - 1))),
        ("AS-AUTHN-04", changed("exp", json!(now + 86_400))),
        ("AS-AUTHN-05", changed("jti", Value::Null)),
        ("AS-AUTHN-05", changed("jti", json!("x".repeat(1000)))),
        ("AS-AUTHN-06", headed("alg", json!("none"))),
        ("AS-AUTHN-06", headed("alg", json!("HS256"))),
        ("AS-AUTHN-06", headed("alg", json!("ES256K"))),
        ("AS-AUTHN-06", headed("kid", json!("k2"))),
        ("AS-AUTHN-06", headed("kid", Value::Null)),
        ("AS-AUTHN-06", headed("crit", json!(["b64"]))),
        ("AS-AUTHN-06", headed("typ", json!("dpop+jwt"))),
        ("AS-AUTHN-06", none),
        (
            "AS-AUTHN-06",
            stranger
                .sign_compact(&header(&signer), &claims(&app))
                .unwrap(),
        ),
        ("AS-AUTHN-06", "no.jwt".to_owned()),
        (
            "AS-AUTHN-10",
            changed("cnf", json!({"jkt": stranger.thumbprint()})),
        ),
    ];
    for (clause, assertion) in bad {
        let answer = push_with(&app, &jwt(&assertion)).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{clause}: {}",
            answer.text()
        );
        assert_eq!(
            answer.error(),
            "invalid_client",
            "{clause}: {}",
            answer.text()
        );
        println!(
            "{clause}  {}",
            answer.json()["error_description"].as_str().unwrap()
        );
    }
    for parameters in [
        vec![],
        vec![("client_assertion_type", ASSERTION_TYPE)],
        vec![("client_assertion", "x")],
        vec![
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
            ),
            ("client_assertion", "x"),
        ],
        vec![("client_secret", "secret")],
    ] {
        let answer = push_with(&app, &parameters).await;
        assert_eq!(
            answer.error(),
            "invalid_client",
            "AS-AUTHN-01 {parameters:?}"
        );
    }
    assert_eq!(
        without_seen(world.lab.rows()),
        without_seen(rows),
        "nothing of it was written"
    );

    // Up to a minute old, by a clock that is a little ahead, and bound to the proof's own key.
    for good in [
        changed("iat", json!(now - 60)),
        changed("iat", json!(now + 15)),
        changed("aud", json!([issuer])),
        changed("cnf", json!({"jkt": app.key.thumbprint()})),
    ] {
        let answer = push_with(&app, &jwt(&good)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
}

/// Clause AS-AUTHN-05: once, at whatever endpoint, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_counts_once() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let app = world.app(None);
    let assertion = signer
        .key
        .sign_compact(&header(&signer), &claims(&app))
        .unwrap();
    assert_eq!(
        push_with(&app, &jwt(&assertion)).await.status,
        StatusCode::CREATED
    );
    let again = push_with(&app, &jwt(&assertion)).await;
    assert_eq!(again.error(), "invalid_client");
    let other_endpoint = form(&[
        ("token", "x"),
        ("client_id", CLIENT_ID),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ]);
    let answer = app
        .send(app.form_request("/oauth/revoke", &other_endpoint, None))
        .await;
    assert_eq!(answer.error(), "invalid_client", "{}", answer.text());

    let World { lab, internet, .. } = world;
    let Lab {
        network,
        folder,
        clock,
        ..
    } = lab;
    let now = clock.now();
    network.stop().await;
    let lab = Lab::start_with(folder, |config| {
        config.fetch = internet.fetch_config();
        config.clock = Arc::new(clock);
    })
    .await;
    let mut app = lab.app();
    app.now = now;
    app.client_id = CLIENT_ID.into();
    app.redirect_uri = crate::site::CALLBACK.into();
    // Its issuer has another port now, so this assertion is for another server in any case; the
    // memory itself is what is looked at.
    assert_eq!(
        push_with(&app, &jwt(&assertion)).await.error(),
        "invalid_client"
    );
    let seen = lab
        .rows()
        .into_iter()
        .find(|(name, _)| name == "seen")
        .unwrap();
    assert_eq!(seen.1, 1);
}

/// Clause AS-AUTHN-05: for one request, also where that is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_uses_its_assertion_up() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let mut app = world.app(None);
    let assertion = signer
        .key
        .sign_compact(&header(&signer), &claims(&app))
        .unwrap();
    let declared = std::mem::replace(&mut app.redirect_uri, "https://other.example/cb".into());
    let refused = push_with(&app, &jwt(&assertion)).await;
    assert_eq!(refused.error(), "invalid_request", "{}", refused.text());
    app.redirect_uri = declared;
    let again = push_with(&app, &jwt(&assertion)).await;
    assert_eq!(again.error(), "invalid_client", "{}", again.text());
}

/// Clause AS-AUTHN-07: at PAR, token, refresh and revocation; and for public clients nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_wants_it() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let app = world.app(Some(&signer));
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = app
        .code(&crate::common::Browser::new(&app), &verifier)
        .await;
    let mut silent = world.app(None);
    silent.key = app.key;
    let refused = silent.exchange(&code, &verifier).await;
    assert_eq!(refused.error(), "invalid_client", "{}", refused.text());
    let mut app = silent;
    app.signer = Some(signer.clone());
    let tokens = crate::common::Tokens::of(&app.exchange(&code, &verifier).await);

    app.signer = None;
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_client");
    let pairs = [("client_id", CLIENT_ID), ("token", tokens.refresh.as_str())];
    let revoked = app.post("/oauth/revoke", &pairs).await;
    assert_eq!(
        revoked.error(),
        "invalid_client",
        "clause AS-REV-03: never a silent 200"
    );
    app.signer = Some(signer.clone());
    let tokens = crate::common::Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(
        app.post(
            "/oauth/revoke",
            &[("client_id", CLIENT_ID), ("token", tokens.refresh.as_str())]
        )
        .await
        .status,
        StatusCode::OK
    );
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");

    let world = World::start(serves(public())).await;
    let app = world.app(Some(&signer));
    let answer = push_with(&app, &jwt(&app.assertion(&signer))).await;
    assert_eq!(
        answer.error(),
        "invalid_client",
        "a public client has none to send"
    );
}

/// Clause AS-AUTHN-12: the key of the session must not be the client's own.
#[tokio::test(flavor = "multi_thread")]
async fn one_key_for_one_purpose() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let mut app = world.app(Some(&signer));
    let pkcs8 = signer.key.to_pkcs8().unwrap();
    app.key = PrivateKey::from_pkcs8(&pkcs8).unwrap();
    let answer = push_with(&app, &jwt(&app.assertion(&signer))).await;
    assert_eq!(answer.error(), "invalid_request", "{}", answer.text());
}

/// Keys at a URL of their own.
#[tokio::test(flavor = "multi_thread")]
async fn keys_at_a_url() {
    let signer = Signer::new("k1");
    let mut document = confidential(&[]);
    document.as_object_mut().unwrap().remove("jwks");
    document["jwks_uri"] = "https://keys.example.net/jwks.json".into();
    let keys = json!({"keys": [signer.jwk()]});
    let documents = vec![("/client.json", document.clone()), ("/jwks.json", keys)];
    let world = World::start(crate::site::Mood::Serves(documents, None)).await;
    let app = world.app(Some(&signer));
    app.login().await;
    world.set(serves(document));
    let world = World::start(serves(confidential(&[&signer]))).await;
    assert_eq!(
        push_with(&world.app(None), &jwt("x")).await.error(),
        "invalid_client"
    );
}
