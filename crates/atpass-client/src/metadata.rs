//! The metadata document, as the app serves it.

use atpass_protocol::id::{ClientId, RedirectUri};
use atpass_protocol::jose::{ES256, JwkSet};
use atpass_protocol::metadata::{ApplicationType, TokenEndpointAuthMethod};
use atpass_protocol::scope::ScopeSet;
use serde::Serialize;
use url::Url;

use crate::config::Proof;

/// What the app is called, and where to read about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Names {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_uri: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logo_uri: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tos_uri: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_uri: Option<Url>,
}

/// What goes into the document.
pub(crate) struct Document<'a> {
    pub(crate) client_id: &'a ClientId,
    pub(crate) application_type: ApplicationType,
    pub(crate) redirect_uris: &'a [RedirectUri],
    pub(crate) scope: &'a ScopeSet,
    pub(crate) proof: &'a Proof,
    pub(crate) jwks_uri: Option<&'a Url>,
    pub(crate) names: &'a Names,
}

#[derive(Serialize)]
struct Members<'a> {
    client_id: &'a str,
    application_type: ApplicationType,
    grant_types: [&'static str; 2],
    response_types: [&'static str; 1],
    redirect_uris: &'a [RedirectUri],
    scope: String,
    token_endpoint_auth_method: TokenEndpointAuthMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<JwkSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a Url>,
    dpop_bound_access_tokens: bool,
    #[serde(flatten)]
    names: &'a Names,
}

impl Document<'_> {
    /// As JSON, indented: developers read it in their browser.
    pub(crate) fn to_json(&self) -> String {
        let (method, keys) = match self.proof {
            Proof::None => (TokenEndpointAuthMethod::None, None),
            Proof::Keys(keys) => (TokenEndpointAuthMethod::PrivateKeyJwt, Some(keys)),
            Proof::Backend(_) => (TokenEndpointAuthMethod::PrivateKeyJwt, None),
        };
        let confidential = method == TokenEndpointAuthMethod::PrivateKeyJwt;
        let members = Members {
            client_id: self.client_id.as_str(),
            application_type: self.application_type,
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            redirect_uris: self.redirect_uris,
            scope: self.scope.to_string(),
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: confidential.then_some(ES256),
            jwks: match self.jwks_uri {
                None => keys.map(crate::ClientKeyset::published),
                Some(_) => None,
            },
            jwks_uri: self.jwks_uri,
            dpop_bound_access_tokens: true,
            names: self.names,
        };
        serde_json::to_string_pretty(&members).unwrap_or_default()
    }
}
