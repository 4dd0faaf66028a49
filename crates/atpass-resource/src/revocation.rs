//! Sessions that are over, for as long as one of their access tokens could still be unexpired.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;

/// The ended sessions. Bounded by time: an entry goes when the last token of its session has
/// expired.
#[derive(Debug, Default)]
pub struct RevocationList(RwLock<Entries>);

#[derive(Debug, Default)]
struct Entries {
    until: HashMap<SessionId, UnixTime>,
    by_end: BTreeMap<UnixTime, Vec<SessionId>>,
    news: News,
}

/// Where the list comes from.
#[derive(Clone, Copy, Debug, Default)]
enum News {
    /// The same process: it is always complete.
    #[default]
    Own,
    /// From elsewhere.
    Elsewhere {
        /// When it was last complete, if it ever was.
        as_of: Option<UnixTime>,
        /// Seconds for which that is good enough.
        tolerance: i64,
    },
}

/// What is known of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Nothing against it.
    Live,
    /// It is over.
    Ended,
    /// The list comes from elsewhere, and is too old to say.
    Unknown,
}

impl RevocationList {
    /// A list that is filled from elsewhere. It knows nothing until it is first told that it is
    /// complete ([`Self::complete`]), nor once that was more than `tolerance` seconds ago: 60 is a
    /// good number; more than access tokens live means that a silent feed is never an obstacle.
    pub fn from_elsewhere(tolerance: i64) -> Self {
        Self(RwLock::new(Entries {
            news: News::Elsewhere {
                as_of: None,
                tolerance,
            },
            ..Entries::default()
        }))
    }

    /// Refuses the tokens of `session` from now on. `until` is when the last of them expires.
    pub fn end_session(&self, session: SessionId, until: UnixTime, now: UnixTime) {
        let mut entries = self.write();
        while let Some(end) = entries.by_end.first_entry().filter(|end| *end.key() <= now) {
            for session in end.remove() {
                // It may have been entered again with a later end.
                if entries
                    .until
                    .get(&session)
                    .is_some_and(|&until| until <= now)
                {
                    entries.until.remove(&session);
                }
            }
        }
        match entries.until.get(&session) {
            // A feed tells the same more than once.
            Some(&known) if known >= until => {}
            _ => {
                entries.until.insert(session, until);
                entries.by_end.entry(until).or_default().push(session);
            }
        }
    }

    /// Says that the list has everything that had ended by `now`.
    pub fn complete(&self, now: UnixTime) {
        let mut entries = self.write();
        if let News::Elsewhere { as_of, .. } = &mut entries.news {
            *as_of = (*as_of).max(Some(now));
        }
    }

    /// What is known of the session.
    pub fn state(&self, session: SessionId, now: UnixTime) -> SessionState {
        let entries = self.read();
        let ended = entries.until.get(&session);
        match entries.news {
            _ if ended.is_some_and(|&until| now < until) => SessionState::Ended,
            News::Own => SessionState::Live,
            News::Elsewhere {
                as_of: Some(as_of),
                tolerance,
            } if now.since(as_of) <= tolerance => SessionState::Live,
            News::Elsewhere { .. } => SessionState::Unknown,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    #[test]
    fn entries_last_as_long_as_tokens_could() {
        let list = RevocationList::default();
        let id = SessionId::from_i64;
        let ended = |session, now| list.state(session, at(now)) == SessionState::Ended;
        list.end_session(id(1), at(100), at(0));
        list.end_session(id(1), at(50), at(0));
        assert!(ended(id(1), 99) && !ended(id(1), 100));
        assert!(!ended(id(2), 0));
        list.end_session(id(2), at(300), at(200));
        list.end_session(id(2), at(300), at(200));
        assert_eq!(list.read().until.len(), 1);
        assert_eq!(list.read().by_end.values().flatten().count(), 1);
    }

    /// Clause RS-ERR-02: not knowing is our own fault, and never lets a token through.
    #[test]
    fn a_list_from_elsewhere_knows_as_long_as_it_is_fresh() {
        let list = RevocationList::from_elsewhere(60);
        let id = SessionId::from_i64;
        let state = |session, now| list.state(session, at(now));
        assert_eq!(state(id(1), 0), SessionState::Unknown);
        list.complete(at(100));
        list.complete(at(90));
        list.end_session(id(2), at(1000), at(100));
        assert_eq!(state(id(1), 160), SessionState::Live);
        assert_eq!(state(id(1), 161), SessionState::Unknown);
        assert_eq!(state(id(2), 161), SessionState::Ended);
    }
}
