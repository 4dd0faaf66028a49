//! A session: calls with token and proof, and refreshes itself.

use std::fmt;
use std::sync::Arc;

use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::scope::{Scope, ScopeSet};
use atpass_protocol::time::UnixTime;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde_json::Value;

use crate::login::{LoginOptions, LoginRequest};
use crate::proofs::{Answer, challenge_has};
use crate::store::{SessionKey, StoredSession};
use crate::{ClientError, OAuthClient};

/// Seconds before its end at which an access token is refreshed.
const EARLY: i64 = 60;

/// A login of one account. Cheap to clone; holds no tokens itself, the store does.
#[derive(Clone)]
pub struct Session {
    client: OAuthClient,
    key: SessionKey,
    did: Did,
    pds: Arc<Issuer>,
}

impl Session {
    pub(crate) fn new(client: OAuthClient, key: SessionKey, stored: &StoredSession) -> Self {
        Self {
            client,
            key,
            did: stored.did.clone(),
            pds: Arc::new(stored.pds.clone()),
        }
    }

    /// The name under which [`OAuthClient::restore`] finds it again.
    pub const fn key(&self) -> &SessionKey {
        &self.key
    }

    /// The account.
    pub const fn did(&self) -> &Did {
        &self.did
    }

    /// The account's PDS.
    pub fn pds(&self) -> &Issuer {
        &self.pds
    }

    /// What was granted, as the server wrote it.
    pub async fn scope(&self) -> Result<String, ClientError> {
        Ok(self.stored().await?.0.scope)
    }

    /// What was granted. Values that this version doesn't know are left out; [`Self::scope`] has
    /// them.
    pub async fn granted(&self) -> Result<ScopeSet, ClientError> {
        let scope = self.scope().await?;
        let known = scope
            .split_ascii_whitespace()
            .filter_map(|value| Scope::parse(value).ok());
        Ok(ScopeSet::of(known))
    }

    /// What of `needed` wasn't granted: nothing, if the app can go on.
    pub async fn missing(&self, needed: &ScopeSet) -> Result<Vec<Scope>, ClientError> {
        let asked = self.stored().await?.0.asked;
        let mut missing = self.granted().await?.missing(needed);
        // A permission set was granted as what it holds.
        missing.retain(|scope| !(matches!(scope, Scope::Include(_)) && asked.contains(scope)));
        Ok(missing)
    }

    /// Begins a login that asks for `needed` besides what was granted, unless all of it was. This
    /// session goes on until [`OAuthClient::callback`] has stored the new one, and then ends.
    pub async fn upgrade_scopes(
        &self,
        needed: &ScopeSet,
    ) -> Result<Option<LoginRequest>, ClientError> {
        let missing = self.missing(needed).await?;
        if missing.is_empty() {
            return Ok(None);
        }
        let asked = self.stored().await?.0.asked;
        let options = LoginOptions::default()
            .scope(ScopeSet::of(asked.iter().cloned().chain(missing)))
            .replacing(self.key.clone());
        let login = self.client.login_with(self.did.as_str(), options).await?;
        Ok(Some(login))
    }

    /// When the access token ends.
    pub async fn expires_at(&self) -> Result<UnixTime, ClientError> {
        Ok(self.stored().await?.0.expires_at)
    }

    /// Sends a request to the account's PDS (a path), or elsewhere (a whole URL), with token and
    /// proof. The answer may have any status; what this adds is the token, the nonce and, where
    /// the token has ended, one refresh.
    pub async fn request(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        if request.uri().host().is_none() {
            let url = self.pds.at(&request.uri().to_string());
            *request.uri_mut() = url
                .parse()
                .map_err(|error: http::uri::InvalidUri| ClientError::Request(error.to_string()))?;
        }
        let stored = self.fresh().await?;
        let answer = self.send(&request, &stored).await?;
        let ended = answer.response.status() == StatusCode::UNAUTHORIZED
            && challenge_has(&answer.response, "invalid_token");
        if !ended || stored.refresh_token.is_none() {
            return Ok(answer.response);
        }
        let stored = self
            .client
            .refresh(&self.key, Some(&stored.access_token))
            .await?;
        Ok(self.send(&request, &stored).await?.response)
    }

    /// Gets a path of the PDS.
    pub async fn get(&self, path: &str) -> Result<Response<Bytes>, ClientError> {
        let request = Request::get(path)
            .header(ACCEPT, "application/json")
            .body(Bytes::new());
        self.request(request.map_err(|error| ClientError::Request(error.to_string()))?)
            .await
    }

    /// Posts JSON to a path of the PDS.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Response<Bytes>, ClientError> {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(Bytes::from(body.to_string()));
        self.request(request.map_err(|error| ClientError::Request(error.to_string()))?)
            .await
    }

    /// Refreshes now, whatever the time. Not needed before a request.
    pub async fn refresh(&self) -> Result<(), ClientError> {
        self.client.refresh(&self.key, None).await.map(|_| ())
    }

    /// Ends the session at the server, then forgets it. Where the server can't be reached it is
    /// forgotten all the same, and the error says so.
    pub async fn logout(self) -> Result<(), ClientError> {
        let (stored, _) = self.stored().await?;
        let token = stored
            .refresh_token
            .as_ref()
            .unwrap_or(&stored.access_token);
        let key = stored.key.to_key()?;
        let endpoint = stored.revocation_endpoint.as_deref();
        let revoked = self.client.revoke(endpoint, &key, token, &self.did).await;
        self.client.store().remove(&self.key).await?;
        revoked
    }

    /// The session with an access token that hasn't ended: refreshed a little early, so that the
    /// request needn't be sent twice. While the token is still good, a server's bad day at its
    /// token endpoint is no obstacle.
    async fn fresh(&self) -> Result<StoredSession, ClientError> {
        let (stored, _) = self.stored().await?;
        let left = stored.expires_at.since(self.client.clock().now());
        if left >= EARLY || stored.refresh_token.is_none() {
            return Ok(stored);
        }
        match self
            .client
            .refresh(&self.key, Some(&stored.access_token))
            .await
        {
            Err(error) if error.is_transient() && left > 0 => Ok(stored),
            refreshed => refreshed,
        }
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        stored: &StoredSession,
    ) -> Result<Answer, ClientError> {
        let key = stored.key.to_key()?;
        self.client
            .sender()
            .send(request, &key, Some(&stored.access_token))
            .await
    }

    async fn stored(&self) -> Result<(StoredSession, u64), ClientError> {
        let found = self.client.store().get(&self.key).await?;
        found.ok_or_else(|| ClientError::SessionEnded("it was signed out".into()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("did", &self.did)
            .field("pds", &self.pds)
            .finish_non_exhaustive()
    }
}
