//! Client metadata (atproto spec, OAuth, "Clients").

use serde::Serialize;
use url::Url;

use crate::id::{ClientId, LoopbackClientId, RedirectUri};
use crate::jose::ClientKeys;
use crate::scope::{ScopeError, ScopeSet};

/// What a client says of itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// The URL at which this document lies, or the loopback form.
    pub client_id: ClientId,
    /// `web` or `native`.
    pub application_type: ApplicationType,
    /// Holds `authorization_code`; `refresh_token` where the client wants one.
    pub grant_types: Vec<String>,
    /// Holds `code`.
    pub response_types: Vec<String>,
    /// All that it may ask for.
    pub scope: ScopeSet,
    /// Where the browser may be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
    /// Whether it has a key of its own.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// Always true.
    pub dpop_bound_access_tokens: bool,
    /// Where its keys are: of a confidential client, and no other.
    pub keys: Option<ClientKeySource>,
    /// What it is called, and where to read about it. Its own words: shown to people for clients
    /// that the operator trusts, and for no others.
    pub names: ClientNames,
}

/// Where a confidential client's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKeySource {
    /// In its metadata (`jwks`).
    Inline(ClientKeys),
    /// At a URL (`jwks_uri`).
    At(Url),
}

/// What a client is called, and where to read about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientNames {
    /// Its name.
    pub client_name: Option<String>,
    /// Its page, at the host of its `client_id`.
    pub client_uri: Option<Url>,
    /// Its picture.
    pub logo_uri: Option<Url>,
    /// Its terms.
    pub tos_uri: Option<Url>,
    /// Its privacy policy.
    pub policy_uri: Option<Url>,
}

/// Where the client runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationType {
    /// On a web server or in a browser.
    #[default]
    Web,
    /// On the user's machine.
    Native,
}

/// How a client proves who it is at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TokenEndpointAuthMethod {
    /// Not at all: a public client.
    #[serde(rename = "none")]
    None,
    /// By a JWT signed with its key (RFC 7523): a confidential client.
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
}

impl ClientMetadata {
    /// The virtual document of a loopback client (clause AS-CLI-14).
    ///
    /// Fails when its declared scope isn't one, or lacks `atproto`.
    pub fn loopback(client_id: &ClientId, loopback: LoopbackClientId) -> Result<Self, ScopeError> {
        Ok(Self {
            client_id: client_id.clone(),
            application_type: ApplicationType::Native,
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            response_types: vec!["code".to_owned()],
            scope: ScopeSet::parse(&loopback.scope)?,
            redirect_uris: loopback.redirect_uris,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            dpop_bound_access_tokens: true,
            keys: None,
            names: ClientNames::default(),
        })
    }

    /// Whether a request may be answered at `uri` (clause AS-CLI-15).
    pub fn allows_redirect(&self, uri: &RedirectUri) -> bool {
        self.redirect_uris
            .iter()
            .any(|declared| uri.matches(declared))
    }

    /// Whether it has a key of its own.
    pub fn is_confidential(&self) -> bool {
        self.token_endpoint_auth_method == TokenEndpointAuthMethod::PrivateKeyJwt
    }

    /// Whether it may have refresh tokens (clause AS-CLI-04).
    pub fn may_refresh(&self) -> bool {
        self.grant_types
            .iter()
            .any(|grant| grant == "refresh_token")
    }
}
