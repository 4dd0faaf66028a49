//! The keys of an authorization server elsewhere: RS-KEY-01.

use std::sync::{Arc, Mutex};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::{PrivateKey, PublishedKey};
use atpass_protocol::metadata::AuthorizationServerMetadata;
use atpass_protocol::token::AccessTokenClaims;
use atpass_resource::RemoteKeys;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use futures::future::join_all;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Answer, Setup, World};

/// What the authorization server answers.
struct Says {
    metadata: Value,
    keys: Value,
    status: StatusCode,
    cache: &'static str,
}

/// An authorization server of which there is nothing but two documents.
#[derive(Clone)]
struct Server {
    issuer: Issuer,
    says: Arc<Mutex<Says>>,
    /// How often the metadata and the keys were asked for.
    asked: Arc<Mutex<(u32, u32)>>,
}

async fn answer(State(server): State<Server>, request: Request) -> Response<Body> {
    let keys = request.uri().path() == "/oauth/jwks";
    {
        let mut asked = server.asked.lock().unwrap();
        asked.0 += u32::from(!keys);
        asked.1 += u32::from(keys);
    }
    let says = server.says.lock().unwrap();
    let body = if keys { &says.keys } else { &says.metadata };
    Response::builder()
        .status(says.status)
        .header("content-type", "application/json")
        .header("cache-control", says.cache)
        .body(body.to_string().into())
        .unwrap()
}

fn jwks(keys: &[(&str, &PrivateKey)]) -> Value {
    let keys = keys
        .iter()
        .map(|(kid, key)| PublishedKey::new(*kid, key.public().clone()));
    json!({ "keys": keys.collect::<Vec<_>>() })
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let issuer = Issuer::parse(&format!("http://localhost:{port}")).unwrap();
        let metadata = AuthorizationServerMetadata::new(&issuer);
        let says = Says {
            metadata: serde_json::to_value(metadata).unwrap(),
            keys: Value::Null,
            status: StatusCode::OK,
            cache: "public, max-age=60",
        };
        let server = Self {
            issuer,
            says: Arc::new(Mutex::new(says)),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn say(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.says.lock().unwrap());
    }

    fn asked(&self) -> (u32, u32) {
        *self.asked.lock().unwrap()
    }
}

/// A resource server that knows the authorization server by its URL only.
struct Elsewhere {
    world: World,
    server: Server,
}

impl Elsewhere {
    async fn start() -> Self {
        let server = Server::start().await;
        let setup = Setup::default();
        let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
        let keys = RemoteKeys::new(&fetcher, server.issuer.clone(), setup.clock.clone());
        let world = World::with(Setup {
            keys: Some(Arc::new(keys)),
            issuer: server.issuer.clone(),
            ..setup
        });
        server.say(|says| says.keys = jwks(&[("k1", &world.issuer_key)]));
        Self { world, server }
    }

    async fn send(&self, token: &str) -> Answer {
        self.world.send(&self.world.me(token)).await
    }

    /// A new token of the server's usual key.
    async fn ok(&self) -> bool {
        self.send(&self.world.token()).await.is_ok()
    }

    fn signed(&self, kid: &str, key: &PrivateKey) -> String {
        self.world.claims().sign(kid, key).unwrap()
    }
}

#[tokio::test]
async fn rs_key_01_keys_are_fetched_once_for_all_and_renewed_beside_the_requests() {
    let elsewhere = Elsewhere::start().await;
    let (world, server) = (&elsewhere.world, &elsewhere.server);
    assert_eq!(server.asked(), (0, 0));
    assert!(
        join_all((0..50).map(|_| elsewhere.ok()))
            .await
            .iter()
            .all(|ok| *ok)
    );
    assert_eq!(server.asked(), (1, 1));
    world.advance(44);
    assert!(elsewhere.ok().await);
    assert_eq!(server.asked(), (1, 1));
    // Their time is nearly over: they are renewed, and nobody waits for it.
    world.advance(1);
    let own = jwks(&[("k1", &world.issuer_key)]);
    let next = PrivateKey::generate().unwrap();
    server.say(|says| says.keys = jwks(&[("k2", &next)]));
    assert!(elsewhere.ok().await);
    while elsewhere.ok().await {
        tokio::task::yield_now().await;
    }
    assert!(elsewhere.send(&elsewhere.signed("k2", &next)).await.is_ok());
    assert_eq!(server.asked(), (1, 2), "the metadata is good for longer");
    // Nobody came for long: the next one has them fetched before it is let through.
    server.say(|says| says.keys = own);
    world.advance(700);
    assert!(elsewhere.ok().await);
    assert_eq!(server.asked(), (2, 3));
}

#[tokio::test]
async fn rs_key_01_a_new_key_is_known_at_once() {
    let elsewhere = Elsewhere::start().await;
    let (world, server) = (&elsewhere.world, &elsewhere.server);
    assert!(elsewhere.ok().await);
    let next = PrivateKey::generate().unwrap();
    server.say(|says| says.keys = jwks(&[("k1", &world.issuer_key), ("k2", &next)]));
    world.advance(5);
    let token = elsewhere.signed("k2", &next);
    let all = join_all((0..50).map(|_| elsewhere.send(&token))).await;
    assert!(all.iter().all(Answer::is_ok));
    assert_eq!(server.asked(), (1, 2), "one question for all of them");
    // Asked a moment ago: whether there is such a key isn't known, so this is no 401.
    let newer = PrivateKey::generate().unwrap();
    server.say(|says| says.keys = jwks(&[("k3", &newer)]));
    world.advance(1);
    let token = elsewhere.signed("k3", &newer);
    let answer = elsewhere.send(&token).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    world.advance(4);
    assert!(elsewhere.send(&token).await.is_ok());
    // The others were given up.
    let old = world.token();
    assert!(elsewhere.send(&old).await.refuses(401, "invalid_token"));
}

