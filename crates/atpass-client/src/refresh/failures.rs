//! Refreshes that have failed a moment ago, so that those who wait for the same thing don't all try it one
//! after the other, each as long as a server that doesn't answer takes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use atpass_protocol::time::UnixTime;

use crate::ClientError;
use crate::store::SessionKey;

/// Seconds for which a failure is everybody's.
const LIFETIME: i64 = 5;

/// By session. Forgotten by themselves.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<SessionKey, (UnixTime, ClientError)>>);

impl Failures {
    pub(super) fn note(&self, key: &SessionKey, error: &ClientError, now: UnixTime) {
        let mut failures = self.get();
        failures.retain(|_, (when, _)| is_fresh(*when, now));
        failures.insert(key.clone(), (now, error.clone()));
    }

    pub(super) fn forget(&self, key: &SessionKey) {
        self.get().remove(key);
    }

    /// The failure of this session's last refresh, if it was just now.
    pub(crate) fn recent(&self, key: &SessionKey, now: UnixTime) -> Option<ClientError> {
        let failures = self.get();
        let (when, error) = failures.get(key)?;
        is_fresh(*when, now).then(|| error.clone())
    }

    fn get(&self) -> MutexGuard<'_, HashMap<SessionKey, (UnixTime, ClientError)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that was set back makes nothing last.
fn is_fresh(when: UnixTime, now: UnixTime) -> bool {
    (0..LIFETIME).contains(&now.since(when))
}
