//! What the program asks of a database, whichever it is.

use std::fmt;

use async_trait::async_trait;
use atpass_entryway::store::{AccountRecord, EntrywayStore, Taken};
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::jose::Jkt;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Account, Identifier};
use atpass_provider::lexicons::LexiconStore;
use atpass_provider::store::{SessionRecord, Store, StoreError};

use crate::void::Voided;

/// A whole database: the authorization server's memory, an entryway's, the permission sets', and what
/// operators ask and do.
pub trait Database: Store + EntrywayStore + LexiconStore + OperatorStore + fmt::Debug {}

impl<T: Store + EntrywayStore + LexiconStore + OperatorStore + fmt::Debug> Database for T {}

/// What an operator asks and does. Beside the server's own acts, and as atomic as they are.
#[async_trait]
pub trait OperatorStore: Send + Sync + 'static {
    /// Live sessions, the newest first, at most `limit` of them; and how many there are in all.
    async fn find_sessions(
        &self,
        filter: &SessionFilter,
        limit: u32,
        now: UnixTime,
    ) -> Result<(Vec<SessionRecord>, i64), StoreError>;

    /// Ends all sessions that fit, in one act. The apps lose the accounts' earlier consent as well,
    /// so that none comes back without a person. Returns how many ended.
    async fn end_sessions(
        &self,
        filter: &SessionFilter,
        now: UnixTime,
    ) -> Result<usize, StoreError>;

    /// All accounts, by handle; or the one that is named.
    async fn account_details(
        &self,
        of: Option<&Identifier>,
        now: UnixTime,
    ) -> Result<Vec<AccountDetails>, StoreError>;

    /// Counts what there is.
    async fn counts(&self, now: UnixTime) -> Result<Counts, StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Bytes of the database, and of its log where it has one of its own.
    async fn size(&self) -> Result<(u64, u64), StoreError>;

    /// Adds an account.
    async fn add_account(&self, account: &AccountRecord) -> Result<Result<(), Taken>, StoreError>;

    /// Changes the password as [`EntrywayStore::change_password`] does. Returns the OAuth sessions that ended;
    /// `None` where there is no such account.
    async fn set_password(
        &self,
        did: &Did,
        hash: &str,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Changes the password and nothing else. Returns whether there is such an account.
    async fn replace_password(&self, did: &Did, hash: &str) -> Result<bool, StoreError>;

    /// Lets the account sign in, or not. Where not, its sessions end and it is signed out of all browsers, in the
    /// same act. Returns the OAuth sessions that ended; `None` where there is no such account.
    async fn set_active(
        &self,
        did: &Did,
        active: bool,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Removes the account with all that it granted, ends its sessions and signs it out of all browsers, in one
    /// act. Returns the OAuth sessions that ended; `None` where there is no such account.
    async fn remove_account(
        &self,
        did: &Did,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Makes void, in one act, all that could have been used up or taken away by a server that ran on
    /// later data than these: for a database that was restored from a copy.
    ///
    /// Removed are all requests, codes, sessions, browsers, approvals, codes of letters, app passwords,
    /// references to scopes and signing keys; and every account is marked as one whose sessions all
    /// ended at `now`, so that older tokens of old apps count no more. Access tokens are void with the
    /// keys that signed them; a server that starts makes a new one. Kept are the accounts with their
    /// passwords, as they were; the secrets (no token lives by them alone); invites; lexicons; and the
    /// assertions that were seen: forgetting them could only make them good again.
    async fn void_spent(&self, now: UnixTime) -> Result<Voided, StoreError>;

    /// Says that this server runs, and asks for those that do: itself too. Where a database belongs to one server
    /// alone there are none.
    async fn meet(&self, node: &NodeRecord) -> Result<Vec<NodeRecord>, StoreError>;

    /// The servers that run.
    async fn nodes(&self, now: UnixTime) -> Result<Vec<NodeRecord>, StoreError>;

    /// Says that this server stops.
    async fn leave(&self, node: &[u8; 16]) -> Result<(), StoreError>;

    /// Notes that this key was used, until `until`. Returns whether it is the first time: of any number of callers
    /// one is told so.
    async fn note_use(
        &self,
        key: &[u8],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError>;
}

/// A server on a database that several share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// A random number of this start of it.
    pub id: [u8; 16],
    /// What it calls itself.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// SHA-256 of what all servers must be configured with alike.
    pub configuration: [u8; 32],
    /// When it started.
    pub started_at: UnixTime,
    /// When it was last heard of.
    pub seen_at: UnixTime,
}

impl NodeRecord {
    /// Seconds without a word after which a server counts as gone.
    pub const SILENCE: i64 = 90;
}

/// Which live sessions are meant: those that fit everything that is given. Nothing given means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// This one.
    pub id: Option<SessionId>,
    /// Of this account.
    pub did: Option<Did>,
    /// Of this app.
    pub client_id: Option<ClientId>,
    /// Bound to this DPoP key.
    pub jkt: Option<Jkt>,
}

impl SessionFilter {
    /// Whether every live session fits.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// The conditions, for a log.
impl fmt::Display for SessionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("all");
        }
        let conditions = [
            ("session", self.id.map(|id| id.to_string())),
            ("did", self.did.as_ref().map(ToString::to_string)),
            (
                "client_id",
                self.client_id.as_ref().map(ToString::to_string),
            ),
            ("jkt", self.jkt.map(|jkt| jkt.to_string())),
        ];
        let given = conditions
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        f.write_str(&given.collect::<Vec<_>>().join(" "))
    }
}

/// An account as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDetails {
    /// What the server knows of it.
    pub account: Account,
    /// Where its owner can be written to.
    pub email: Option<String>,
    /// Its live sessions.
    pub sessions: i64,
    /// Browsers that it is signed in on.
    pub browsers: i64,
}

/// How much there is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Accounts, disabled ones too.
    pub accounts: i64,
    /// Sessions that are neither over nor expired.
    pub live_sessions: i64,
    /// All sessions that are remembered.
    pub sessions: i64,
    /// Bytes of the database, without its log.
    pub bytes: i64,
}

/// The schema that a database has, and the one that this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersions {
    /// Steps that the database has behind it.
    pub found: i64,
    /// Steps that this program knows.
    pub known: i64,
}

impl fmt::Display for SchemaVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, known } = self;
        write!(
            f,
            "schema version {found}, and this program is for version {known}"
        )
    }
}
