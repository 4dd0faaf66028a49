//! Refresh: one at a time for each session, in all processes, and never lost.
//!
//! 1. Under the session's lock in this process the store is read again: who waited finds the work done.
//! 2. A mark is written by compare-and-swap ([`lease`]): other processes wait for it.
//! 3. The request runs in a task of its own, so that a caller who gives up can't lose the answer. Where
//!    no answer comes, it is sent again: our servers give the same answer for a minute.
//! 4. The new tokens replace the old ([`keep`]), whatever else happened to the record meanwhile.
//!
//! A process that is killed leaves its mark. The next one waits until the mark's time is over, and
//! sends the token again. Beside it, DID, PDS and server are checked to still belong together, at most
//! once an hour ([`moved`]).

mod failures;
mod keep;
mod lease;
mod moved;

use std::time::Duration;

use atpass_protocol::request::TokenResponse;
use atpass_protocol::secret::Secret;
use http::StatusCode;

use crate::answers::{check_tokens, ending_token, read_answer};
use crate::error::Endpoint;
use crate::granted::unasked;
use crate::pause::pause;
use crate::store::{SessionKey, StoreFailure, StoredSession};
use crate::{ClientError, OAuthClient};
pub(crate) use failures::Failures;
use lease::{Lease, Turn};

/// Before a token is sent a second time.
const BEFORE_SECOND_TRY: Duration = Duration::from_millis(500);
/// When nobody knows whether the server exchanged a token: the times at which it is tried again, though
/// nobody asks any more. Together less than the minute for which the answer can be had again.
const TRY_AGAIN_AFTER: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(15),
];

/// Why a session is refreshed, and the access token of which that is said.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// It ends soon, or its refresh was interrupted.
    Due(Secret),
    /// The app wants another one, whatever happened a moment ago.
    Wanted(Secret),
    /// A server of resources refused it.
    Rejected(Secret),
}

impl OAuthClient {
    /// Refreshes the session, unless its access token is already another one than the cause names.
    #[tracing::instrument(skip_all)]
    pub(crate) async fn refresh(
        &self,
        key: &SessionKey,
        cause: Cause,
    ) -> Result<StoredSession, ClientError> {
        let (client, key) = (self.clone(), key.clone());
        let task = tokio::spawn(async move {
            let refreshed = client.refresh_in_turn(&key, &cause).await;
            if let Err(error) = &refreshed
                && error.may_have_happened()
                && client.begins_recovery(&key)
            {
                tokio::spawn(async move {
                    client.try_again(&key).await;
                    client.ends_recovery(&key);
                });
            }
            refreshed
        });
        task.await
            .map_err(|error| StoreFailure(format!("the refresh stopped: {error}")))?
    }

    async fn refresh_in_turn(
        &self,
        key: &SessionKey,
        cause: &Cause,
    ) -> Result<StoredSession, ClientError> {
        let lock = self.lock_of(key);
        let _alone = lock.lock().await;
        // Who waited while it failed doesn't try again at once.
        if !matches!(cause, Cause::Wanted(_))
            && let Some(failure) = self.failures().recent(key, self.clock().now())
        {
            return Err(failure);
        }
        let refreshed = self.refresh_alone(key, cause).await;
        match &refreshed {
            Err(error) if !error.needs_login() => {
                self.failures().note(key, error, self.clock().now());
            }
            _ => self.failures().forget(key),
        }
        refreshed
    }

    async fn refresh_alone(
        &self,
        key: &SessionKey,
        cause: &Cause,
    ) -> Result<StoredSession, ClientError> {
        let mut lease = match Lease::take(self, key, cause).await? {
            Turn::Ours(lease) => lease,
            Turn::Done(refreshed) => return Ok(refreshed),
        };
        if let Err(error) = self.check_if_due(key, &lease.session, cause).await {
            lease.release(false).await;
            return Err(error);
        }
        let session = lease.session.clone();
        match lease.hold_while(self.ask_twice(&session)).await {
            Ok(tokens) => lease.keep(tokens).await,
            Err(error) if is_the_end(&error) => lease.end(error).await,
            Err(error) => {
                lease.release(error.may_have_happened()).await;
                Err(error)
            }
        }
    }

    /// Goes on with a refresh of which nobody knows how it ended, so that a session isn't lost because
    /// nobody happened to need it for a minute.
    async fn try_again(&self, key: &SessionKey) {
        for wait in TRY_AGAIN_AFTER {
            pause(wait, self.random()).await;
            let session = match self.vault().get(key).await {
                Ok(Some((session, _))) if session.refreshing.is_some() => session,
                Ok(_) => return,
                Err(_) => continue,
            };
            let cause = Cause::Wanted(session.access_token);
            match self.refresh_in_turn(key, &cause).await {
                Err(error) if error.may_have_happened() || error.is_transient() => {}
                _ => return,
            }
        }
    }

    /// Sends the refresh token; once more where no answer came.
    async fn ask_twice(&self, session: &StoredSession) -> Result<TokenResponse, ClientError> {
        match self.ask(session).await {
            Err(error) if error.may_have_happened() => {
                tracing::debug!(%error, "no answer to a refresh; asking again");
                pause(BEFORE_SECOND_TRY, self.random()).await;
                self.ask(session).await
            }
            answer => answer,
        }
    }

    async fn ask(&self, session: &StoredSession) -> Result<TokenResponse, ClientError> {
        let Some(refresh_token) = &session.refresh_token else {
            let what = "it gave no refresh token, so the session lasts as long as its access token";
            return Err(ClientError::Departure {
                endpoint: Endpoint::Token,
                what: what.into(),
            });
        };
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", session.client_id.as_str()),
            ("refresh_token", refresh_token.expose()),
        ];
        let key = session.key.to_key()?;
        let holder = session.holder(&key);
        let answer = self
            .sender()
            .post(&self.token_form(&holder, &fields), &key)
            .await?;
        let tokens: TokenResponse = read_answer(Endpoint::Token, StatusCode::OK, &answer.response)?;
        if let Err(error) = check_tokens(&tokens).and_then(|()| check_account(&tokens, session)) {
            // Nobody may use them.
            let token = ending_token(tokens.refresh_token.as_ref(), &tokens.access_token);
            self.give_up(&holder, token).await;
            return Err(error);
        }
        // The new tokens can't be had again, so they are kept, and what is odd about them is reported
        // (clause C-DPOP-03). That goes for scopes never asked for as well: at a login they are refused,
        // but here it would cost the person a session that is theirs, and the app uses only what it
        // knows to ask for.
        let issuer = &session.server.issuer;
        if !answer.had_nonce {
            tracing::warn!(%issuer, "a refresh answer has no DPoP-Nonce");
        }
        let unasked = unasked(&tokens.scope, &session.asked);
        if !unasked.is_empty() {
            tracing::warn!(%issuer, %unasked, "a refresh answer has scopes that were never asked for");
        }
        Ok(tokens)
    }
}

/// A refresh answer is for the session's account.
fn check_account(tokens: &TokenResponse, session: &StoredSession) -> Result<(), ClientError> {
    if tokens.sub == session.did {
        return Ok(());
    }
    Err(ClientError::WrongAccount {
        expected: session.did.clone(),
        got: tokens.sub.clone(),
    })
}

/// Whether the server says that the token is no good any more. RFC 6749 section 5.2 has 400 for it; there
/// are servers that say it with 401.
fn is_the_end(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { status: 400 | 401, error, .. } if error == "invalid_grant")
}
