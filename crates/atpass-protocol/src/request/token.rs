//! The token endpoint: code exchange and refresh (RFC 6749 sections 4.1.3 and 6).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

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
    /// Seconds until the access token ends. Read leniently: an odd value is as good as none, and never
    /// costs the tokens beside it.
    #[serde(
        default,
        deserialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
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

/// A whole number, also as text, as some servers write it.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        _ => return Ok(None),
    };
    let text = text.trim();
    Ok(text.strip_suffix(".0").unwrap_or(text).parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 6749 section 5.1: the lifetime is only recommended.
    #[test]
    fn an_odd_lifetime_costs_no_tokens() {
        for (odd, seconds) in [
            (json!(900), Some(900)),
            (json!("900"), Some(900)),
            (json!(" 900 "), Some(900)),
            (json!(900.0), Some(900)),
            (json!(-5), Some(-5)),
            (json!(i64::MAX), Some(i64::MAX)),
            (json!(u64::MAX), None),
            (json!(1e30), None),
            (json!(0.5), None),
            (json!("soon"), None),
            (json!(""), None),
            (json!(null), None),
            (json!(true), None),
            (json!([900]), None),
            (json!({ "seconds": 900 }), None),
        ] {
            let answer = json!({
                "access_token": "at", "token_type": "DPoP", "expires_in": odd,
                "scope": "atproto", "sub": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            });
            let read: TokenResponse = serde_json::from_value(answer).unwrap();
            assert_eq!(read.expires_in, seconds, "{odd}");
        }
    }
}
