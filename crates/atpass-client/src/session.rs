//! A session: calls with token and proof, and refreshes itself.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random;
use atpass_protocol::scope::{Scope, ScopeSet};
#[cfg(feature = "jacquard")]
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde_json::Value;

use crate::answers::ending_token;
use crate::granted::known;
use crate::login::{LoginOptions, LoginRequest};
use crate::proofs::{challenge_has, oauth_error};
use crate::refresh::Cause;
use crate::store::{SessionKey, StoredSession};
use crate::{ClientError, OAuthClient};

/// Seconds before its end at which an access token is refreshed, and up to as many more, so that
/// sessions that began together aren't refreshed together. Of a short-lived token, a fifth of its life.
const EARLY: i64 = 60;
/// Seconds for which an access token that came in place of a refused one isn't refreshed again, though a
/// server refuses it as well: so it would go with the next.
const SHORTEST_INTERVAL: i64 = 10;
/// Seconds by which the clocks of processes with one store may differ, without anybody minding.
const CLOCK_TOLERANCE: i64 = 120;
/// How long a request waits for a refresh while its token is still good.
const PATIENCE: Duration = Duration::from_secs(3);

/// A login of one account. Cheap to clone; clones share what they know.
///
/// Between two requests it remembers the tokens, and asks the store when they end or are refused. So a
/// session that was signed out elsewhere ends here with the next answer of a server.
#[derive(Clone)]
pub struct Session {
    client: OAuthClient,
    key: SessionKey,
    did: Did,
    live: Arc<RwLock<Arc<Live>>>,
}

/// A session as it was last seen, with its key ready to sign.
struct Live {
    stored: StoredSession,
    key: PrivateKey,
    refresh_at: UnixTime,
}

impl Live {
    fn new(client: &OAuthClient, stored: StoredSession) -> Result<Arc<Self>, ClientError> {
        let life = stored.expires_at.since(stored.refreshed_at);
        let [byte] = random::bytes::<1>(client.random());
        let early = EARLY + EARLY * i64::from(byte) / 256;
        let key = stored.key.to_key()?;
        Ok(Arc::new(Self {
            refresh_at: stored.expires_at.plus(-early.min(life / 5)),
            stored,
            key,
        }))
    }
}

