//! What the authorization server remembers: the [`Store`] trait and the records it keeps.
//!
//! Each operation is one act of the domain and atomic by itself: either all of it is durable when
//! the call returns `Ok`, or none of it happened. No caller reads, decides and then writes; where
//! a decision depends on the row, the store asks a pure function ([`crate::refresh::decide`])
//! inside the act.
//!
//! # How to write a backend
//!
//! Implement the trait, and run the contract suite of `atpass-store` against it. Secrets reach a
//! store hashed only ([`Digest32`]). A record that makes no sense (a negative generation, an
//! unreadable scope) is [`StoreError::Corrupt`], never skipped.

use async_trait::async_trait;
use atpass_protocol::id::{ClientId, Did, RedirectUri};
use atpass_protocol::jose::{ClientKey, Jkt};
use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::request::PushedAuthorizationRequest;
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;

use crate::refresh::RefreshDecision;

/// SHA-256 of a secret (a code, a request URI, a device cookie): what is stored in its place.
pub type Digest32 = [u8; 32];

/// The store couldn't do what it was asked. Nothing of it happened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached or refused to work.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row can't be understood.
    #[error("a row of {table} can't be read: {detail}")]
    Corrupt {
        /// Where.
        table: &'static str,
        /// What is wrong with it, without its secrets.
        detail: String,
    },
}

/// A pushed authorization request, waiting for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Time and hash of the request URI.
    pub id: Digest32,
    /// What was asked.
    pub request: PushedAuthorizationRequest,
    /// The key that pushed it, and that alone may exchange the code.
    pub jkt: Jkt,
    /// The key with which a confidential client pushed it.
    pub client_key: Option<ClientKey>,
    /// When it was pushed.
    pub created_at: UnixTime,
    /// Not valid from then on.
    pub expires_at: UnixTime,
}

/// An authorization code, or the memory of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// Hash of the code.
    pub id: Digest32,
    /// Who may exchange it.
    pub client_id: ClientId,
    /// The redirect URI that it was sent to.
    pub redirect_uri: RedirectUri,
    /// The challenge whose verifier must come with it. Never used by two codes.
    pub challenge: CodeChallenge,
    /// SHA-256 of the request's `state`.
    pub state: Digest32,
    /// The key that must come with it.
    pub jkt: Jkt,
    /// The key of a confidential client that must come with it.
    pub client_key: Option<ClientKey>,
    /// Who approved.
    pub did: Did,
    /// What they granted.
    pub scope: ScopeSet,
    /// When it was issued.
    pub created_at: UnixTime,
    /// Not valid from then on.
    pub expires_at: UnixTime,
    /// The session that it was exchanged for.
    pub session: Option<SessionId>,
}

/// A session: one login of one account in one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its name.
    pub id: SessionId,
    /// The account.
    pub did: Did,
    /// The app.
    pub client_id: ClientId,
    /// The key that it is bound to for life.
    pub jkt: Jkt,
    /// The key of a confidential client that it is bound to for life.
    pub client_key: Option<ClientKey>,
    /// What was granted.
    pub scope: ScopeSet,
    /// Counts the refresh tokens: the current one has this number. Starts at 0.
    pub generation: u32,
    /// When the current generation was made.
    pub rotated_at: UnixTime,
    /// When it began.
    pub created_at: UnixTime,
    /// The session ends then, whatever happens.
    pub expires_at: UnixTime,
    /// The current refresh token ends then.
    pub refresh_expires_at: UnixTime,
    /// When and why it ended, if it did.
    pub ended: Option<(UnixTime, EndReason)>,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The app revoked it.
    Revoked,
    /// An old refresh token came back: somebody has a copy.
    Replayed,
    /// Its authorization code came back.
    CodeReused,
    /// The account's owner ended it.
    Owner,
    /// The operator of the server ended it.
    Operator,
    /// The account was disabled or removed.
    Account,
    /// The client took the key away that it is bound to.
    ClientKey,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Revoked,
        Self::Replayed,
        Self::CodeReused,
        Self::Owner,
        Self::Operator,
        Self::Account,
        Self::ClientKey,
    ];

    /// The word for it in the database and the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Replayed => "replayed",
            Self::CodeReused => "code_reused",
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Account => "account",
            Self::ClientKey => "client_key",
        }
    }
}

impl RequestRecord {
    /// What is remembered of its `state`.
    pub fn state_digest(&self) -> Digest32 {
        Secret::new(self.request.state.as_str()).sha256()
    }
}