#[tokio::test]
async fn rs_key_01_a_flood_of_unknown_keys_is_no_flood_of_questions() {
    let elsewhere = &Elsewhere::start().await;
    let (world, server) = (&elsewhere.world, &elsewhere.server);
    assert!(elsewhere.ok().await);
    let stranger = PrivateKey::generate().unwrap();
    for second in 0..20 {
        let flood = (0..20).map(|number| {
            let token = elsewhere.signed(&format!("{second}-{number}"), &stranger);
            async move { elsewhere.send(&token).await }
        });
        for answer in join_all(flood).await {
            let refused = answer.status == 503 || answer.refuses(401, "invalid_token");
            assert!(refused, "{}", answer.text);
        }
        assert!(elsewhere.ok().await);
        world.advance(1);
    }
    assert_eq!(server.asked(), (1, 4), "in 20 seconds, for 400 keys");

    // An old token says by itself that its key is no new one.
    world.advance(60);
    assert!(elsewhere.ok().await);
    let before = server.asked();
    for age in 91..100 {
        let claims = world.claims();
        let iat = claims.iat.plus(-age);
        let old = AccessTokenClaims { iat, ..claims };
        let token = old.sign("gone", &stranger).unwrap();
        assert!(elsewhere.send(&token).await.refuses(401, "invalid_token"));
    }
    assert_eq!(server.asked(), before);
}

#[tokio::test]
async fn rs_key_01_the_last_good_keys_for_an_hour_then_503() {
    let elsewhere = Elsewhere::start().await;
    let (world, server) = (&elsewhere.world, &elsewhere.server);
    let stranger = PrivateKey::generate().unwrap();
    // Nothing is known yet, and nobody answers.
    server.say(|says| says.status = StatusCode::BAD_GATEWAY);
    assert_eq!(elsewhere.send(&world.token()).await.status, 503);
    assert_eq!(elsewhere.send(&world.token()).await.status, 503);
    assert_eq!(server.asked(), (1, 0), "not asked again at once");
    server.say(|says| says.status = StatusCode::OK);
    world.advance(5);
    assert!(elsewhere.ok().await);

    server.say(|says| says.status = StatusCode::BAD_GATEWAY);
    for _ in 0..359 {
        world.advance(10);
        assert!(elsewhere.ok().await);
    }
    let unknown = elsewhere.signed("k9", &stranger);
    let answer = elsewhere.send(&unknown).await;
    assert_eq!(answer.status, 503, "it may be a new one");
    world.advance(9);
    assert!(elsewhere.ok().await);
    world.advance(1);
    for _ in 0..3 {
        let answer = elsewhere.send(&world.token()).await;
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.text.contains("localhost"), "the operator's detail");
    }
    let (metadata, keys) = server.asked();
    assert!(metadata + keys < 800, "each 5 seconds at most");
    server.say(|says| says.status = StatusCode::OK);
    world.advance(5);
    assert!(elsewhere.ok().await);
}

/// Clause ID-DISC-02 as well: what isn't sound is not used, and what was good stays.
#[tokio::test]
async fn rs_key_01_only_sound_documents_count() {
    let elsewhere = Elsewhere::start().await;
    let (world, server) = (&elsewhere.world, &elsewhere.server);
    let (metadata, keys) = {
        let says = server.says.lock().unwrap();
        (says.metadata.clone(), says.keys.clone())
    };
    let with = |member: &str, value: Value| {
        let mut metadata = metadata.clone();
        metadata[member] = value;
        metadata
    };
    let other = "https://other.example.com";
    let foreign = with("issuer", json!(other));
    let nowhere = with("jwks_uri", Value::Null);
    let odd = with("jwks_uri", json!("ftp://localhost/keys"));
    let lax = with("dpop_signing_alg_values_supported", json!(["none"]));
    let mut private = keys.clone();
    private["keys"][0]["d"] = json!("AA");
    let mut twice = keys.clone();
    twice["keys"] = json!([keys["keys"][0], keys["keys"][0]]);
    let rsa = json!({ "keys": [{ "kty": "RSA", "kid": "k1", "n": "AA", "e": "AQAB" }] });
    for (metadata, keys) in [
        (&foreign, &keys),
        (&nowhere, &keys),
        (&odd, &keys),
        (&lax, &keys),
        (&json!([]), &keys),
        (&metadata, &private),
        (&metadata, &twice),
        (&metadata, &rsa),
        (&metadata, &json!({ "keys": [] })),
        (&metadata, &json!([])),
    ] {
        server.say(|says| (says.metadata, says.keys) = (metadata.clone(), keys.clone()));
        world.advance(5);
        let answer = elsewhere.send(&world.token()).await;
        assert_eq!(answer.status, 503, "{metadata} {keys}");
    }
    // Keys of other kinds are passed over.
    let mut mixed = keys.clone();
    mixed["keys"] = json!([rsa["keys"][0], keys["keys"][0]]);
    server.say(|says| (says.metadata, says.keys) = (metadata, mixed));
    world.advance(5);
    assert!(elsewhere.ok().await);
}

/// Who gives up doesn't take the answer from the others, nor have it asked for again.
#[tokio::test]
async fn rs_key_01_callers_who_give_up() {
    let elsewhere = Elsewhere::start().await;
    for _ in 0..20 {
        let call = elsewhere.ok();
        let _ = tokio::time::timeout(std::time::Duration::ZERO, call).await;
    }
    assert!(elsewhere.ok().await);
    assert_eq!(elsewhere.server.asked(), (1, 1));
}
