//! Where browsers may be sent.

use http::StatusCode;
use serde_json::json;

use crate::common::{Browser, Lab, form};
use crate::push;
use crate::site::{World, public, serves, with};
use crate::web::assert_unusable;

/// Clauses AS-CLI-10, AS-CLI-11, AS-CLI-12, AS-CLI-13: no client can declare that browsers go to a script,
/// to somebody else's scheme, or, if it is no web client, to a web site that isn't its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_declare() {
    let world = World::start(serves(public())).await;
    let mut app = world.app(None);
    for (kind, uri) in [
        ("native", "https://other.example.com/callback"),
        ("native", "https://app.example.com:8443/callback"),
        (
            "native",
            "https://app.example.com.evil.example.net/callback",
        ),
        ("native", "com.example.other:/callback"),
        ("native", "com.example:/callback"),
        ("native", "com.example.app://callback"),
        ("native", "com.example.app:callback"),
        ("native", "myapp:/callback"),
        ("native", "javascript:alert(1)"),
        ("native", "javascript://app.example.com/%0aalert(1)"),
        ("native", "data:text/html,x"),
        ("native", "file:///callback"),
        ("native", "http://localhost/callback"),
        ("native", "http://10.0.0.1/callback"),
        ("native", "http://127.0.0.1.example.com/callback"),
        ("web", "http://127.0.0.1/callback"),
        ("web", "http://app.example.com/callback"),
        ("web", "com.example.app:/callback"),
        ("web", "https://app.example.com/callback#x"),
        ("web", "https://x@app.example.com/callback"),
        ("web", "https://localhost/callback"),
        ("web", "/callback"),
    ] {
        let document = with(public(), "application_type", kind.into());
        // A good one beside it doesn't help.
        let uris = json!(["https://app.example.com/callback", uri]);
        world.set(serves(with(document, "redirect_uris", uris)));
        world.pass(&mut app, 601);
        assert_unusable(&push(&app, &[]).await, "redirect", uri);
    }
}

/// Clauses AS-CLI-13, AS-CLI-15: a redirect URI is compared whole; only the port of a loopback address is
/// free.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_declared() {
    let declared = [
        "http://127.0.0.1/callback",
        "com.example.app:/callback",
        "https://app.example.com/callback",
    ];
    let document = with(public(), "application_type", "native".into());
    let world = World::start(serves(with(document, "redirect_uris", json!(declared)))).await;
    let app = world.app(None);
    for good in declared
        .into_iter()
        .chain(["http://127.0.0.1:5000/callback"])
    {
        let answer = push(&app, &[("redirect_uri", good)]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    for bad in [
        "http://127.0.0.1/",
        "http://127.0.0.1/callback/",
        "http://127.0.0.1/callback/more",
        "http://127.0.0.1/callback?x=1",
        "http://127.0.0.1/Callback",
        "http://[::1]/callback",
        "http://localhost/callback",
        "http://127.0.0.2/callback",
        "https://127.0.0.1/callback",
        "com.example.app:/callback/more",
        "com.example.app:/",
        "https://app.example.com/callback/more",
        "https://app.example.com/callback?x=1",
        "https://app.example.com:8443/callback",
        "https://app.example.com.evil.example.net/callback",
        "https://app.example.com@evil.example.net/callback",
        "https://evil.example.net/?https://app.example.com/callback",
        "javascript:alert(1)",
    ] {
        let answer = push(&app, &[("redirect_uri", bad)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(answer.error(), "invalid_request", "{bad}");
    }
}

/// Clauses AS-AUTHZ-01, AS-AUTHZ-02, AS-META-13: nothing here sends a browser away on a stranger's word,
/// and there are no further endpoints that nobody guards.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_redirects_at_request() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let request_uri = app.push(&crate::verifier(), &[]).await;
    let away = "https://evil.example.com/";
    let names = [
        "redirect_uri",
        "redirect",
        "return_to",
        "next",
        "url",
        "continue",
    ];
    let mut query: Vec<_> = names.into_iter().map(|name| (name, away)).collect();
    query.push(("client_id", &app.client_id));
    query.push(("request_uri", &request_uri));
    let query = form(&query);
    for path in [
        "/oauth/authorize/redirect",
        "/oauth/authorize",
        "/oauth/authorize/sign-in",
        "/oauth/authorize/decide",
        "/oauth/callback",
        "/oauth/logout",
        "/account",
        "/account/sign-out",
        "/",
    ] {
        let answer = browser.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.header("location"), "", "{path}");
        assert!(!answer.text().contains("evil.example.com"), "{path}");
    }
    let tokens = app.login().await;
    for path in ["/oauth/introspect", "/oauth/register", "/oauth/userinfo"] {
        let pairs = [("token", tokens.access.as_str())];
        let answer = app.post(path, &pairs).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}