impl Session {
    pub(crate) fn new(
        client: OAuthClient,
        key: SessionKey,
        stored: StoredSession,
    ) -> Result<Self, ClientError> {
        let did = stored.did.clone();
        let live = Arc::new(RwLock::new(Live::new(&client, stored)?));
        Ok(Self {
            client,
            key,
            did,
            live,
        })
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
    pub fn pds(&self) -> Issuer {
        self.live().stored.pds.clone()
    }

    /// The authorization server.
    pub fn issuer(&self) -> Issuer {
        self.live().stored.server.issuer.clone()
    }

    /// What was granted, as the server wrote it.
    pub fn scope(&self) -> String {
        self.live().stored.scope.clone()
    }

    /// What was granted. Values that this version doesn't know are left out; [`Self::scope`] has
    /// them.
    pub fn granted(&self) -> ScopeSet {
        ScopeSet::of(known(&self.live().stored.scope))
    }

    /// What of `needed` wasn't granted: nothing, if the app can go on.
    pub fn missing(&self, needed: &ScopeSet) -> Vec<Scope> {
        let live = self.live();
        let asked = &live.stored.asked;
        let mut missing = self.granted().missing(needed);
        // A permission set was granted as what it holds.
        missing.retain(|scope| !(matches!(scope, Scope::Include(_)) && asked.contains(scope)));
        missing
    }

    /// Begins a login that asks for `needed` besides what was granted, unless all of it was. This
    /// session goes on until [`OAuthClient::callback`] has stored the new one, and then ends.
    pub async fn upgrade_scopes(
        &self,
        needed: &ScopeSet,
    ) -> Result<Option<LoginRequest>, ClientError> {
        let missing = self.missing(needed);
        if missing.is_empty() {
            return Ok(None);
        }
        let asked = self.live().stored.asked.clone();
        let options = LoginOptions::default()
            .scope(ScopeSet::of(asked.iter().cloned().chain(missing)))
            .replacing(self.key.clone());
        let login = self.client.login_with(self.did.as_str(), options).await?;
        Ok(Some(login))
    }

    /// When the access token ends. The session goes on: it is refreshed before.
    pub fn expires_at(&self) -> UnixTime {
        self.live().stored.expires_at
    }

    /// Sends a request to the account's PDS (a path), or elsewhere (a whole URL), with token and
    /// proof. The answer may have any status; what this adds is the token, the nonce and, where
    /// the token has ended, one refresh.
    ///
    /// The token is for the account's PDS: another server that gets it can't use it, as it lacks the
    /// session's key.
    #[tracing::instrument(skip_all, fields(did = %self.did))]
    pub async fn request(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let live = self.fresh().await?;
        let answer = self.send(&request, &live).await?;
        // Only the account's own server knows whether its token and the account are good.
        if !is_for_pds(&request, &live.stored) {
            return Ok(answer);
        }
        let again = if is_deactivated(&answer) {
            self.after_deactivation(&live).await?
        } else if answer.status() == StatusCode::UNAUTHORIZED
            && challenge_has(&answer, "invalid_token")
        {
            self.after_rejection(&live).await?
        } else {
            None
        };
        match again {
            Some(live) => self.send(&request, &live).await,
            None => Ok(answer),
        }
    }

    /// So an account looks to its old server when it has moved. At another server that the same
    /// authorization server speaks for, the session goes on; elsewhere it is over.
    async fn after_deactivation(&self, live: &Live) -> Result<Option<Arc<Live>>, ClientError> {
        if !self.client.may_check_again(&live.stored) {
            return Ok(None);
        }
        match self.client.check(&self.key, &live.stored).await {
            Ok(checked) => {
                let moved = checked.pds != live.stored.pds;
                let checked = self.remember(checked)?;
                Ok(moved.then_some(checked))
            }
            Err(error) if error.needs_login() => Err(error),
            Err(error) => {
                tracing::warn!(%error, "what was found of an account could not be kept");
                Ok(None)
            }
        }
    }

    /// Another access token than the one that was refused, if there is hope for one.
    async fn after_rejection(&self, live: &Live) -> Result<Option<Arc<Live>>, ClientError> {
        let stored = &live.stored;
        let since = self.client.clock().now().since(stored.refreshed_at);
        // A time in the future was written by a clock that was wrong.
        let is_new = stored.follows_refused && (0..SHORTEST_INTERVAL).contains(&since);
        if !is_new && stored.refresh_token.is_some() {
            let cause = Cause::Rejected(stored.access_token.clone());
            return self.refreshed(cause).await.map(Some);
        }
        // Perhaps it was refreshed elsewhere, or signed out.
        let (now, _) = self.client.read(&self.key).await?;
        if now.access_token != stored.access_token {
            return self.remember(now).map(Some);
        }
        if now.refresh_token.is_none() {
            let why = "the access token has ended, and there is no refresh token";
            return Err(ClientError::SessionEnded(why.into()));
        }
        Ok(None)
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
        let (stored, _) = self.client.read(&self.key).await?;
        self.refreshed(Cause::Wanted(stored.access_token)).await?;
        Ok(())
    }

    /// Ends the session at the server, then forgets it. Where the server can't be reached it is
    /// forgotten all the same, and the error says so.
    #[tracing::instrument(skip_all, fields(did = %self.did))]
    pub async fn logout(self) -> Result<(), ClientError> {
        // What it begins it finishes, though nobody may wait for it.
        let task = tokio::spawn(async move { self.logout_in_turn().await });
        task.await
            .map_err(|error| ClientError::Request(format!("the logout stopped: {error}")))?
    }

    async fn logout_in_turn(&self) -> Result<(), ClientError> {
        let lock = self.client.lock_of(&self.key);
        let _alone = lock.lock().await;
        let mut revoked = None;
        loop {
            let (stored, version) = self.client.read(&self.key).await?;
            let token = ending_token(stored.refresh_token.as_ref(), &stored.access_token);
            let outcome = match revoked {
                Some((of, outcome)) if of == *token => outcome,
                // The first time, or another process has refreshed meanwhile.
                _ => {
                    let key = stored.key.to_key()?;
                    self.client.revoke(&stored.holder(&key), token).await
                }
            };
            if self.client.vault().remove(&self.key, Some(version)).await? {
                return outcome;
            }
            revoked = Some((token.clone(), outcome));
        }
    }

    /// The session with an access token that hasn't ended: refreshed a little early, so that the
    /// request needn't be sent twice. While the token is still good, a server's bad day at its
    /// token endpoint is no obstacle.
    async fn fresh(&self) -> Result<Arc<Live>, ClientError> {
        let live = self.live();
        let now = self.client.clock().now();
        let stored = &live.stored;
        let interrupted = stored
            .refreshing
            .as_ref()
            .is_some_and(|mark| mark.until <= now);
        let from_the_future = stored.refreshed_at.since(now) > CLOCK_TOLERANCE;
        let due = now >= live.refresh_at || interrupted || from_the_future;
        if stored.refresh_token.is_none() || !(due || stored.moved_to.is_some()) {
            return Ok(live);
        }
        let refreshed = self.refreshed(Cause::Due(stored.access_token.clone()));
        if now >= stored.expires_at || stored.moved_to.is_some() {
            return refreshed.await;
        }
        // One waits for it, and not for long; a server that doesn't answer holds nobody up.
        let is_tried = self.client.is_refreshing(&self.key)
            || self.client.failures().recent(&self.key, now).is_some();
        if is_tried {
            return Ok(live);
        }
        match tokio::time::timeout(PATIENCE, refreshed).await {
            Ok(Err(error)) if error.needs_login() => Err(error),
            Ok(Ok(refreshed)) => Ok(refreshed),
            Ok(Err(_)) | Err(_) => Ok(live),
        }
    }

    async fn refreshed(&self, cause: Cause) -> Result<Arc<Live>, ClientError> {
        self.remember(self.client.refresh(&self.key, cause).await?)
    }

    fn remember(&self, stored: StoredSession) -> Result<Arc<Live>, ClientError> {
        let live = Live::new(&self.client, stored)?;
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live.clone();
        Ok(live)
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        live: &Live,
    ) -> Result<Response<Bytes>, ClientError> {
        let mut request = request.clone();
        if request.uri().host().is_none() {
            let url = live.stored.pds.at(&request.uri().to_string());
            *request.uri_mut() = url
                .parse()
                .map_err(|error: http::uri::InvalidUri| ClientError::Request(error.to_string()))?;
        }
        let token = &live.stored.access_token;
        let sender = self.client.sender();
        Ok(sender.call(&request, &live.key, token).await?.response)
    }

    /// The client whose session it is.
    #[cfg(any(feature = "atrium", feature = "jacquard"))]
    pub(crate) const fn client(&self) -> &OAuthClient {
        &self.client
    }

    /// The access token as it was last seen.
    #[cfg(feature = "jacquard")]
    pub(crate) fn access_token(&self) -> Secret {
        self.live().stored.access_token.clone()
    }

    fn live(&self) -> Arc<Live> {
        self.live
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Whether the request goes to the account's PDS.
fn is_for_pds(request: &Request<Bytes>, stored: &StoredSession) -> bool {
    request.uri().host().is_none()
        || url::Url::parse(&request.uri().to_string())
            .is_ok_and(|url| url.origin().ascii_serialization() == stored.pds.as_str())
}

/// Whether a PDS says that the account isn't active there.
fn is_deactivated(answer: &Response<Bytes>) -> bool {
    answer.status().is_client_error()
        && oauth_error(answer).is_some_and(|body| {
            matches!(
                body.error.as_str(),
                "AccountDeactivated" | "RepoDeactivated" | "AccountNotFound"
            )
        })
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("did", &self.did)
            .finish_non_exhaustive()
    }
}
