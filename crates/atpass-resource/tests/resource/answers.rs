//! What is answered: RS-META-01, RS-ERR-*, RS-SCOPE-01.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::jose::JwkSet;
use atpass_protocol::metadata::ProtectedResourceMetadata;
use atpass_protocol::time::UnixTime;
use atpass_replay::{Era, Fresh, MemoryReplay, Replay, ReplayUnavailable};
use atpass_resource::{IssuerKeys, KeysUnavailable, METADATA_PATH};
use serde_json::{Value, json};

use crate::fixture::{Answer, Call, ISSUER, ME, ORIGIN, Setup, World};

#[tokio::test]
async fn rs_meta_01_the_resource_names_itself_and_its_one_issuer() {
    let answer = World::new()
        .send_open(&Call::new("GET", METADATA_PATH))
        .await;
    assert_eq!(answer.status, 200);
    let metadata: ProtectedResourceMetadata = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(metadata.resource.as_deref(), Some(ORIGIN));
    assert_eq!(metadata.authorization_servers, [ISSUER]);
    assert_eq!(metadata.bearer_methods_supported, ["header"]);
}

#[tokio::test]
async fn rs_err_01_no_credentials_is_a_challenge_without_a_code() {
    let world = World::new();
    let proof = world.proof("GET", ME, "").sign();
    for call in [
        Call::new("GET", ME),
        Call::new("GET", ME).proof(&proof),
        Call::new("GET", ME).header("authorization", "Basic YTpi"),
        Call::new("GET", ME).header("authorization", ""),
    ] {
        let answer = world.send(&call).await;
        assert_eq!(answer.status, 401);
        let metadata = format!("{ORIGIN}{METADATA_PATH}");
        let expected = [("algs", "ES256"), ("resource_metadata", &*metadata)];
        let challenge = answer.challenge();
        assert!(
            challenge
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .eq(expected)
        );
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(body.get("error"), Some(&json!("AuthMissing")));
    }
}

#[tokio::test]
async fn rs_err_01_a_missing_scope_is_named() {
    let world = World::new();
    let path = "/xrpc/app.example.email";
    let answer = world.send(&world.call("GET", path, &world.token())).await;
    assert!(answer.refuses(403, "insufficient_scope"));
    assert_eq!(
        answer.challenge().get("scope").map(String::as_str),
        Some("account:email")
    );
    let token = world.token_with_scope("atproto transition:email");
    assert_eq!(
        world.send(&world.call("GET", path, &token)).await.text,
        "alice@example.com"
    );
}

/// The scope in a challenge may hold what the caller sent: it can't break out of its quotes.
#[tokio::test]
async fn rs_err_01_a_scope_is_quoted_safely() {
    let world = World::new();
    let path = "/xrpc/app.example.call?did:web:x%22,error=%22none";
    let answer = world.send(&world.call("POST", path, &world.token())).await;
    assert!(answer.refuses(403, "insufficient_scope"));
    let scope = answer.challenge().get("scope").cloned().unwrap();
    assert_eq!(scope, "rpc:app.example.method?aud=*");
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl Replay for Broken {
    /// It was there before.
    fn era(&self) -> Option<Era> {
        Era::parse(&"A".repeat(22))
    }

    async fn ask_era(&self) -> Result<Era, ReplayUnavailable> {
        Err(ReplayUnavailable::new("connection to 10.0.0.7 refused"))
    }

    async fn accept_once(
        &self,
        _: Era,
        _: &[u8; 32],
        _: UnixTime,
        _: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        Err(ReplayUnavailable::new("connection to 10.0.0.7 refused"))
    }
}

#[async_trait]
impl IssuerKeys for Broken {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Err(KeysUnavailable::Failed(
            "connection to 10.0.0.7 refused".into(),
        ))
    }
}

fn says_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.header("www-authenticate"),
        None,
        "nobody is sent to sign in again"
    );
    assert!(answer.header("retry-after").is_some());
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(body.get("error"), Some(&json!("temporarily_unavailable")));
    assert!(
        !answer.text.contains("10.0.0.7"),
        "the detail is the operator's"
    );
}

#[tokio::test]
async fn rs_err_02_our_own_failures_are_503() {
    let no_replay = Setup {
        replay: Arc::new(Broken),
        ..Setup::default()
    };
    let no_keys = Setup {
        keys: Some(Arc::new(Broken)),
        ..Setup::default()
    };
    for setup in [no_replay, no_keys] {
        let world = World::with(setup);
        says_unavailable(&world.send(&world.me(&world.token())).await);
        // The caller's own fault stays the caller's.
        assert_eq!(world.send(&Call::new("GET", ME)).await.status, 401);
    }
}

#[tokio::test]
async fn rs_err_02_a_full_replay_memory_is_503() {
    let replay = Arc::new(MemoryReplay::new(16));
    let world = World::with(Setup {
        replay,
        ..Setup::default()
    });
    let token = world.token();
    let mut full = 0;
    for _ in 0..400 {
        let answer = world.send(&world.me(&token)).await;
        if !answer.is_ok() {
            says_unavailable(&answer);
            full += 1;
        }
    }
    assert_eq!(full, 400 - 16);
}

/// A route outside the layer lets nobody in.
#[tokio::test]
async fn rs_err_02_a_forgotten_layer_is_500() {
    let world = World::new();
    let answer = world
        .send_open(&world.call("GET", "/forgotten", &world.token()))
        .await;
    assert_eq!(answer.status, 500);
    assert!(answer.text.contains("server_error"));
}

#[tokio::test]
async fn rs_err_03_nothing_is_for_shared_caches() {
    let world = World::new();
    let token = world.token();
    let answer = world.send(&world.me(&token)).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(answer.all("vary"), "Authorization, DPoP");
    // What the handler says of its answer stays.
    let answer = world
        .send(&world.call("GET", "/xrpc/app.example.cached", &token))
        .await;
    assert_eq!(answer.header("cache-control"), Some("private, max-age=60"));
    assert_eq!(answer.all("vary"), "Accept, Authorization, DPoP");
    // A route that isn't there, or not with this method.
    let answer = world.send(&world.call("DELETE", ME, &token)).await;
    assert_eq!(answer.status, 405);
}
