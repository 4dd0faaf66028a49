//! Answers that aren't what was asked for: pages of proxies, and too much of anything.

use atpass_client::{ClientError, Endpoint};
use atpass_fetch::Stage;
use serde_json::json;

use crate::app::App;
use crate::fake::{Canned, Fake, Nonces};

fn is_too_large(error: &ClientError) -> bool {
    matches!(error, ClientError::Fetch { error, .. } if matches!(error.stage, Stage::TooLarge { .. }))
}

/// Web pages with any status, at each step: an error that names the endpoint, and nothing of the page.
#[tokio::test]
async fn web_pages() {
    let first = App::start().await;
    for status in [200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 502, 503] {
        let what = format!("a page with {status}");
        let page = || [Canned::html(status).header("location", "https://evil.example.com/")];
        let app = first.anew().await;
        app.fake.next("par", page());
        let error = app.refused_at_once("alice.test", &what).await;
        let transient = status >= 500 || status == 429;
        assert_eq!(error.is_transient(), transient, "{what}: {error}");
        assert!(!error.to_string().contains("Hold on"), "{error}");

        let app = first.anew().await;
        app.fake.next("token", page());
        let error = app.refused("alice.test", &what).await;
        match &error {
            ClientError::Refused { endpoint, .. } | ClientError::Unreadable { endpoint, .. } => {
                assert_eq!(*endpoint, Endpoint::Token);
            }
            other => panic!("{what}: {other}"),
        }
        // A page in place of the answer is of a proxy whose server is away.
        let transient = transient || status == 200;
        assert_eq!(error.is_transient(), transient, "{what}: {error}");
        assert!(!error.to_string().contains("Hold on"), "{error}");
    }
}

/// The same at a refresh: never the end of the session, whose next refresh works.
#[tokio::test]
async fn web_pages_at_a_refresh() {
    let app = App::start().await;
    let session = app.session().await;
    for status in [302, 400, 401, 403, 404, 429, 503] {
        app.fake.next("token", vec![Canned::html(status); 2]);
        let error = session.refresh().await.unwrap_err();
        assert!(!error.needs_login(), "{status}: {error}");
        app.fake.next("token", []);
    }
    // Of these nobody knows whether the token was exchanged: it is sent again at once, and that is enough.
    for canned in [Canned::html(200), Canned::html(502), Canned::huge(200)] {
        app.fake.next("token", [canned]);
        session.refresh().await.unwrap();
    }
    assert_eq!(app.client.sessions().await.unwrap().len(), 1);
}

/// Clause C-NET-01: answers beyond all measure, at each step.
#[tokio::test]
async fn huge_answers() {
    let first = App::start().await;
    for status in [200, 201, 400] {
        let what = format!("a huge answer with {status}");
        let app = first.anew().await;
        app.fake.next("par", [Canned::huge(status)]);
        let error = app.refused_at_once("alice.test", &what).await;
        assert!(is_too_large(&error), "{what}: {error}");

        let app = first.anew().await;
        app.fake.next("token", [Canned::huge(status)]);
        let error = app.refused("alice.test", &what).await;
        assert!(is_too_large(&error), "{what}: {error}");
    }
    let app = App::start().await;
    app.fake.next("metadata", [Canned::huge(200)]);
    let error = app.refused_at_once("alice.test", "huge metadata").await;
    assert!(matches!(error, ClientError::Identity(_)), "{error}");
    assert_eq!(app.fake.count("par"), 0);

    let session = App::start().await;
    let (session, app) = (session.session().await, session);
    app.fake.next("token", vec![Canned::huge(400); 2]);
    let error = session.refresh().await.unwrap_err();
    assert!(is_too_large(&error) && !error.needs_login(), "{error}");
    app.fake.next("revoke", [Canned::huge(200)]);
    let error = session.logout().await.unwrap_err();
    assert!(is_too_large(&error), "{error}");
    assert!(app.client.sessions().await.unwrap().is_empty());
}

/// Redirects are answers, and lead nowhere.
#[tokio::test]
async fn redirects() {
    let first = App::start().await;
    let elsewhere = Fake::start().await;
    elsewhere.set(|script| script.nonces = Nonces::None);
    for status in [301, 302, 303, 307, 308] {
        let to = |path: &str| {
            let canned = Canned::json(status, &json!({}));
            [canned.header("location", elsewhere.origin.at(path))]
        };
        let app = first.anew().await;
        app.fake.next("par", to("/oauth/par"));
        app.refused_at_once("alice.test", "redirected").await;
        let app = first.anew().await;
        app.fake.next("token", to("/oauth/token"));
        app.refused("alice.test", "redirected").await;
        let session = app.session().await;
        app.fake.next("call", to("/xrpc/x"));
        assert_eq!(session.get("/xrpc/x").await.unwrap().status(), status);
    }
    assert!(elsewhere.all_seen().is_empty());
}

/// What a pushed request may be answered with that isn't an answer to it.
#[tokio::test]
async fn pushed_requests() {
    let first = App::start().await;
    let body = json!({ "request_uri": "urn:x", "expires_in": 60 });
    for canned in [
        Canned::json(200, &body),
        Canned::json(202, &body),
        Canned::json(201, &json!({ "expires_in": 60 })),
        Canned::json(201, &json!({ "request_uri": 7, "expires_in": 60 })),
        Canned::json(201, &json!([body])),
        Canned::json(201, &json!(null)),
        Canned::error(400, "invalid_request"),
        Canned::error(201, "invalid_request"),
    ] {
        let what = format!("{canned:?}");
        let app = first.anew().await;
        app.fake.next("par", [canned]);
        let error = app.refused_at_once("alice.test", &what).await;
        assert!(!error.is_transient(), "{what}: {error}");
    }
}

/// What a server says of a refusal ends up in logs and on terminals: it steers none, and fills none.
#[tokio::test]
async fn texts_of_refusals() {
    let app = App::start().await;
    let session = app.session().await;
    for (error, description) in [
        ("x\u{1b}[31m", "\u{1b}[2J\nfake line\u{202e}".to_owned()),
        ("an_error", "y".repeat(100_000)),
        (&"z".repeat(100_000), String::new()),
    ] {
        let refusal = json!({ "error": error, "error_description": description });
        let canned = || [Canned::json(400, &refusal)];
        app.fake.next("par", canned());
        let begun = app.client.login("alice.test").await.unwrap_err();
        app.fake.next("token", canned());
        let refreshed = session.refresh().await.unwrap_err();
        for error in [begun, refreshed] {
            let text = error.to_string();
            assert!(text.chars().count() < 600, "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(!text.contains('\u{202e}'), "{text:?}");
        }
    }
    // The codes mean what they mean, whatever stands beside them; so the session is over.
    let end = json!({ "error": "invalid_grant", "error_description": "\u{1b}[2J" });
    app.fake.next("token", [Canned::json(400, &end)]);
    let error = session.refresh().await.unwrap_err();
    assert!(error.needs_login(), "{error}");
    assert!(error.to_string().ends_with("?[2J"), "{error:?}");
}
