//! Whether the account still belongs to the server that gave the session.
//!
//! An account can move to another PDS, and its old server goes on to take its tokens. So DID → PDS →
//! server is gone again beside a refresh, at most once an hour, and at once when tokens are refused.

use atpass_identity::{Freshness, IdentityError};
use atpass_protocol::id::Issuer;

use super::Cause;
use crate::store::{PutOutcome, SessionKey, StoredSession};
use crate::{ClientError, OAuthClient};

/// Seconds between two checks.
const INTERVAL: i64 = 60 * 60;
/// The same where a server of resources refused the access token.
const INTERVAL_WHEN_REJECTED: i64 = 60;

impl OAuthClient {
    /// Checks, where it is time. Beside the refresh; before it, where something is wrong already.
    pub(super) async fn check_if_due(
        &self,
        key: &SessionKey,
        session: &StoredSession,
        cause: &Cause,
    ) -> Result<(), ClientError> {
        let suspicious = match cause {
            Cause::Rejected(_) => self.may_check_again(session),
            Cause::Due(_) | Cause::Wanted(_) => session.moved_to.is_some(),
        };
        if suspicious {
            return self.check(key, session).await.map(drop);
        }
        if self.is_older(session, INTERVAL) {
            let (client, key, session) = (self.clone(), key.clone(), session.clone());
            tokio::spawn(async move {
                if let Err(error) = client.check(&key, &session).await {
                    tracing::warn!(%error, "a session's account");
                }
            });
        }
        Ok(())
    }

    /// Whether it is time for another check, after a server of resources has refused something.
    pub(crate) fn may_check_again(&self, session: &StoredSession) -> bool {
        self.is_older(session, INTERVAL_WHEN_REJECTED)
    }

    /// Whether the last check is that long ago; or in the future, by a clock that was wrong.
    fn is_older(&self, session: &StoredSession, interval: i64) -> bool {
        !(-interval..interval).contains(&self.clock().now().since(session.checked_at))
    }

    /// Checks, writes down what was found, and fails if the account has moved. That it can't be found
    /// out now is no obstacle. Returns the session as it is then.
    pub(crate) async fn check(
        &self,
        key: &SessionKey,
        session: &StoredSession,
    ) -> Result<StoredSession, ClientError> {
        let found = match self.find(session).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "whether an account has moved could not be found out");
                return Ok(session.clone());
            }
        };
        let checked = loop {
            let (current, version) = self.read(key).await?;
            let checked = match &found {
                Found::Here(pds) => StoredSession {
                    pds: pds.clone(),
                    moved_to: None,
                    checked_at: self.clock().now(),
                    ..current
                },
                // Not marked as checked: the next refresh looks again.
                Found::Elsewhere(issuer) => StoredSession {
                    moved_to: Some(issuer.clone()),
                    ..current
                },
            };
            let put = self.vault().put(key, &checked, Some(version)).await?;
            if matches!(put, PutOutcome::Stored(_)) {
                break checked;
            }
        };
        match found {
            Found::Here(_) => Ok(checked),
            Found::Elsewhere(to) => Err(ClientError::SessionMoved {
                did: session.did.clone(),
                to,
            }),
        }
    }

    /// Where the account's server is now, if it is certain to be another one.
    pub(super) async fn moved_to(&self, session: &StoredSession) -> Option<Issuer> {
        match self.find(session).await {
            Ok(Found::Elsewhere(issuer)) => Some(issuer),
            Ok(Found::Here(_)) | Err(_) => None,
        }
    }

    async fn find(&self, session: &StoredSession) -> Result<Found, IdentityError> {
        let (did, issuer) = (&session.did, &session.server.issuer);
        let found = self
            .resolver()
            .verify_subject(did, issuer, Freshness::Anew)
            .await;
        match found {
            Ok(pds) => Ok(Found::Here(pds)),
            Err(IdentityError::Subject { expected, .. }) => Ok(Found::Elsewhere(expected)),
            Err(error) => Err(error),
        }
    }
}

enum Found {
    /// At this server still, with its data at this PDS.
    Here(Issuer),
    /// At another server.
    Elsewhere(Issuer),
}
