//! Where sessions are kept.
//!
//! A store keeps opaque records by name, and knows nothing of tokens and keys. It is the lock as
//! well: a record is only ever replaced by a compare-and-swap on its version, so that of two writers,
//! in one process or in many, one learns that it came second.
//!
//! | store | for | feature |
//! | --- | --- | --- |
//! | [`MemoryStore`] | tests, and apps that may forget | |
//! | [`FileStore`] | a program on one person's machine | `file` |
//! | [`SqliteStore`] | an app on one machine, in any number of processes | `sqlite` |
//! | [`PostgresStore`] | an app on many machines | `postgres` |
//!
//! Whoever writes another one checks it with [`session_store_contract!`](crate::session_store_contract).

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "file")]
mod file;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;
mod vault;

use std::fmt;

use async_trait::async_trait;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

#[cfg(feature = "file")]
pub use file::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub(crate) use record::{BoundClientKey, PendingLogin, RefreshMark, Server, StoredSession};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub(crate) use vault::Vault;

/// The name of a session: opaque and unguessable, so that one account may have several.
///
/// Whoever knows it and reaches the store has the session. So it is a secret towards the outside: a
/// cookie that holds it is encrypted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey(String);

impl SessionKey {
    /// A name as it was stored.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// As text: letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[session key]")
    }
}

/// What is kept: bytes that mean something to the client only. Sealed, where the app gave it a key
/// ([`crate::ClientParts::sealing`]); else they hold secrets in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(Zeroizing<Vec<u8>>);

impl Record {
    /// Bytes as they were kept.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// Whether a write came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is stored, under this version.
    Stored(u64),
    /// Somebody else wrote or removed it since. Read it again.
    Conflict,
}

/// The store failed. Nothing was changed, or nobody knows: read it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session store failed: {0}")]
pub struct StoreFailure(pub String);

/// Keeps sessions and logins under way. Each method is one atomic act.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// The record and its version; `None` where there is none.
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure>;

    /// Stores the record if its version is still `expected` (`None`: if there is none). Versions of a
    /// record grow, and none comes back when the same name does.
    ///
    /// What it says is stored outlives the process, and the machine as far as the medium does.
    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure>;

    /// Forgets a session, if its version is still `expected` (`None`: whatever it is). Whether there
    /// was such a one.
    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure>;

    /// The names of all sessions, or of those of one account, in any order.
    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure>;

    /// Keeps a login under way until this time, and forgets some whose time is over.
    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure>;

    /// Takes a login away: of any number of callers at most one gets it, and none when its time is
    /// over.
    async fn take_pending(&self, name: &str, now: UnixTime)
    -> Result<Option<Record>, StoreFailure>;
}
