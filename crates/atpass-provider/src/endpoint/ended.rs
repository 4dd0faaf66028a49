//! `GET /oauth/ended-sessions`: the feed of ended sessions, for resource servers elsewhere
//! ([`atpass_protocol::revocation`]).

use atpass_protocol::error::OAuthError;
use atpass_protocol::request::Form;
use atpass_protocol::revocation::{EndedCursor, EndedSession, EndedSessions};
use atpass_protocol::time::UnixTime;

use crate::error::EndpointError;
use crate::provider::Provider;
use crate::store::StoreError;

/// Sessions in one answer: well below what a careful fetcher reads.
const PAGE: u32 = 4000;

/// Seconds that a caught-up follower is sent back: an end is stamped a moment before it is
/// committed, and by another node's clock.
const OVERLAP: i64 = 30;

/// What ended after the cursor; without one, all whose access tokens may still be unexpired.
pub(crate) async fn list(
    provider: &Provider,
    query: &Form,
    now: UnixTime,
) -> Result<EndedSessions, EndpointError> {
    let oldest = EndedCursor::before(now.plus(-provider.config().lifetimes.access_token));
    let wanted = query
        .get("after")
        .map(|after| EndedCursor::try_from(after.to_owned()))
        .transpose()
        .map_err(|error| OAuthError::invalid_request(format!("after: {error}")))?;
    let after = wanted.map_or(oldest, |wanted| wanted.max(oldest));
    Ok(self::after(provider, after, now).await?)
}

/// One answer of the feed.
pub(crate) async fn after(
    provider: &Provider,
    after: EndedCursor,
    now: UnixTime,
) -> Result<EndedSessions, StoreError> {
    let tokens = provider.config().lifetimes.access_token;
    let found = provider.store().ended_after(after, PAGE).await?;
    let more = u32::try_from(found.len()).is_ok_and(|found| found >= PAGE);
    let next = match found.last() {
        Some(&(session, at)) if more => EndedCursor { at, session },
        _ => EndedCursor::before(now.plus(-OVERLAP)),
    };
    let ended = found.into_iter().map(|(sid, at)| EndedSession {
        sid,
        until: at.plus(tokens),
    });
    Ok(EndedSessions {
        ended: ended.collect(),
        next,
        more,
    })
}
