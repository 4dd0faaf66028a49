//! After the answer: new tokens are kept whatever happens, and a session ends only when the server says
//! so and nobody else was faster.

use std::time::Duration;

use atpass_protocol::request::TokenResponse;

use super::lease::{Lease, is_others};
use crate::answers::{ending_token, lifetime};
use crate::pause::pause;
use crate::store::{PutOutcome, StoreFailure, StoredSession};
use crate::{ClientError, OAuthClient};

/// How often new tokens are offered to a store that fails. With the pauses, about a minute.
const MOST_TRIES: u32 = 30;

impl Lease<'_> {
    /// Stores the new tokens.
    pub(super) async fn keep(
        mut self,
        tokens: TokenResponse,
    ) -> Result<StoredSession, ClientError> {
        let presented = self.session.refresh_token.clone();
        let mut tries = 0;
        loop {
            let renewed = StoredSession {
                follows_refused: self.was_refused,
                ..renew(self.client, self.session.clone(), &tokens)
            };
            let vault = self.client.vault();
            let outcome = match vault.put(self.key, &renewed, Some(self.version)).await {
                Ok(PutOutcome::Stored(_)) => return Ok(renewed),
                Ok(PutOutcome::Conflict) => vault.get(self.key).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(Some((session, version))) => {
                    if session.refresh_token != presented {
                        // Another process took over, and has newer ones.
                        return Ok(session);
                    }
                    // The record changed in another way: the identity was checked, or somebody who
                    // thinks that we are dead has put their mark.
                    (self.session, self.version) = (session, version);
                }
                Ok(None) => return Err(self.signed_out(&tokens).await),
                Err(error) => self.store_failed(&mut tries, error).await?,
            }
        }
    }

    async fn store_failed(&self, tries: &mut u32, error: StoreFailure) -> Result<(), ClientError> {
        *tries += 1;
        if *tries == MOST_TRIES {
            return Err(error.into());
        }
        tracing::warn!(%error, "new tokens could not be stored; trying again");
        let wait = Duration::from_millis(100).saturating_mul(*tries);
        pause(wait, self.client.random()).await;
        Ok(())
    }

    /// Somebody signed out while the refresh was on its way: its tokens are ended too.
    async fn signed_out(&self, tokens: &TokenResponse) -> ClientError {
        match self.session.key.to_key() {
            Ok(key) => {
                let holder = self.session.holder(&key);
                let token = ending_token(tokens.refresh_token.as_ref(), &tokens.access_token);
                self.client.give_up(&holder, token).await;
                ClientError::SessionEnded("it was signed out".into())
            }
            Err(error) => error.into(),
        }
    }

    /// The server says that the token is no good. Perhaps another process was faster; if not, the
    /// session is over (clause C-REF-04).
    pub(super) async fn end(self, refusal: ClientError) -> Result<StoredSession, ClientError> {
        let ClientError::Refused { description, .. } = refusal else {
            return Err(refusal);
        };
        // An account that has moved is told so, rather than that its session is over.
        if let Some(to) = self.client.moved_to(&self.session).await {
            let did = self.session.did.clone();
            self.release(false).await;
            return Err(ClientError::SessionMoved { did, to });
        }
        let vault = self.client.vault();
        loop {
            let (session, version) = self.client.read(self.key).await?;
            if session.refresh_token != self.session.refresh_token {
                return Ok(session);
            }
            if is_others(&session, self.client) {
                let why = "another process refreshes the session; try again";
                return Err(StoreFailure(why.into()).into());
            }
            if vault.remove(self.key, Some(version)).await? {
                let why = "the server doesn't take its refresh token any more";
                let why = description.unwrap_or_else(|| why.into());
                return Err(ClientError::SessionEnded(why));
            }
        }
    }
}

fn renew(client: &OAuthClient, session: StoredSession, tokens: &TokenResponse) -> StoredSession {
    let now = client.clock().now();
    StoredSession {
        access_token: tokens.access_token.clone(),
        refreshed_at: now,
        expires_at: now.plus(lifetime(tokens)),
        refresh_token: tokens.refresh_token.clone().or(session.refresh_token),
        scope: tokens.scope.clone(),
        refreshing: None,
        ..session
    }
}
