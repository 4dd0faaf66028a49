//! The feed of ended sessions, by which a resource server elsewhere learns whose access tokens to
//! refuse before they expire (clauses AS-REV-04, RS-TOK-05).
//!
//! A follower asks for what ended after a cursor, and goes on with the `next` of each answer. The
//! same session may come more than once. Nothing in the feed is a secret: a session's id is random,
//! and means something to nobody but those who hold its tokens.

use serde::{Deserialize, Serialize};

use crate::time::UnixTime;
use crate::token::SessionId;

/// Where an authorization server serves the feed, as `GET` with a cursor in `after`, if it does.
pub const ENDED_SESSIONS_PATH: &str = "/oauth/ended-sessions";

/// A place in the order of ended sessions: by the time of their end, then by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndedCursor {
    /// When the session before this place ended.
    pub at: UnixTime,
    /// Which it was.
    pub session: SessionId,
}

/// Not a cursor of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is a time in seconds, a dot, and a session id; take it from `next` of an answer")]
pub struct EndedCursorError;

impl EndedCursor {
    /// The place before everything that ended at `at` or later.
    pub const fn before(at: UnixTime) -> Self {
        Self {
            at: at.plus(-1),
            session: SessionId::from_i64(i64::MAX),
        }
    }
}

impl From<EndedCursor> for String {
    fn from(cursor: EndedCursor) -> Self {
        format!("{}.{}", cursor.at, cursor.session)
    }
}

impl TryFrom<String> for EndedCursor {
    type Error = EndedCursorError;

    fn try_from(text: String) -> Result<Self, EndedCursorError> {
        let (at, session) = text.split_once('.').ok_or(EndedCursorError)?;
        let at = at.parse().map_err(|_| EndedCursorError)?;
        let session = SessionId::try_from(session.to_owned()).map_err(|_| EndedCursorError)?;
        Ok(Self {
            at: UnixTime::from_secs(at),
            session,
        })
    }
}

/// An answer of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSessions {
    /// What ended after the cursor, in order.
    pub ended: Vec<EndedSession>,
    /// The cursor for the next question.
    pub next: EndedCursor,
    /// Whether there is more to be had at once.
    pub more: bool,
}

/// A session that ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSession {
    /// Its id, the `sid` of its access tokens.
    pub sid: SessionId,
    /// By then the last of them has expired.
    pub until: UnixTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = EndedCursor {
            at: UnixTime::from_secs(1_800_000_000),
            session: SessionId::from_i64(7),
        };
        let text = String::from(cursor);
        assert_eq!(text, "1800000000.0000000000000007");
        assert_eq!(EndedCursor::try_from(text), Ok(cursor));
        for odd in [
            "",
            ".",
            "1.",
            "x.0000000000000007",
            "1.7",
            "99999999999999999999.0000000000000007",
        ] {
            assert!(EndedCursor::try_from(odd.to_owned()).is_err(), "{odd}");
        }
        assert!(
            EndedCursor::before(cursor.at)
                < EndedCursor {
                    session: SessionId::from_i64(0),
                    ..cursor
                }
        );
    }
}
