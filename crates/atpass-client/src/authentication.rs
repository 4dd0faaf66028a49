//! How the client proves who it is: not at all, with its own key, or by its backend.

use std::sync::{PoisonError, RwLock};

use atpass_protocol::client_assertion::{ASSERTION_TYPE, NewAssertion};
use atpass_protocol::id::{ClientId, Issuer};
use atpass_protocol::jose::{CompactJws, PrivateKey};
use atpass_protocol::time::UnixTime;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::ClientError;
use crate::answers::read_answer;
use crate::config::{ClientConfig, Proof};
use crate::error::Endpoint;
use crate::keys::ClientKeyset;
use crate::proofs::{Form, ProofSender};
use crate::store::BoundClientKey;

/// What proves the client.
pub(crate) enum Authenticator {
    None,
    Keys(RwLock<ClientKeyset>),
    Backend(Url),
}

/// Whom a proof is for, and with which key it must be made.
pub(crate) struct Audience<'a> {
    pub(crate) client_id: &'a ClientId,
    pub(crate) issuer: &'a Issuer,
    pub(crate) key: Option<&'a BoundClientKey>,
}

/// What a backend answers (atproto proposal 0010).
#[derive(Serialize, Deserialize)]
pub(crate) struct BackendAnswer {
    pub(crate) client_id: ClientId,
    pub(crate) client_assertion: String,
}

impl Authenticator {
    pub(crate) fn of(config: &ClientConfig) -> Self {
        match config.proof() {
            Proof::None => Self::None,
            Proof::Keys(keys) => Self::Keys(RwLock::new(keys.clone())),
            Proof::Backend(url) => Self::Backend(url.clone()),
        }
    }

    /// The keys as they are now, where the client has its own.
    pub(crate) fn keys(&self) -> Option<ClientKeyset> {
        match self {
            Self::Keys(keys) => Some(keys.read().unwrap_or_else(PoisonError::into_inner).clone()),
            Self::None | Self::Backend(_) => None,
        }
    }

    /// Puts others in their place.
    pub(crate) fn replace_keys(&self, new: ClientKeyset) {
        if let Self::Keys(keys) = self {
            *keys.write().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }

    /// The key with which a new session begins. A backend says so only once it has signed.
    pub(crate) fn key_for_new(&self) -> Option<BoundClientKey> {
        self.keys()?.first().map(|(bound, _)| bound)
    }

    /// What goes into a form to prove the client. `dpop` is the key of the request's own proof.
    pub(crate) async fn prove(
        &self,
        audience: &Audience<'_>,
        dpop: &PrivateKey,
        now: UnixTime,
        sender: &ProofSender,
    ) -> Result<Vec<(&'static str, String)>, ClientError> {
        let assertion = match self {
            Self::None => {
                return match audience.key {
                    None => Ok(Vec::new()),
                    // It began when the app had keys, and is bound to one.
                    Some(bound) => Err(gone(&bound.kid)),
                };
            }
            // The session began before the app had keys.
            Self::Keys(_) if audience.key.is_none() => return Ok(Vec::new()),
            Self::Keys(_) => self.sign(audience, now, sender)?,
            Self::Backend(url) => ask(url, audience, dpop, sender).await?.client_assertion,
        };
        Ok(vec![
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", assertion),
        ])
    }

    /// Which key of the backend signs, for a session that begins.
    pub(crate) async fn ask_for_key(
        &self,
        audience: &Audience<'_>,
        dpop: &PrivateKey,
        sender: &ProofSender,
    ) -> Result<Option<BoundClientKey>, ClientError> {
        let Self::Backend(url) = self else {
            return Ok(self.key_for_new());
        };
        let answer = ask(url, audience, dpop, sender).await?;
        let kid = CompactJws::parse(&answer.client_assertion)
            .ok()
            .and_then(|jws| jws.kid());
        Ok(kid.map(|kid| BoundClientKey { kid, jkt: None }))
    }

    fn sign(
        &self,
        audience: &Audience<'_>,
        now: UnixTime,
        sender: &ProofSender,
    ) -> Result<String, ClientError> {
        let bound = audience.key.ok_or_else(|| gone("(none)"))?;
        let keys = self.keys().ok_or_else(|| gone(&bound.kid))?;
        let key = keys.bound(bound).ok_or_else(|| gone(&bound.kid))?;
        let new = NewAssertion {
            client_id: audience.client_id,
            issuer: audience.issuer,
            kid: &bound.kid,
            bound_to: None,
            iat: now,
        };
        Ok(new.sign(key, sender.random())?)
    }
}

fn gone(kid: &str) -> ClientError {
    ClientError::KeyGone {
        kid: kid.to_owned(),
    }
}

/// Asks the backend to sign. It sees a proof by the session's key, and no token.
async fn ask(
    url: &Url,
    audience: &Audience<'_>,
    dpop: &PrivateKey,
    sender: &ProofSender,
) -> Result<BackendAnswer, ClientError> {
    let mut fields = vec![("aud", audience.issuer.as_str())];
    fields.extend(audience.key.map(|key| ("kid", key.kid.as_str())));
    let form = Form {
        endpoint: Endpoint::ClientAssertion,
        url: url.as_str(),
        fields: &fields,
        client: None,
    };
    // On the heap: it is a request within a request.
    let answer = Box::pin(sender.post(&form, dpop)).await?;
    let answer: BackendAnswer =
        read_answer(Endpoint::ClientAssertion, StatusCode::OK, &answer.response)?;
    if answer.client_id == *audience.client_id {
        return Ok(answer);
    }
    Err(ClientError::Departure {
        endpoint: Endpoint::ClientAssertion,
        what: format!("it signs for {}", answer.client_id),
    })
}