/// A client assertion (RFC 7523 section 3) that came with a request, for the act that it allows. It is used up with the
/// act; an act that fails may use it up as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssertionUse {
    /// Hash of client and `jti`.
    pub key: Digest32,
    /// Nobody takes it any more from then on, so it needn't be remembered.
    pub until: UnixTime,
}

/// What of a new request was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlreadyUsed {
    /// The assertion that came with it (clause AS-AUTHN-05).
    Assertion,
    /// Its `code_challenge`, by anyone (clause AS-PAR-09).
    Challenge,
    /// Its `state`, by this client (clause AS-PAR-07).
    State,
}

/// Outcome of [`Store::approve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApproveOutcome {
    /// The code counts.
    Issued,
    /// The request was used, closed or has expired.
    RequestGone,
    /// Another code has the same challenge.
    ChallengeUsed,
}

/// Outcome of [`Store::consume_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumeOutcome {
    /// The assertion that came along was used before.
    AssertionUsed,
    /// The session exists now.
    Consumed,
    /// The code had been exchanged already, for this session.
    AlreadyConsumed(SessionId),
    /// There is no such code, or it has expired.
    Gone,
}

/// A browser in which somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Hash of its cookie.
    pub id: Digest32,
    /// The accounts signed in, last used first.
    pub accounts: Vec<DeviceAccount>,
    /// Not valid from then on, unless it is used before.
    pub expires_at: UnixTime,
    /// Whether it is remembered after the browser closes.
    pub remembered: bool,
}

/// An account signed in on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAccount {
    /// The account.
    pub did: Did,
    /// When its password was last given here.
    pub signed_in_at: UnixTime,
}

/// A sign-in on a device, for [`Store::sign_in`].
#[derive(Clone, Debug)]
pub struct DeviceSignIn {
    /// The device as it was known, if it was. It ends; its accounts move over.
    pub old: Option<Digest32>,
    /// The device's new id: it changes with each sign-in (session fixation).
    pub new: Digest32,
    /// Who signed in.
    pub did: Did,
    /// When.
    pub now: UnixTime,
    /// When the device is forgotten.
    pub expires_at: UnixTime,
    /// Whether it is remembered after the browser closes.
    pub remembered: bool,
}

/// A signing key as it is kept.
#[derive(Clone)]
pub struct SigningKeyRecord {
    /// Key id.
    pub kid: String,
    /// PKCS#8, wiped on drop.
    pub pkcs8: zeroize::Zeroizing<Vec<u8>>,
    /// When it was made.
    pub created_at: UnixTime,
    /// It signs from then on; published from the beginning.
    pub signs_from: UnixTime,
    /// When it was given up before its time.
    pub retired_at: Option<UnixTime>,
}

/// How many rows a retention run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Expired authorization requests.
    pub requests: usize,
    /// Codes older than the memory of their challenges.
    pub codes: usize,
    /// Sessions over for longer than they are remembered.
    pub sessions: usize,
    /// Devices out of use.
    pub devices: usize,
    /// Approvals that nobody relied on for years.
    pub approvals: usize,
    /// Scopes that no token names any more.
    pub scope_references: usize,
    /// Client assertions that would be refused anyway by now.
    pub assertions: usize,
}

