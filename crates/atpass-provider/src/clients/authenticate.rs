//! How a client proves who it is: by its own key, or, if it is public, not at all (clauses
//! AS-AUTHN-01 to AS-AUTHN-12).

use atpass_protocol::client_assertion::{
    self, ASSERTION_TYPE, AssertionError, ExpectedAssertion, VerifiedAssertion,
};
use atpass_protocol::error::OAuthError;
use atpass_protocol::id::ClientId;
use atpass_protocol::jose::{ClientKey, Jkt};
use atpass_protocol::request::Form;
use atpass_protocol::time::UnixTime;
use atpass_replay::GRACE;

use super::registry::Freshness;
use super::{Client, SharedClient};
use crate::error::EndpointError;
use crate::provider::Provider;
use crate::store::AssertionUse;

/// A client that proved what it must.
pub(crate) struct Authenticated {
    pub(crate) client: SharedClient,
    /// The key with which it did: of a confidential client.
    pub(crate) key: Option<ClientKey>,
    /// Its assertion, which counts once: for the act of the store that the request is about. See also
    /// [`used_up`].
    pub(crate) assertion: Option<AssertionUse>,
}

/// Finds the client, and has it prove who it is. `dpop` is the key of the proof that came along.
pub(crate) async fn authenticate(
    provider: &Provider,
    client_id: &ClientId,
    form: &Form,
    dpop: Option<Jkt>,
    freshness: Freshness,
    now: UnixTime,
) -> Result<Authenticated, EndpointError> {
    let clients = provider.clients();
    let mut client = clients.find(client_id, freshness, now).await?;
    let mut verified = check(provider, &client, client_id, form, now);
    // A key or a way to prove it that is new: the metadata may be newer than what is known.
    if verified.as_ref().is_err_and(Refusal::may_be_stale) {
        client = clients.find(client_id, freshness.forced(), now).await?;
        verified = check(provider, &client, client_id, form, now);
    }
    let Some(assertion) = verified.map_err(OAuthError::from)? else {
        return Ok(Authenticated {
            client,
            key: None,
            assertion: None,
        });
    };
    if let (Some(bound_to), Some(dpop)) = (assertion.bound_to, dpop)
        && bound_to != dpop
    {
        return Err(OAuthError::invalid_client(
            "the client assertion is bound (cnf.jkt) to another DPoP key than this proof's",
        )
        .into());
    }
    Ok(Authenticated {
        client,
        key: Some(assertion.key),
        assertion: Some(AssertionUse {
            key: assertion.replay_key,
            until: assertion.replay_until.plus(GRACE),
        }),
    })
}

/// The answer to an assertion that was used before.
pub(crate) fn replayed() -> EndpointError {
    OAuthError::invalid_client(AssertionError::Replayed).into()
}

/// Hands the outcome of a request on. One that was refused has used its assertion up as well: it is good for one
/// request, not for one that succeeds.
pub(crate) async fn used_up<T>(
    provider: &Provider,
    assertion: Option<AssertionUse>,
    outcome: Result<T, EndpointError>,
    now: UnixTime,
) -> Result<T, EndpointError> {
    if let (Err(EndpointError::OAuth(_)), Some(assertion)) = (&outcome, assertion) {
        provider.store().use_assertion(&assertion, now).await?;
    }
    outcome
}

/// The DPoP key must not be one of the client's own (clause AS-AUTHN-12).
pub(crate) fn check_key_is_apart(client: &Client, dpop: Jkt) -> Result<(), OAuthError> {
    let keys = client.keys.as_ref();
    if keys.is_some_and(|keys| keys.has_thumbprint(dpop)) {
        return Err(OAuthError::invalid_request(
            "the DPoP key must not be a key of the client's own key set: make one for each session",
        ));
    }
    Ok(())
}

/// Why a client isn't who it says.
enum Refusal {
    /// The parameters of its kind of client aren't there, or another kind's are.
    Parameters(&'static str),
    Assertion(AssertionError),
}

impl Refusal {
    /// Whether metadata of a moment ago may be the cause.
    const fn may_be_stale(&self) -> bool {
        matches!(
            self,
            Self::Parameters(_)
                | Self::Assertion(AssertionError::UnknownKey(_) | AssertionError::Signature)
        )
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Parameters(problem) => Self::invalid_client(problem),
            Refusal::Assertion(error) => Self::invalid_client(error),
        }
    }
}

fn check(
    provider: &Provider,
    client: &Client,
    client_id: &ClientId,
    form: &Form,
    now: UnixTime,
) -> Result<Option<VerifiedAssertion>, Refusal> {
    let kind = form.get("client_assertion_type");
    let assertion = form.get("client_assertion");
    let Some(keys) = &client.keys else {
        return match (kind, assertion) {
            (None, None) => Ok(None),
            _ => Err(Refusal::Parameters(
                "the client is a public one by its metadata (token_endpoint_auth_method none), so \
                 it has no assertion to send",
            )),
        };
    };
    let (Some(kind), Some(assertion)) = (kind, assertion) else {
        return Err(Refusal::Parameters(
            "the client is a confidential one by its metadata: send client_assertion_type and \
             client_assertion (RFC 7523)",
        ));
    };
    if kind != ASSERTION_TYPE {
        return Err(Refusal::Parameters(
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ));
    }
    let expected = ExpectedAssertion {
        client_id,
        issuer: &provider.config().issuer,
        keys,
    };
    client_assertion::verify(assertion, &expected, now)
        .map(Some)
        .map_err(Refusal::Assertion)
}
