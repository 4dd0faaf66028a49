//! A client's own host, and the client on it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atpass_fetch::FetchConfig;
use atpass_protocol::time::Clock;
use atpass_testnet::{Internet, NetworkConfig};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::common::{App, Lab, Signer};

pub(crate) const CLIENT_ID: &str = "https://app.example.com/client.json";
pub(crate) const CALLBACK: &str = "https://app.example.com/callback";

/// What the client's host does.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// Serves documents by path, with a `Cache-Control` header if there is one.
    Serves(Vec<(&'static str, Value)>, Option<&'static str>),
    /// Serves this text in place of the document.
    Text(&'static str, String),
    /// Answers with this status.
    Status(u16),
    /// Redirects to another path.
    Redirects,
    /// Takes the request and never answers.
    Silent,
}

/// A network, and a client's host on an internet of its own.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) internet: Internet,
    mood: Arc<Mutex<Mood>>,
}

impl World {
    pub(crate) async fn start(mood: Mood) -> Self {
        Self::configured(mood, |_| {}).await
    }

    pub(crate) async fn configured(mood: Mood, change: impl FnOnce(&mut NetworkConfig)) -> Self {
        let mood = Arc::new(Mutex::new(mood));
        let shared = mood.clone();
        let site = Router::new().fallback(move |request: Request| {
            let mood = shared.lock().unwrap().clone();
            async move { answer(mood, request.uri().path()).await }
        });
        let hosts = [
            ("app.example.com", site.clone()),
            ("keys.example.net", site),
        ];
        let internet = Internet::start(hosts).await.unwrap();
        let fetch = FetchConfig {
            total_timeout: Duration::from_millis(400),
            ..internet.fetch_config()
        };
        let lab = Lab::configured(|config| {
            config.fetch = fetch;
            change(config);
        })
        .await;
        Self {
            lab,
            internet,
            mood,
        }
    }

    /// A world in which the client is confidential, with these keys.
    pub(crate) async fn confidential(signers: &[&Signer]) -> Self {
        Self::start(serves(confidential(signers))).await
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// The client, with a DPoP key of its own.
    pub(crate) fn app(&self, signer: Option<&Signer>) -> App {
        let mut app = self.lab.app();
        CLIENT_ID.clone_into(&mut app.client_id);
        CALLBACK.clone_into(&mut app.redirect_uri);
        app.signer = signer.cloned();
        app
    }

    /// Lets time pass, for the servers and for this app.
    pub(crate) fn pass(&self, app: &mut App, seconds: i64) {
        self.lab.clock.advance(seconds);
        app.now = self.lab.clock.now();
    }

    /// How often the client's document was fetched.
    pub(crate) fn fetches(&self) -> usize {
        let asked = self.internet.asked();
        let document = format!("GET {CLIENT_ID}");
        asked.iter().filter(|line| **line == document).count()
    }
}

async fn answer(mood: Mood, path: &str) -> Response {
    match mood {
        Mood::Serves(documents, cache) => {
            let found = documents.into_iter().find(|(at, _)| *at == path);
            let Some((_, document)) = found else {
                return StatusCode::NOT_FOUND.into_response();
            };
            let mut response = axum::Json(document).into_response();
            if let Some(cache) = cache {
                let headers = response.headers_mut();
                headers.insert(header::CACHE_CONTROL, cache.parse().unwrap());
            }
            response
        }
        Mood::Text(kind, text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Mood::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Redirects => {
            let to = [(header::LOCATION, "https://app.example.com/other.json")];
            (StatusCode::FOUND, to).into_response()
        }
        Mood::Silent => std::future::pending().await,
    }
}

/// A host that serves this document.
pub(crate) fn serves(document: Value) -> Mood {
    Mood::Serves(vec![("/client.json", document)], None)
}

/// A good document of a public client.
pub(crate) fn public() -> Value {
    json!({
        "client_id": CLIENT_ID,
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "atproto transition:generic transition:email",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
        "client_name": "Example App",
        "client_uri": "https://app.example.com",
        "logo_uri": "https://app.example.com/logo.png",
    })
}

/// A good document of a confidential client.
pub(crate) fn confidential(signers: &[&Signer]) -> Value {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    let mut document = public();
    document["token_endpoint_auth_method"] = "private_key_jwt".into();
    document["token_endpoint_auth_signing_alg"] = "ES256".into();
    document["jwks"] = json!({ "keys": keys });
    document
}

pub(crate) fn with(mut document: Value, member: &str, value: Value) -> Value {
    document[member] = value;
    document
}
