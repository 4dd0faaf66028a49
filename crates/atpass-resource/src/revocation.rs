//! Sessions that are over, for as long as one of their access tokens could still be unexpired.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

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
}

impl RevocationList {
    /// Refuses the tokens of `session` from now on. `until` is when the last of them expires.
    pub fn end_session(&self, session: SessionId, until: UnixTime, now: UnixTime) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
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
        let known = entries.until.insert(session, until);
        if known.is_some_and(|known| known > until) {
            entries.until.extend(known.map(|known| (session, known)));
        } else {
            entries.by_end.entry(until).or_default().push(session);
        }
    }

    /// Whether the session is over.
    pub fn is_ended(&self, session: SessionId, now: UnixTime) -> bool {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries
            .until
            .get(&session)
            .is_some_and(|&until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_last_as_long_as_tokens_could() {
        let list = RevocationList::default();
        let at = UnixTime::from_secs;
        let id = SessionId::from_i64;
        list.end_session(id(1), at(100), at(0));
        list.end_session(id(1), at(50), at(0));
        assert!(list.is_ended(id(1), at(99)) && !list.is_ended(id(1), at(100)));
        assert!(!list.is_ended(id(2), at(0)));
        list.end_session(id(2), at(300), at(200));
        assert_eq!(list.0.read().unwrap().until.len(), 1);
    }
}
