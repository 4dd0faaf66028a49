//! The apps that people sign in to, and the host on which the confidential one publishes its document.

use std::sync::LazyLock;

use atpass_testnet::Internet;
use axum::Router;
use axum::routing::get;
use serde_json::json;

use crate::common::{REDIRECT, Signer, form};

pub(crate) const SCOPE: &str = "atproto transition:generic";

const HOST: &str = "app.example.com";
const CLIENT_ID: &str = "https://app.example.com/client.json";
const CALLBACK: &str = "https://app.example.com/callback";

/// The key of the confidential app.
static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new("k1"));

/// An app as the authorization server knows it.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: &'static str,
    pub(crate) signer: Option<Signer>,
}

impl App {
    /// On somebody's own machine, without a key.
    pub(crate) fn public() -> Self {
        let query = form(&[("redirect_uri", REDIRECT), ("scope", SCOPE)]);
        Self {
            client_id: format!("http://localhost?{query}"),
            redirect_uri: REDIRECT,
            signer: None,
        }
    }

    /// With a key, and so with client assertions.
    pub(crate) fn confidential() -> Self {
        Self {
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: CALLBACK,
            signer: Some(SIGNER.clone()),
        }
    }
}

/// The internet on which the document of the confidential app lies.
pub(crate) async fn internet() -> Internet {
    let document = json!({
        "client_id": CLIENT_ID,
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": SCOPE,
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": { "keys": [SIGNER.jwk()] },
        "dpop_bound_access_tokens": true,
    });
    let site = Router::new().route(
        "/client.json",
        get(move || std::future::ready(axum::Json(document.clone()))),
    );
    Internet::start([(HOST, site)]).await.unwrap()
}
