//! The right to refresh a session, for one process at a time.

use std::pin::pin;
use std::time::Duration;

use super::Cause;
use crate::pause::pause;
use crate::store::{PutOutcome, RefreshMark, SessionKey, StoreFailure, StoredSession};
use crate::{ClientError, OAuthClient};

/// Seconds for which a mark holds. Short, so that after a crash the next process comes within the minute
/// for which servers like ours give the answer again; and renewed while its owner waits for a server.
const MARK_SECONDS: i64 = 15;
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// Between two looks at somebody else's mark.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The most looks: longer than a mark can hold, whatever the clocks say.
const MOST_LOOKS: u32 = 400;
/// The most at a mark whose time is over by our clock. The clock of its owner may be slow; but an owner
/// that lives renews it, and in this time we would have seen that.
const MOST_LOOKS_AFTER_ITS_TIME: u32 = 160;
/// Seconds after its time at which a mark is left by a process that has died. No clock is that wrong.
const SURELY_OVER: i64 = 120;

/// A refresh under way.
pub(super) struct Lease<'a> {
    pub(super) client: &'a OAuthClient,
    pub(super) key: &'a SessionKey,
    /// As it is in the store, with our mark.
    pub(super) session: StoredSession,
    pub(super) version: u64,
    /// Whether it is refreshed because a server refused its access token.
    pub(super) was_refused: bool,
}

/// What came of waiting.
pub(super) enum Turn<'a> {
    /// It is ours.
    Ours(Lease<'a>),
    /// Another one has done the work.
    Done(StoredSession),
}

impl<'a> Lease<'a> {
    /// Waits for its turn.
    pub(super) async fn take(
        client: &'a OAuthClient,
        key: &'a SessionKey,
        cause: &Cause,
    ) -> Result<Turn<'a>, ClientError> {
        let (Cause::Due(stale) | Cause::Wanted(stale) | Cause::Rejected(stale)) = cause;
        let mut looks = 0;
        let mut seen = None;
        loop {
            let (session, version) = client.read(key).await?;
            if session.access_token != *stale {
                return Ok(Turn::Done(session));
            }
            if seen != session.refreshing {
                seen.clone_from(&session.refreshing);
                looks = 0;
            }
            if looks < most_looks(&session, client) {
                looks += 1;
                pause(LOOK_AGAIN, client.random()).await;
                continue;
            }
            let marked = StoredSession {
                refreshing: Some(mark(client)),
                ..session
            };
            let put = client.vault().put(key, &marked, Some(version)).await?;
            if let PutOutcome::Stored(version) = put {
                return Ok(Turn::Ours(Self {
                    client,
                    key,
                    session: marked,
                    version,
                    was_refused: matches!(cause, Cause::Rejected(_)),
                }));
            }
        }
    }

    /// Renews the mark for as long as the work takes.
    pub(super) async fn hold_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = tokio::time::timeout(RENEWAL, &mut work).await {
                return done;
            }
            self.remark(Some(mark(self.client))).await;
        }
    }

    /// Lets others try. The mark stays, with its time over, where the server may have exchanged the
    /// token: it says that the next request needs a refresh first.
    pub(super) async fn release(mut self, may_have_happened: bool) {
        let mark = may_have_happened.then(|| RefreshMark {
            until: self.client.clock().now(),
            is_left: true,
            ..mark(self.client)
        });
        self.remark(mark).await;
    }

    /// Changes the mark, while it is ours. Where that fails, its own time lets others try.
    async fn remark(&mut self, mark: Option<RefreshMark>) {
        let vault = self.client.vault();
        loop {
            let remarked = StoredSession {
                refreshing: mark.clone(),
                ..self.session.clone()
            };
            let changed = match vault.put(self.key, &remarked, Some(self.version)).await {
                Ok(PutOutcome::Stored(version)) => {
                    (self.session, self.version) = (remarked, version);
                    return;
                }
                Ok(PutOutcome::Conflict) => vault.get(self.key).await,
                Err(error) => Err(error),
            };
            match changed {
                Ok(Some((session, version))) if is_ours(&session, self.client) => {
                    (self.session, self.version) = (session, version);
                }
                // `keep` and `end` find out what has become of it.
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "a refresh mark could not be changed");
                    return;
                }
            }
        }
    }
}

fn is_ours(session: &StoredSession, client: &OAuthClient) -> bool {
    let mark = session.refreshing.as_ref();
    mark.is_some_and(|mark| mark.holder == client.name())
}

/// Whether somebody else refreshes right now.
pub(super) fn is_others(session: &StoredSession, client: &OAuthClient) -> bool {
    let mark = session.refreshing.as_ref();
    mark.is_some_and(|mark| mark.until > client.clock().now() && mark.holder != client.name())
}

/// How often to look at somebody else's mark before taking over.
fn most_looks(session: &StoredSession, client: &OAuthClient) -> u32 {
    let mark = session.refreshing.as_ref();
    match mark.filter(|mark| mark.holder != client.name()) {
        None => 0,
        Some(mark) => match client.clock().now().since(mark.until) {
            ..0 => MOST_LOOKS,
            0..SURELY_OVER if !mark.is_left => MOST_LOOKS_AFTER_ITS_TIME,
            _ => 0,
        },
    }
}

fn mark(client: &OAuthClient) -> RefreshMark {
    RefreshMark {
        holder: client.name().to_owned(),
        until: client.clock().now().plus(MARK_SECONDS),
        is_left: false,
    }
}

impl OAuthClient {
    /// The session as it is in the store.
    pub(crate) async fn read(&self, key: &SessionKey) -> Result<(StoredSession, u64), ClientError> {
        let found: Result<_, StoreFailure> = self.vault().get(key).await;
        found?.ok_or_else(|| ClientError::SessionEnded("it was signed out".into()))
    }
}
