//! The token endpoint: code exchange and refresh (RFC 6749 sections 4.1.3 and 6).

use serde::{Deserialize, Serialize};

use super::par::read_client_id;
use super::{Form, read_scope};
use crate::error::{OAuthError, OAuthErrorCode};
use crate::id::{ClientId, Did, RedirectUri};
use crate::pkce::CodeVerifier;
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// A token request.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// `grant_type=authorization_code`.
    AuthorizationCode {
        /// Who asks.
        client_id: ClientId,
        /// The code.
        code: Secret,
        /// The redirect URI of the authorization request.
        redirect_uri: RedirectUri,
        /// The verifier of its challenge.
        code_verifier: CodeVerifier,
    },
    /// `grant_type=refresh_token`.
    Refresh(RefreshGrant),
}

/// A refresh request.
#[derive(Clone, Debug)]
pub struct RefreshGrant {
    /// Who asks.
    pub client_id: ClientId,
    /// The refresh token.
    pub refresh_token: Secret,
    /// A narrower scope for this one access token, where given.
    pub scope: Option<ScopeSet>,
}

impl TokenRequest {
    /// Reads the parameters.
    pub fn from_form(form: &Form) -> Result<Self, OAuthError> {
        let bad = |error: &dyn std::fmt::Display| OAuthError::invalid_request(error);
        match form.require("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode {
                client_id: read_client_id(form)?,
                code: Secret::new(form.require("code")?),
                redirect_uri: RedirectUri::parse(form.require("redirect_uri")?)
                    .map_err(|error| bad(&error))?,
                code_verifier: CodeVerifier::parse(form.require("code_verifier")?)
                    .map_err(|error| bad(&error))?,
            }),
            "refresh_token" => Ok(Self::Refresh(RefreshGrant {
                client_id: read_client_id(form)?,
                refresh_token: Secret::new(form.require("refresh_token")?),
                scope: form.get("scope").map(read_scope).transpose()?,
            })),
            _ => Err(OAuthError::new(
                OAuthErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token",
            )),
        }
    }

    /// Who asks.
    pub const fn client_id(&self) -> &ClientId {
        match self {
            Self::AuthorizationCode { client_id, .. } => client_id,
            Self::Refresh(grant) => &grant.client_id,
        }
    }
}

/// The answer of the token endpoint (RFC 6749 section 5.1, with `sub` of the profile).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// Always `DPoP`.
    pub token_type: String,
    /// Seconds until the access token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// The next refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// What was granted. Text, because another server may know more scopes than this crate.
    #[serde(default)]
    pub scope: String,
    /// The account.
    pub sub: Did,
}
