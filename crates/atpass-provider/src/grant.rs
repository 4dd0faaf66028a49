//! What a presented authorization code is held against. Pure: nothing here changes anything.

use atpass_protocol::error::OAuthError;
use atpass_protocol::id::{ClientId, RedirectUri};
use atpass_protocol::jose::{ClientKey, Jkt};
use atpass_protocol::pkce::CodeChallenge;

use crate::store::{CodeRecord, Digest32};

/// A code as a token request presents it.
#[derive(Clone, Debug)]
pub(crate) struct PresentedCode {
    /// Hash of the code.
    pub(crate) id: Digest32,
    /// Who presents it.
    pub(crate) client_id: ClientId,
    /// The redirect URI of the request.
    pub(crate) redirect_uri: RedirectUri,
    /// The challenge that belongs to the verifier presented.
    pub(crate) challenge: CodeChallenge,
    /// The key of the proof that came along.
    pub(crate) jkt: Jkt,
    /// The key with which its presenter proved to be the client.
    pub(crate) client_key: Option<ClientKey>,
}

/// Checks who presents the code. Any mismatch is `invalid_grant`, and the code stays usable for
/// its rightful holder (clause AS-TOK-03). Whether it is spent or expired is the store's to say,
/// in the act that spends it.
pub(crate) fn check_code(
    code: Option<CodeRecord>,
    presented: &PresentedCode,
) -> Result<CodeRecord, OAuthError> {
    let code = code.ok_or_else(|| {
        OAuthError::invalid_grant("the code is not one of this server, or long gone")
    })?;
    let checks = [
        (
            code.client_id == presented.client_id,
            "the code was issued to another client_id",
        ),
        (
            code.jkt == presented.jkt,
            "the code is bound to another DPoP key than this proof's",
        ),
        (
            code.client_key == presented.client_key,
            "the code is bound to the client key that pushed the request, and was presented with another",
        ),
        (
            code.redirect_uri == presented.redirect_uri,
            "redirect_uri is not the one of the authorization request",
        ),
        (
            code.challenge == presented.challenge,
            "code_verifier does not fit the code_challenge",
        ),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, problem)) => Err(OAuthError::invalid_grant(problem)),
        None => Ok(code),
    }
}

/// The answer to a code past its time.
pub(crate) fn expired_code() -> OAuthError {
    OAuthError::invalid_grant("the code has expired; start the login again")
}
