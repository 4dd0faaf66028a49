use http::Method;
use serde_json::{Value, json};

use super::*;

fn create(collection: &str) -> (Method, &'static str, Option<Value>) {
    let body = json!({ "repo": "alice.test", "collection": collection, "record": { "$type": collection } });
    (
        Method::POST,
        "/xrpc/com.atproto.repo.createRecord",
        Some(body),
    )
}

fn delete(collection: &str) -> (Method, &'static str, Option<Value>) {
    let body = json!({ "repo": "alice.test", "collection": collection, "rkey": "x" });
    (
        Method::POST,
        "/xrpc/com.atproto.repo.deleteRecord",
        Some(body),
    )
}

/// What is missing by the challenge, or nothing where the call went through.
async fn missing(app: &App, token: &str, call: (Method, &str, Option<Value>)) -> Option<String> {
    let answer = app.call(call.0, call.1, token, call.2.as_ref()).await;
    if answer.status == StatusCode::OK {
        return None;
    }
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    assert_eq!(answer.error(), "insufficient_scope");
    let challenge = answer.header("www-authenticate");
    let scope = challenge.split("scope=\"").nth(1).unwrap();
    Some(scope.split('"').next().unwrap().to_owned())
}

/// Clauses SC-REPO-01, SC-RPC-01, SC-ACC-01, SC-ALG-02, RS-SCOPE-01, RS-ERR-01: what was granted is in
/// the answer, works at the resource, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn granted_is_what_works() {
    let lab = Lab::start().await;
    let scope =
        format!("atproto repo:app.example.post?action=create rpc:app.example.getFeed?aud={API}");
    let app = app_declaring(
        &lab,
        "atproto repo:* account:email rpc?lxm=app.example.getFeed&lxm=app.example.getLikes&aud=*",
    );
    let answer = log_in(&app, &scope).await;
    assert_eq!(answer.json()["scope"], scope, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let missing = async |call| missing(&app, &token, call).await;

    assert_eq!(missing(create("app.example.post")).await, None);
    let other = missing(create("app.example.like")).await;
    assert_eq!(
        other.as_deref(),
        Some("repo:app.example.like?action=create")
    );
    let other = missing(delete("app.example.post")).await;
    assert_eq!(
        other.as_deref(),
        Some("repo:app.example.post?action=delete")
    );

    let service = |query: String| {
        app.call(
            Method::GET,
            Box::leak(format!("/xrpc/com.atproto.server.getServiceAuth?{query}").into_boxed_str()),
            &token,
            None,
        )
    };
    let answer = service(format!("aud={API}&lxm=app.example.getFeed")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    for query in [
        format!("aud={API}&lxm=app.example.getLikes"),
        "aud=did:web:api.example.com&lxm=app.example.getFeed".to_owned(),
        "aud=did:web:api.example.com%23svc_chat&lxm=app.example.getFeed".to_owned(),
        format!("aud={API}"),
    ] {
        let answer = service(query.clone()).await;
        assert_eq!(answer.error(), "insufficient_scope", "{query}");
    }
    let bad = service(format!("aud={API}&lxm=feed")).await;
    assert_eq!(
        (bad.status, bad.error().as_str()),
        (StatusCode::BAD_REQUEST, "invalid_request")
    );

    let session = app.get_session(&token).await.json();
    assert_eq!(session["handle"], "alice.test");
    assert!(
        session["email"].is_null(),
        "clause SC-TRN-03: no scope, no address"
    );
    let with_email = log_in(&app, "atproto account:email").await;
    let token = with_email.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(app.get_session(&token).await.json()["email"].is_string());
}

/// Clauses AS-PAR-11, SC-ALG-01, SC-SYN-02: a request is held against what the app declared by its
/// meaning, and what means nothing is refused with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn within_what_was_declared() {
    let lab = Lab::start().await;
    for (declared, requested, expected) in [
        ("repo:*", "repo:app.example.post?action=create", ""),
        (
            "repo:*?action=create",
            "repo:app.example.post",
            "goes beyond",
        ),
        ("transition:generic", "repo:app.example.post blob:*/*", ""),
        (
            "transition:generic repo:*",
            "transition:generic repo:app.example.post account:email",
            "goes beyond",
        ),
        (
            "transition:generic account:email",
            "transition:generic repo:app.example.post account:email",
            "",
        ),
        ("repo:*", "transition:generic", "goes beyond"),
        ("blob:*/*", "blob:image/png", ""),
        ("blob:image/*", "blob:video/mp4", "goes beyond"),
        ("account:email?action=manage", "account:email", ""),
        ("identity:handle", "identity:*", "goes beyond"),
        ("repo:*", "repo:app.example.*", "there is no app.example.*"),
        (
            "repo:*",
            "repo:app.example.post?rkey=self",
            "the parameter rkey is not known",
        ),
        ("repo:*", "unheard:of", "is not known"),
        ("repo:* unheard:of", "repo:*", ""),
        (
            "space:app.example.forum",
            "space:app.example.forum",
            "experiment",
        ),
        (
            "include:app.example.authFull",
            "include:app.example.authFull",
            "can't be resolved",
        ),
    ] {
        let app = app_declaring(&lab, &format!("atproto {declared}"));
        let challenge = CodeVerifier::generate(&SystemRandom)
            .challenge()
            .to_string();
        let mut request = app.request(&challenge, &challenge);
        request.retain(|(name, _)| *name != "scope");
        let scope = format!("atproto {requested}");
        request.push(("scope", &scope));
        let answer = app.post("/oauth/par", &request).await;
        if expected.is_empty() {
            assert_eq!(
                answer.status,
                StatusCode::CREATED,
                "{requested} of {declared}: {}",
                answer.text()
            );
        } else {
            assert_eq!(answer.error(), "invalid_scope", "{requested} of {declared}");
            let text = answer.json()["error_description"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(text.contains(expected), "{requested} of {declared}: {text}");
        }
    }
}

/// Clause SC-SPACE-01: an experiment that an operator may switch on.
#[tokio::test(flavor = "multi_thread")]
async fn spaces_are_off_by_default() {
    let lab = Lab::configured(|config| config.experimental_spaces = true).await;
    let scope = "atproto space:app.example.forum?action=read";
    let app = app_declaring(&lab, "atproto space:app.example.forum");
    assert_eq!(log_in(&app, scope).await.json()["scope"], scope);
}

/// Clause AS-REF-08: a refresh may ask for less, by meaning, and the session keeps its grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_narrower_refresh() {
    let lab = Lab::start().await;
    let scope = "atproto repo:*";
    let app = app_declaring(&lab, scope);
    let mut token = log_in(&app, scope).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for (asked, expected) in [
        (
            Some("atproto repo:app.example.post?action=create"),
            Ok("atproto repo:app.example.post?action=create"),
        ),
        (Some("atproto blob:*/*"), Err("invalid_scope")),
        (Some("atproto openid"), Err("invalid_scope")),
        (None, Ok(scope)),
    ] {
        let mut pairs = vec![
            ("grant_type", "refresh_token"),
            ("client_id", app.client_id.as_str()),
            ("refresh_token", &token),
        ];
        pairs.extend(asked.map(|asked| ("scope", asked)));
        let answer = app.post("/oauth/token", &pairs).await;
        let got = answer.json();
        match expected {
            Ok(expected) => {
                assert_eq!(got["scope"], expected);
                token = got["refresh_token"].as_str().unwrap().to_owned();
            }
            Err(code) => assert_eq!(answer.error(), code),
        }
    }
}
