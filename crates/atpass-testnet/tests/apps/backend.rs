//! An app without a key, and the small service that signs for it (atproto proposal 0010).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use atpass_client::axum::AssertionBackend;
use atpass_client::{
    ClientConfig, ClientError, ClientKeyset, ClientKind, Endpoint, MemoryStore, OAuthClient, paths,
};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::HmacKey;
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use tower::ServiceExt;
use url::Url;

use crate::scene::{APP, UNTIL_SEEN, World, works};

fn at(path: &str) -> Url {
    Url::parse(&format!("{APP}{path}")).unwrap()
}

/// Clauses C-PAR-01, C-REF-02, AS-AUTHN-10: it is a confidential client for servers, for as long as the
/// service signs.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_signs() {
    let world = World::start().await;
    let keys = ClientKeyset::generate().unwrap();
    let config = ClientConfig::web_public(
        at(paths::CLIENT_METADATA).as_str(),
        at(paths::CALLBACK).as_str(),
        "atproto",
    )
    .unwrap()
    .assertion_backend(at(paths::CLIENT_ASSERTION), at(paths::JWKS))
    .unwrap();
    assert_eq!(config.kind(), ClientKind::Confidential);
    assert!(config.jwks().is_none(), "the app itself has no key");

    let permitted = Arc::new(AtomicBool::new(true));
    let permit = permitted.clone();
    let nonces = HmacKey::new(&atpass_protocol::random::bytes(&SystemRandom));
    let backend = AssertionBackend::new(
        config.client_id().clone(),
        keys.clone(),
        at(paths::CLIENT_ASSERTION),
    )
    .origins([HeaderValue::from_static(APP)])
    .permit(move |_| permit.load(Ordering::Relaxed))
    .with(&nonces, Arc::new(world.lab.clock.clone()));
    let json = |text: String| {
        get(move || std::future::ready(([("content-type", "application/json")], text)))
    };
    let metadata = config.metadata_document().unwrap();
    let jwks = serde_json::to_string(&keys.published()).unwrap();
    let site = Router::new()
        .route(paths::CLIENT_METADATA, json(metadata))
        .route(paths::JWKS, json(jwks))
        .merge(backend.clone().router());
    world.serve(site.clone());

    let client = OAuthClient::new(config, world.parts(Arc::new(MemoryStore::default())));
    let session = world.log_in(&client).await;
    works(&session).await;
    // Longer than a public client's session lives.
    world.lab.clock.advance(15 * 24 * 60 * 60);
    works(&session).await;

    // The service says no: the session waits, and isn't lost.
    permitted.store(false, Ordering::Relaxed);
    world.lab.clock.advance(UNTIL_SEEN);
    match session.refresh().await.unwrap_err() {
        ClientError::Refused {
            endpoint: Endpoint::ClientAssertion,
            status: 403,
            error,
            ..
        } => assert_eq!(error, "access_denied"),
        other => panic!("{other}"),
    }
    permitted.store(true, Ordering::Relaxed);
    works(&session).await;
    session.logout().await.unwrap();

    for (name, request, status) in [
        (
            "without a proof",
            Request::post(paths::CLIENT_ASSERTION).body(Bytes::new()),
            StatusCode::BAD_REQUEST,
        ),
        (
            "from a page of another site",
            Request::post(paths::CLIENT_ASSERTION)
                .header("origin", "https://evil.example")
                .body(Bytes::new()),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let request = request.unwrap().map(axum::body::Body::from);
        let answer = site.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
        let headers = answer.headers();
        assert!(headers.contains_key("dpop-nonce"), "{name}");
        assert_eq!(headers["cache-control"], "no-store", "{name}");
        let allowed = headers.get("access-control-allow-origin");
        assert_eq!(allowed, None, "{name}");
    }
}
