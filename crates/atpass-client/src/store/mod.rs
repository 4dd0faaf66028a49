//! Where sessions are kept. The store is the lock: a session is only ever replaced by a
//! compare-and-swap on its version, so that of two writers one learns that it came second.

mod memory;

use std::fmt;

use async_trait::async_trait;
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::StoredKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::request::State;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use serde::{Deserialize, Serialize};

pub use memory::MemoryStore;

/// The name of a session: opaque, so that one account may have several.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey(String);

impl SessionKey {
    /// A name as it was stored.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session as it is kept. Holds secrets: a store for others than the process encrypts it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredSession {
    /// The account.
    pub did: Did,
    /// The account's PDS.
    pub pds: Issuer,
    /// The authorization server.
    pub issuer: Issuer,
    /// Where to refresh.
    pub token_endpoint: String,
    /// Where to log out.
    pub revocation_endpoint: Option<String>,
    /// The key that the session is bound to.
    pub key: StoredKey,
    /// The access token.
    pub access_token: Secret,
    /// When the access token ends.
    pub expires_at: UnixTime,
    /// The refresh token, where the server gave one.
    pub refresh_token: Option<Secret>,
    /// What was asked for.
    pub asked: ScopeSet,
    /// What was granted, as the server wrote it.
    pub scope: String,
}

/// A login under way, between the redirect to the server and the callback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingLogin {
    /// The account that was asked for and its PDS, where one was.
    pub expected: Option<(Did, Issuer)>,
    /// The server that was asked.
    pub issuer: Issuer,
    /// Where to exchange the code.
    pub token_endpoint: String,
    /// Where to revoke tokens.
    pub revocation_endpoint: Option<String>,
    /// What is asked for.
    pub scope: ScopeSet,
    /// The verifier of the challenge.
    pub verifier: CodeVerifier,
    /// The key of the login, and of the session that it becomes.
    pub key: StoredKey,
    /// When it began.
    pub created_at: UnixTime,
    /// The session that the new one takes the place of.
    #[serde(default)]
    pub replaces: Option<SessionKey>,
}

/// Whether a write came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is stored, under this version.
    Stored(u64),
    /// Somebody else wrote or removed it since. Read it again.
    Conflict,
}

/// The store failed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session store failed: {0}")]
pub struct StoreFailure(pub String);

/// Keeps sessions and pending logins.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// The session and its version; `None` where there is none.
    async fn get(&self, key: &SessionKey) -> Result<Option<(StoredSession, u64)>, StoreFailure>;

    /// Stores the session if its version is still `expected` (`None`: if there is none), in one
    /// atomic act.
    async fn put(
        &self,
        key: &SessionKey,
        session: &StoredSession,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure>;

    /// Forgets a session. One that isn't there is no error.
    async fn remove(&self, key: &SessionKey) -> Result<(), StoreFailure>;

    /// The names of all sessions.
    async fn list(&self) -> Result<Vec<SessionKey>, StoreFailure>;

    /// Keeps a login under way, for at least an hour.
    async fn put_pending(&self, state: &State, login: &PendingLogin) -> Result<(), StoreFailure>;

    /// Takes a login away: of any number of callers at most one gets it.
    async fn take_pending(&self, state: &State) -> Result<Option<PendingLogin>, StoreFailure>;
}
