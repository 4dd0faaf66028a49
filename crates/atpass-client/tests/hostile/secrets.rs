//! Where secrets must not be seen.

use std::io::Write;
use std::sync::{Arc, Mutex};

use atpass_client::{ClientConfig, ClientKeyset};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use bytes::Bytes;
use http::Request;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::app::App;
use crate::fake::{BOB, Canned, Nonces};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A whole life with every kind of trouble, at the most talkative level: neither the log, nor any error,
/// nor the `Debug` of anything has a token, a code, a verifier, a key or the session's name.
#[tokio::test]
async fn nothing_is_printed() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let mut printed = Vec::new();

    let keys = ClientKeyset::generate().unwrap();
    let stored = keys.to_secret().unwrap();
    let (id, callback) = (
        "https://app.example.com/c.json",
        "https://app.example.com/cb",
    );
    let config = ClientConfig::confidential(id, callback, "atproto", keys).unwrap();
    let app = App::with(config).await;
    app.fake.token("access_token", json!("SECRET-at"));
    app.fake.token("refresh_token", json!("SECRET-rt"));
    for (name, bad, good) in [
        ("sub", json!(BOB), json!(crate::fake::ALICE)),
        ("sub", json!("SECRET-sub"), json!(crate::fake::ALICE)),
        ("scope", json!(["SECRET-scope"]), json!("atproto")),
        ("access_token", json!("SECRET \n"), json!("SECRET-at")),
        ("token_type", json!("Bearer"), json!("DPoP")),
        ("scope", json!("atproto repo:*"), json!("atproto")),
    ] {
        app.fake.token(name, bad);
        app.fake.next("revoke", [Canned::html(500)]);
        let error = app.finish("alice.test").await.unwrap_err();
        printed.push(format!("{error} {error:?}"));
        app.fake.token(name, good);
    }
    let login = app.client.login("alice.test").await.unwrap();
    let query = app.query(&login).replace("code=c", "code=SECRET-code");
    let session = app.client.callback(&query).await.unwrap();
    printed.push(format!("{session:?} {:?} {:?}", session.key(), app.client));
    app.fake.next("token", [Canned::html(502)]);
    session.refresh().await.unwrap();
    app.nonces(Nonces::New);
    app.fake.token("sub", json!(BOB));
    let error = session.refresh().await.unwrap_err();
    printed.push(format!("{error} {error:?}"));
    session.get("/xrpc/x").await.unwrap();
    app.fake
        .next("revoke", [Canned::error(400, "invalid_request")]);
    let key = session.key().as_str().to_owned();
    let error = session.logout().await.unwrap_err();
    printed.push(format!("{error} {error:?}"));
    drop(guard);

    let mut secrets = vec!["SECRET".to_owned(), key];
    for seen in app.fake.all_seen() {
        secrets.extend(
            ["code_verifier", "client_assertion"].map(|name| seen.field(name).unwrap_or_default()),
        );
    }
    let pkcs8 = stored.expose().split('"').max_by_key(|text| text.len());
    secrets.push(pkcs8.unwrap().to_owned());
    printed.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    assert!(
        printed[printed.len() - 1].contains("atpass_client"),
        "something was logged"
    );
    let printed = printed.join("\n");
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let place = printed.find(secret.as_str());
        let line = place.map(|place| printed[..place].lines().last());
        assert!(place.is_none(), "{secret} in {line:?}");
    }
}

/// What an axum app's browser gets to see of a login: no token, no key, and no name of the session but
/// under the cookie's seal.
#[tokio::test]
async fn browsers_see_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let keys = ClientKeyset::generate().unwrap();
    let config = ClientConfig::from_public_url(&origin, "atproto", keys).unwrap();
    let app = App::with(config).await;
    let cookies = SealingKeys::parse(&SealingKeys::generate(&SystemRandom)).unwrap();
    let sign_in = atpass_client::axum::SignIn::new(app.client.clone(), cookies).unwrap();
    let router = sign_in.add_to(axum::Router::new());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    let send = async |request: Request<Bytes>| fetcher.fetch(request).await.unwrap();

    let login = Request::post(format!("{origin}/oauth/login")).body("identifier=alice.test".into());
    let begun = send(login.unwrap()).await;
    let cookie = begun.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let state = app.fake.seen("par")[0].field("state").unwrap();
    let url = format!(
        "{origin}/oauth/callback?code=c&state={state}&iss={}",
        app.fake.origin
    );
    let get = |cookie: &str| {
        Request::get(&url)
            .header("cookie", cookie)
            .body(Bytes::new())
            .unwrap()
    };
    // Another browser can't finish it.
    let other = send(get("x=y")).await;
    assert!(other.status().is_client_error() && app.stored_sessions() == 0);
    let done = send(get(cookie)).await;
    assert_eq!(done.status(), 303);
    let key = app.client.sessions().await.unwrap().pop().unwrap();
    let shown = format!("{:?} {:?}", done.headers(), done.body());
    for secret in ["at-1", "rt-1", "\"d\"", key.as_str()] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    // Loaded again, it is over.
    send(get(cookie)).await;
    assert_eq!(app.fake.count("token"), 1);
}
