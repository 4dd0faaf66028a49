//! Refresh: one at a time for each session, and never lost.
//!
//! Under the session's lock the store is read again: who waited finds the work done. The request
//! runs in a task of its own, so that a caller who gives up can't lose the answer. The new tokens
//! replace the old by compare-and-swap; where another process came first, its tokens are taken.

use atpass_protocol::request::TokenResponse;
use atpass_protocol::secret::Secret;
use http::StatusCode;

use crate::store::{PutOutcome, SessionKey, StoreFailure, StoredSession};
use crate::token_request::{check_tokens, lifetime, post_form, read_answer};
use crate::{ClientError, OAuthClient};

const TOKEN: &str = "the token endpoint";

impl OAuthClient {
    /// Refreshes the session, unless its access token is already another one than `stale`.
    pub(crate) async fn refresh(
        &self,
        key: &SessionKey,
        stale: Option<&Secret>,
    ) -> Result<StoredSession, ClientError> {
        let (client, key, stale) = (self.clone(), key.clone(), stale.cloned());
        let task = tokio::spawn(async move {
            let lock = client.lock_of(&key);
            let _alone = lock.lock().await;
            client.refresh_alone(&key, stale.as_ref()).await
        });
        task.await
            .map_err(|error| StoreFailure(format!("the refresh stopped: {error}")))?
    }

    async fn refresh_alone(
        &self,
        key: &SessionKey,
        stale: Option<&Secret>,
    ) -> Result<StoredSession, ClientError> {
        let (stored, version) = self.read(key).await?;
        if stale.is_some_and(|stale| *stale != stored.access_token) {
            return Ok(stored);
        }
        let tokens = match self.ask(&stored).await {
            Ok(tokens) => tokens,
            Err(ClientError::Refused {
                status,
                error,
                description,
                ..
            }) if status == 400 && error == "invalid_grant" => {
                return self.after_refusal(key, version, description).await;
            }
            Err(error) => return Err(error),
        };
        let renewed = StoredSession {
            expires_at: self.clock().now().plus(lifetime(&tokens)),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token.or(stored.refresh_token),
            scope: tokens.scope,
            ..stored
        };
        match self.store().put(key, &renewed, Some(version)).await? {
            PutOutcome::Stored(_) => Ok(renewed),
            // Another process refreshed, or signed out, in the meantime: what it left counts.
            PutOutcome::Conflict => Ok(self.read(key).await?.0),
        }
    }

    async fn ask(&self, stored: &StoredSession) -> Result<TokenResponse, ClientError> {
        let over = || {
            ClientError::SessionEnded(
                "the access token has ended, and there is no refresh token".into(),
            )
        };
        let refresh_token = stored.refresh_token.as_ref().ok_or_else(over)?;
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.config().client_id().as_str()),
            ("refresh_token", refresh_token.expose()),
        ];
        let answer = post_form(
            self.sender(),
            &stored.token_endpoint,
            &stored.key.to_key()?,
            &form,
        )
        .await?;
        let tokens: TokenResponse = read_answer(TOKEN, StatusCode::OK, &answer.response)?;
        check_tokens(TOKEN, &tokens)?;
        if tokens.sub != stored.did {
            return Err(ClientError::WrongAccount {
                expected: stored.did.clone(),
                got: tokens.sub,
            });
        }
        // The new tokens can't be had again, so they are kept first (clause C-DPOP-03).
        if !answer.had_nonce {
            tracing::warn!(issuer = %stored.issuer, "a refresh answer has no DPoP-Nonce");
        }
        Ok(tokens)
    }

    /// The server says that the token is no good. Perhaps another process was faster; if not, the
    /// session is over (clause C-REF-04).
    async fn after_refusal(
        &self,
        key: &SessionKey,
        version: u64,
        description: Option<String>,
    ) -> Result<StoredSession, ClientError> {
        let (stored, current) = self.read(key).await?;
        if current != version {
            return Ok(stored);
        }
        self.store().remove(key).await?;
        let why = description
            .unwrap_or_else(|| "the server doesn't take its refresh token any more".into());
        Err(ClientError::SessionEnded(why))
    }

    async fn read(&self, key: &SessionKey) -> Result<(StoredSession, u64), ClientError> {
        let found = self.store().get(key).await?;
        found.ok_or_else(|| ClientError::SessionEnded("it was signed out".into()))
    }
}
