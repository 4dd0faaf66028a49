//! Posting forms to an authorization server, and reading its token answers.

use atpass_protocol::jose::PrivateKey;
use atpass_protocol::request::TokenResponse;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::ClientError;
use crate::proofs::{Answer, ProofSender, oauth_error};

/// Posts a form with a proof.
pub(crate) async fn post_form(
    sender: &ProofSender,
    url: &str,
    key: &PrivateKey,
    form: &[(&str, &str)],
) -> Result<Answer, ClientError> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = Request::post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Bytes::from(body))
        .map_err(|error| ClientError::Request(error.to_string()))?;
    sender.send(&request, key, None).await
}

/// The body of a good answer, or the server's refusal.
pub(crate) fn read_answer<T: DeserializeOwned>(
    endpoint: &'static str,
    good: StatusCode,
    response: &Response<Bytes>,
) -> Result<T, ClientError> {
    if response.status() == good {
        return serde_json::from_slice(response.body()).map_err(|error| ClientError::Departure {
            endpoint,
            what: format!("the answer can't be read: {error}"),
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

/// What every token answer must be (clause C-TOK-01). Scopes that this crate doesn't know are no
/// obstacle (clause C-TOK-02).
pub(crate) fn check_tokens(
    endpoint: &'static str,
    tokens: &TokenResponse,
) -> Result<(), ClientError> {
    let departure = |what: &str| {
        Err(ClientError::Departure {
            endpoint,
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
