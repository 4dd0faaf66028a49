//! Reading the answers of an authorization server.

use atpass_protocol::request::TokenResponse;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::secret::Secret;
use atpass_protocol::text::shown;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ClientError;
use crate::error::Endpoint;
use crate::granted::unasked;
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
            |body| shown(&body.error),
        ),
        description: body.and_then(|body| body.error_description.as_deref().map(shown)),
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
/// obstacle (clause C-TOK-02), but their text ends up in logs and on screens: it is the printable ASCII
/// that a scope may be written in (clause SC-SYN-01).
pub(crate) fn check_tokens(tokens: &TokenResponse) -> Result<(), ClientError> {
    if !tokens.token_type.eq_ignore_ascii_case("DPoP") {
        return departure("the tokens are not of type DPoP");
    }
    if !tokens.scope.split(' ').any(|scope| scope == "atproto") {
        return departure("the granted scope lacks atproto");
    }
    if !tokens.scope.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return departure("the granted scope has characters that no scope may have");
    }
    let token = tokens.access_token.expose();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return departure("the access token can't be sent in a header");
    }
    Ok(())
}

/// At a login nothing is granted that was never asked for: the person was shown something else, or the
/// server mixes up its clients.
pub(crate) fn check_scope(tokens: &TokenResponse, asked: &ScopeSet) -> Result<(), ClientError> {
    let unasked = unasked(&tokens.scope, asked);
    if unasked.is_empty() {
        return Ok(());
    }
    departure(&format!("it granted what was never asked for: {unasked}"))
}

fn departure(what: &str) -> Result<(), ClientError> {
    Err(ClientError::Departure {
        endpoint: Endpoint::Token,
        what: shown(what),
    })
}

/// The token with which a session is ended: the refresh token, and the access token where there is none.
pub(crate) fn ending_token<'a>(refresh: Option<&'a Secret>, access: &'a Secret) -> &'a Secret {
    refresh.unwrap_or(access)
}

/// The same out of an answer that can't be used, as far as it can be made out there.
pub(crate) fn ending_token_in(body: &[u8]) -> Option<Secret> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name| body.get(name)?.as_str().filter(|text| !text.is_empty());
    text("refresh_token")
        .or_else(|| text("access_token"))
        .map(Secret::new)
}

/// Seconds that an access token is taken to live when the server doesn't say.
const DEFAULT_LIFETIME: i64 = 300;

/// Seconds until the access token ends. A server that says "at once" says nothing: its token would be
/// refreshed before each call.
pub(crate) fn lifetime(tokens: &TokenResponse) -> i64 {
    tokens
        .expires_in
        .filter(|seconds| *seconds > 0)
        .unwrap_or(DEFAULT_LIFETIME)
        .min(24 * 60 * 60)
}
