//! The two apps, one public and one confidential, and the host where their metadata lies.

use anyhow::{Result, anyhow};
use atpass_protocol::client_assertion::{ASSERTION_TYPE, NewAssertion};
use atpass_protocol::id::{ClientId, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_testnet::Internet;
use axum::{Json, Router, routing};
use serde_json::{Value, json};

/// What both of them ask for.
pub(crate) const SCOPE: &str = "atproto transition:generic";

pub(crate) const HOST: &str = "app.notes-for-tests.org";
const KID: &str = "k1";

/// An app.
pub(crate) struct App {
    /// Its metadata's path.
    path: &'static str,
    pub(crate) id: ClientId,
    /// Nobody listens there: the redirect itself is read.
    pub(crate) redirect_uri: String,
    /// Of a confidential one.
    key: Option<PrivateKey>,
}

impl App {
    /// As one that runs in browsers.
    pub(crate) fn public() -> Result<Self> {
        Self::at("/public.json", None)
    }

    /// As one that runs on a server, with a key (`private_key_jwt`).
    pub(crate) fn confidential() -> Result<Self> {
        Self::at("/confidential.json", Some(PrivateKey::generate()?))
    }

    fn at(path: &'static str, key: Option<PrivateKey>) -> Result<Self> {
        Ok(Self {
            path,
            id: ClientId::parse(&format!("https://{HOST}{path}"))?,
            redirect_uri: format!("https://{HOST}/callback"),
            key,
        })
    }

    /// What a confidential app adds to a form, to prove who it is; nothing for a public one.
    pub(crate) fn proof_of_itself(&self, issuer: &Issuer) -> Result<Option<String>> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let assertion = NewAssertion {
            client_id: &self.id,
            issuer,
            kid: KID,
            bound_to: None,
            iat: SystemClock.now(),
        };
        let assertion = assertion.sign(key, &SystemRandom);
        let assertion = assertion.map_err(|error| anyhow!(error))?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_assertion_type", ASSERTION_TYPE)
            .append_pair("client_assertion", &assertion);
        Ok(Some(form.finish()))
    }

    fn document(&self) -> Result<Value> {
        let mut document = json!({
            "client_id": self.id.as_str(),
            "client_name": "Measured",
            "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": SCOPE,
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": "none",
            "dpop_bound_access_tokens": true,
        });
        if let Some(key) = &self.key {
            let mut jwk = serde_json::to_value(key.public())?;
            jwk["kid"] = KID.into();
            document["token_endpoint_auth_method"] = "private_key_jwt".into();
            document["token_endpoint_auth_signing_alg"] = "ES256".into();
            document["jwks"] = json!({ "keys": [jwk] });
        }
        Ok(document)
    }
}

/// The host where the metadata of these apps lies.
pub(crate) async fn host(apps: [&App; 2]) -> Result<Internet> {
    let mut routes = Router::new();
    for app in apps {
        let document = app.document()?;
        let answer = async move || Json(document);
        routes = routes.route(app.path, routing::get(answer));
    }
    Internet::start([(HOST, routes)]).await
}
