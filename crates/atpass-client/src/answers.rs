//! Reading the answers of an authorization server.

use atpass_protocol::request::TokenResponse;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::ClientError;
use crate::error::Endpoint;
use crate::proofs::oauth_error;

/// The body of a good answer, or the server's refusal.
pub(crate) fn read_answer<T: DeserializeOwned>(
    endpoint: Endpoint,
    good: StatusCode,
    response: &Response<Bytes>,
) -> Result<T, ClientError> {
    if response.status() == good {
        return serde_json::from_slice(response.body()).map_err(|error| {
            let what = unreadable(&error);
            ClientError::Unreadable { endpoint, what }
        });
    }
    let body = oauth_error(response);
    Err(ClientError::Refused {
        endpoint,
        status: response.status().as_u16(),
        error: body.as_ref().map_or_else(
            || "an answer without an error code".into(),
            |body| body.error.clone(),
        ),
        description: body.and_then(|body| body.error_description),
    })
}

/// What is wrong with an answer, without repeating what may be a token.
fn unreadable(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    format!("not the JSON that was expected (column {})", error.column())
}

/// What every token answer must be (clause C-TOK-01). Scopes that this crate doesn't know are no
/// obstacle (clause C-TOK-02).
pub(crate) fn check_tokens(tokens: &TokenResponse) -> Result<(), ClientError> {
    let departure = |what: &str| {
        Err(ClientError::Departure {
            endpoint: Endpoint::Token,
            what: what.to_owned(),
        })
    };
    if !tokens.token_type.eq_ignore_ascii_case("DPoP") {
        return departure("the tokens are not of type DPoP");
    }
    if !tokens.scope.split(' ').any(|scope| scope == "atproto") {
        return departure("the granted scope lacks atproto");
    }
    Ok(())
}

/// Seconds that an access token is taken to live when the server doesn't say.
const DEFAULT_LIFETIME: i64 = 300;

/// Seconds until the access token ends.
pub(crate) fn lifetime(tokens: &TokenResponse) -> i64 {
    tokens
        .expires_in
        .unwrap_or(DEFAULT_LIFETIME)
        .clamp(0, 24 * 60 * 60)
}
