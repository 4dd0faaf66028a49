//! The apps whose sessions are stored, and the host where the server finds what they say of themselves.

use anyhow::Result;
use atpass_protocol::id::ClientId;
use atpass_protocol::jose::{ClientKey, Jkt, PrivateKey};
use atpass_testnet::Internet;
use axum::{Json, Router, routing};
use serde_json::{Value, json};

/// How many apps there are. Every other one is confidential.
const APPS: usize = 300;
const HOST: &str = "apps.example.com";
/// What each of them may do.
pub const SCOPE: &str = "atproto repo:app.example.post rpc:app.example.getFeed?aud=*";
/// The name of a confidential app's key.
const KID: &str = "k1";

/// An app.
pub struct App {
    pub id: ClientId,
    /// Of a confidential one.
    pub key: Option<AppKey>,
}

/// The key of a confidential app.
pub struct AppKey {
    pub private: PrivateKey,
    /// As sessions are bound to it, in JSON.
    pub stored: String,
}

impl AppKey {
    pub const KID: &'static str = KID;
}

/// Where apps lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// All of them at a host that the server asks.
    AtTheirHost,
    /// Public ones in their own name (`http://localhost?…`), which a server that isn't in this process can read
    /// without a host at port 443.
    InTheirName,
}

/// All apps.
pub fn all(found: Found) -> Result<Vec<App>> {
    (0..APPS).map(|number| app(number, found)).collect()
}

fn app(number: usize, found: Found) -> Result<App> {
    let at_host = format!("https://{HOST}/{number}/client-metadata.json");
    if number.is_multiple_of(2) {
        let private = PrivateKey::generate()?;
        let key = ClientKey {
            kid: KID.to_owned(),
            alg: "ES256".to_owned(),
            jkt: private.thumbprint(),
        };
        let key = AppKey {
            stored: serde_json::to_string(&key)?,
            private,
        };
        return Ok(App {
            id: ClientId::parse(&at_host)?,
            key: Some(key),
        });
    }
    let id = match found {
        Found::AtTheirHost => at_host,
        Found::InTheirName => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            // They differ in their redirect URIs.
            let redirect = format!("http://127.0.0.1/{number}");
            query.append_pair("scope", SCOPE);
            query.append_pair("redirect_uri", &redirect);
            format!("http://localhost?{}", query.finish())
        }
    };
    Ok(App {
        id: ClientId::parse(&id)?,
        key: None,
    })
}

/// The host.
pub async fn host(apps: &[App]) -> Result<Internet> {
    let mut routes = Router::new();
    for (number, app) in apps.iter().enumerate() {
        let document = document(number, app)?;
        let answer = async move || Json(document);
        let path = format!("/{number}/client-metadata.json");
        routes = routes.route(&path, routing::get(answer));
    }
    Internet::start([(HOST, routes)]).await
}

fn document(number: usize, app: &App) -> Result<Value> {
    let mut document = json!({
        "client_id": app.id.as_str(),
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": SCOPE,
        "redirect_uris": [format!("https://{HOST}/{number}/callback")],
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
    });
    if let Some(key) = &app.key {
        let mut jwk = serde_json::to_value(key.private.public())?;
        jwk["kid"] = KID.into();
        document["token_endpoint_auth_method"] = "private_key_jwt".into();
        document["token_endpoint_auth_signing_alg"] = "ES256".into();
        document["jwks"] = json!({ "keys": [jwk] });
    }
    Ok(document)
}

/// The thumbprint as it is stored.
pub fn stored(jkt: Jkt) -> [u8; 32] {
    *jkt.as_bytes()
}