/// The memory of an authorization server. See the [module](self) for its rules.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Uses a client assertion up for an act that changes nothing else. Returns whether it is the first time: of any
    /// number of callers one is told so.
    async fn use_assertion(
        &self,
        assertion: &AssertionUse,
        now: UnixTime,
    ) -> Result<bool, StoreError>;

    /// Uses the assertion up and keeps a pushed request, unless that one was used before, or a code was issued for the
    /// request's challenge, or for its client and state: then says for which.
    async fn push_request(
        &self,
        record: &RequestRecord,
        assertion: Option<&AssertionUse>,
    ) -> Result<Option<AlreadyUsed>, StoreError>;

    /// A request that is neither used nor expired.
    async fn request(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<RequestRecord>, StoreError>;

    /// Uses the request up, issues the code, and remembers what the account granted to the client, in
    /// one act.
    async fn approve(
        &self,
        request: &Digest32,
        code: &CodeRecord,
    ) -> Result<ApproveOutcome, StoreError>;

    /// What the account granted to the client when it last agreed, if it still stands.
    async fn approved(
        &self,
        did: &Did,
        client_id: &ClientId,
    ) -> Result<Option<ScopeSet>, StoreError>;

    /// Uses the request up without a code. Returns whether it was still open at `now`.
    async fn close_request(&self, request: &Digest32, now: UnixTime) -> Result<bool, StoreError>;

    /// A code, exchanged or not, expired or not.
    async fn code(&self, id: &Digest32) -> Result<Option<CodeRecord>, StoreError>;

    /// Uses the assertion up and exchanges the code for a session, in one act. Of several callers exactly one wins.
    async fn consume_code(
        &self,
        code: &Digest32,
        session: &SessionRecord,
        assertion: Option<&AssertionUse>,
        now: UnixTime,
    ) -> Result<ConsumeOutcome, StoreError>;

    /// A session, live or ended.
    async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError>;

    /// Uses the assertion up, decides on a presented refresh token, and carries the decision out, in one act.
    ///
    /// The compare-and-swap on the generation is tried first. Only when it doesn't win is the row
    /// read, in the same act, and [`crate::refresh::decide`] asked; on
    /// [`RefreshDecision::Replayed`] the session ends in the same act.
    async fn rotate(&self, rotation: &Rotation) -> Result<RefreshDecision, StoreError>;

    /// Ends a session. Returns whether it was live until now. Where the owner ends it, what was
    /// granted to its client doesn't stand any more either, in the same act.
    async fn end_session(
        &self,
        id: SessionId,
        reason: EndReason,
        now: UnixTime,
    ) -> Result<bool, StoreError>;

    /// At most `limit` sessions that ended after this place, in order, and when each did: for those
    /// who must know which unexpired access tokens are void.
    async fn ended_after(
        &self,
        after: EndedCursor,
        limit: u32,
    ) -> Result<Vec<(SessionId, UnixTime)>, StoreError>;

    /// The live sessions of an account, newest first.
    async fn sessions_of(&self, did: &Did, now: UnixTime)
    -> Result<Vec<SessionRecord>, StoreError>;

    /// A device that is still valid.
    async fn device(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, StoreError>;

    /// Signs an account in on a device and changes the device's id, in one act.
    async fn sign_in(&self, sign_in: &DeviceSignIn) -> Result<(), StoreError>;

    /// Lets a device live on after it was used.
    async fn keep_device(&self, id: &Digest32, expires_at: UnixTime) -> Result<(), StoreError>;

    /// Signs an account out of a device.
    async fn sign_out(&self, id: &Digest32, did: &Did) -> Result<(), StoreError>;

    /// Signs an account out of all devices but this one.
    async fn sign_out_others(&self, keep: &Digest32, did: &Did) -> Result<(), StoreError>;

    /// The signing keys, newest first.
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError>;

    /// Keeps a new signing key.
    async fn add_signing_key(&self, key: &SigningKeyRecord) -> Result<(), StoreError>;

    /// Keeps a signing key, unless there is one already that signs at `now`: of several servers that start
    /// together, one makes it.
    async fn add_first_signing_key(
        &self,
        key: &SigningKeyRecord,
        now: UnixTime,
    ) -> Result<(), StoreError>;

    /// Gives a signing key up. Returns whether it was in use until now.
    async fn retire_signing_key(&self, kid: &str, now: UnixTime) -> Result<bool, StoreError>;

    /// The secret of this name: the one that is kept, or else `candidate`, kept from now on. All
    /// nodes get the same one.
    async fn secret(&self, name: &str, candidate: &[u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Keeps what `reference` stands for in access tokens, until `until` at least.
    async fn keep_scope(
        &self,
        reference: &str,
        scope: &str,
        until: UnixTime,
    ) -> Result<(), StoreError>;

    /// What a reference stands for.
    async fn scope(&self, reference: &str) -> Result<Option<String>, StoreError>;

    /// Removes at most `batch` rows of each kind that nobody needs after `now`: expired requests,
    /// codes a day after their issue, sessions 30 days after their end, expired devices.
    async fn sweep(&self, now: UnixTime, batch: u32) -> Result<Swept, StoreError>;
}

/// A presented refresh token, for [`Store::rotate`].
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The session.
    pub session: SessionId,
    /// The generation of the token presented.
    pub presented: u32,
    /// Now.
    pub now: UnixTime,
    /// Until when the next refresh token will be good, if one is made.
    pub refresh_expires_at: UnixTime,
    /// Seconds for which a lost answer can be had again.
    pub recovery: i64,
    /// The assertion that came along, where the client is a confidential one.
    pub assertion: Option<AssertionUse>,
}
