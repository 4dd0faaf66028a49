//! Follows the feed of ended sessions of an authorization server elsewhere.

use std::sync::Arc;
use std::time::Duration;

use atpass_fetch::{FetchError, Fetcher};
use atpass_protocol::id::Issuer;
use atpass_protocol::revocation::{ENDED_SESSIONS_PATH, EndedCursor, EndedSessions};
use atpass_protocol::time::Clock;
use tokio::sync::Mutex;
use url::Url;

use crate::RevocationList;

/// Answers that are read one after the other at most, so that a server that never comes to an end
/// can't keep a follower busy.
const MOST_PAGES: u32 = 1000;

/// Why the feed couldn't be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// No answer, or not one of a feed.
    #[error("the feed of ended sessions can't be read: {0}")]
    Fetch(#[from] FetchError),
    /// The issuer's URL can't be extended.
    #[error("the issuer has no URL for a feed of ended sessions")]
    Url,
    /// It never comes to an end.
    #[error("the feed of ended sessions says `more` without end")]
    Endless,
}

/// Keeps a [`RevocationList`] up to date from an authorization server's feed.
///
/// A session that ends is refused once the feed was read again; and when it can't be read for
/// longer than the list tolerates, every request is answered with 503. That
/// time is thus the longest for which a revoked token may still be taken.
#[derive(Debug)]
pub struct RevocationFeed {
    fetcher: Fetcher,
    feed: String,
    list: Arc<RevocationList>,
    cursor: Mutex<Option<EndedCursor>>,
}

impl RevocationFeed {
    /// The feed of this issuer, into this list ([`RevocationList::from_elsewhere`]).
    pub fn new(fetcher: Fetcher, issuer: &Issuer, list: Arc<RevocationList>) -> Self {
        Self {
            fetcher,
            feed: issuer.at(ENDED_SESSIONS_PATH),
            list,
            cursor: Mutex::new(None),
        }
    }

    /// Reads what is new, once.
    pub async fn poll(&self, clock: &dyn Clock) -> Result<(), FeedError> {
        let mut cursor = self.cursor.lock().await;
        let asked_at = clock.now();
        for _ in 0..MOST_PAGES {
            let url = match *cursor {
                Some(cursor) => format!("{}?after={}", self.feed, String::from(cursor)),
                None => self.feed.clone(),
            };
            let url = Url::parse(&url).map_err(|_| FeedError::Url)?;
            let page: EndedSessions = self.fetcher.get_json(&url).await?;
            for session in &page.ended {
                self.list.end_session(session.sid, session.until, asked_at);
            }
            *cursor = Some(page.next);
            if !page.more {
                self.list.complete(asked_at);
                return Ok(());
            }
        }
        Err(FeedError::Endless)
    }

    /// Reads the feed again and again, for ever. Errors are logged.
    pub async fn follow(&self, clock: &dyn Clock, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.poll(clock).await {
                tracing::warn!(%error, "revocations are not heard of; it will be tried again");
            }
        }
    }
}
