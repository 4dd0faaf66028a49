//! What an entryway remembers of its accounts: the [`EntrywayStore`] trait and the records it keeps.
//!
//! Each operation is one atomic act, durable when it returns, by the rules of
//! [`atpass_provider::store`]. Secrets are kept as hashes only.

use async_trait::async_trait;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::{Digest32, StoreError};

/// An account with all that its entryway knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Who it is.
    pub did: Did,
    /// What people call it.
    pub handle: Handle,
    /// Where its owner can be written to. The store keeps and compares addresses in lower case, whatever it is
    /// given.
    pub email: Option<String>,
    /// When its owner proved to read that address.
    pub email_confirmed_at: Option<UnixTime>,
    /// Hash of the password, as [`atpass_provider::password::Passwords`] makes or takes it.
    pub password_hash: String,
    /// The DID of its PDS.
    pub pds: Did,
    /// When it was made.
    pub created_at: UnixTime,
    /// Whether the operator lets it sign in.
    pub active: bool,
    /// Since when its owner has put it to rest.
    pub deactivated_at: Option<UnixTime>,
    /// When all of its sessions were ended last: by a new password, or by the operator. Tokens from before may
    /// still be good at its PDS, which can't ask.
    pub sessions_ended_at: Option<UnixTime>,
}

/// An account that is being made: its handle and address are taken, and nobody can sign in yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUpRecord {
    /// The account to be.
    pub account: AccountRecord,
    /// The signed operation that makes its DID, as JSON: with it the PDS can be asked again.
    pub operation: String,
    /// The invite code that it uses up.
    pub invite: Option<String>,
}

/// What of a new account another one has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// The DID.
    #[error("there is an account of this DID already")]
    Did,
    /// The handle.
    #[error("there is an account of this handle already")]
    Handle,
    /// The e-mail address.
    #[error("there is an account of this e-mail address already")]
    Email,
    /// The invite code doesn't exist, or was used up.
    #[error("the invite code is not valid")]
    Invite,
}

/// What a code that was sent by e-mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmailPurpose {
    /// To prove that the address is the owner's.
    ConfirmEmail,
    /// To change the address.
    UpdateEmail,
    /// To choose a new password.
    ResetPassword,
    /// To delete the account.
    DeleteAccount,
    /// To have an operation of the DID signed.
    PlcOperation,
}

impl EmailPurpose {
    /// The word for it in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::UpdateEmail => "update_email",
            Self::ResetPassword => "reset_password",
            Self::DeleteAccount => "delete_account",
            Self::PlcOperation => "plc_operation",
        }
    }
}

/// A password for one old app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPasswordRecord {
    /// The account.
    pub did: Did,
    /// What its owner calls it. One of each name.
    pub name: String,
    /// Its hash, salted by the account's DID, so that it can be found by it
    /// ([`atpass_provider::password::Passwords::app_password_hash`]).
    pub hash: String,
    /// When it was made.
    pub created_at: UnixTime,
    /// Whether it reaches direct messages as well.
    pub privileged: bool,
}

/// A session of an old app, begun with a password in place of OAuth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacySessionRecord {
    /// Its name.
    pub id: SessionId,
    /// The account.
    pub did: Did,
    /// The app password that it began with: its name, and whether it is privileged.
    pub app_password: Option<(String, bool)>,
    /// Counts its refresh tokens: the current one has this number. Starts at 0.
    pub generation: u32,
    /// When the current one was made.
    pub rotated_at: UnixTime,
    /// When it ends, unless it is refreshed before.
    pub expires_at: UnixTime,
}

/// Outcome of [`EntrywayStore::rotate_legacy_session`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegacyRotation {
    /// It goes on, as it is now: with the next generation, or, where the predecessor of the current one was
    /// presented within its grace, with the current one again.
    GoesOn(LegacySessionRecord),
    /// It is over, or has never been.
    Over,
}

/// The memory of an entryway. See the [module](self) for its rules.
#[async_trait]
pub trait EntrywayStore: Send + Sync + 'static {
    /// An account, active or not. Accounts that are being made aren't found.
    async fn account(&self, identifier: &Identifier) -> Result<Option<AccountRecord>, StoreError>;

    /// Takes handle, address and invite code for an account that is being made.
    async fn begin_sign_up(&self, record: &SignUpRecord) -> Result<Result<(), Taken>, StoreError>;

    /// The account is there now. Returns whether it was being made until now.
    async fn finish_sign_up(&self, did: &Did) -> Result<bool, StoreError>;

    /// It won't be: handle, address and invite code are free again. Nothing happens to an account that is
    /// there.
    async fn give_up_sign_up(&self, did: &Did) -> Result<(), StoreError>;

    /// Accounts that have been in the making since before `before`, at most `limit`.
    async fn unfinished_sign_ups(
        &self,
        before: UnixTime,
        limit: u32,
    ) -> Result<Vec<SignUpRecord>, StoreError>;

    /// Takes over an account with its app passwords. One of the same DID and the same PDS (an import that is
    /// run again) is brought up to date, but only as long as it is as the last import left it: once its owner
    /// signed in here, or anything about it was changed here, it is left alone as a whole. One of another PDS
    /// is [`Taken::Did`]. With `dry_run` nothing is changed, and the answer is what would be done.
    async fn import_account(
        &self,
        account: &AccountRecord,
        app_passwords: &[AppPasswordRecord],
        dry_run: bool,
    ) -> Result<Result<Imported, Taken>, StoreError>;

    /// How many accounts each PDS has, those in the making too.
    async fn accounts_by_pds(&self) -> Result<Vec<(Did, u64)>, StoreError>;

    /// Changes the handle. Like every change below it does nothing to an account that isn't there, or is only
    /// being made.
    async fn set_handle(&self, did: &Did, handle: &Handle)
    -> Result<Result<(), Taken>, StoreError>;

    /// Changes the address, and when it was confirmed. All codes that were sent to the account are void:
    /// they prove nothing about the new address, and the old one may be somebody else's now.
    async fn set_email(
        &self,
        did: &Did,
        email: &str,
        confirmed_at: Option<UnixTime>,
    ) -> Result<Result<(), Taken>, StoreError>;

    /// Notes that `email`, if it still is the account's address, was confirmed. Returns whether it is.
    async fn confirm_email(
        &self,
        did: &Did,
        email: &str,
        now: UnixTime,
    ) -> Result<bool, StoreError>;

    /// Changes the password, ends all the account's sessions (old apps' too), signs it out of all browsers, takes
    /// its app passwords away and voids a code for another new password, in one act. Returns the OAuth sessions that ended.
    async fn change_password(
        &self,
        did: &Did,
        hash: &str,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Replaces the hash of a password by another one of the same password. Returns whether it was still
    /// `old`: a password that was changed meanwhile is left alone.
    async fn upgrade_password(&self, did: &Did, old: &str, new: &str) -> Result<bool, StoreError>;

    /// Puts an account to rest, or wakes it up again.
    async fn set_deactivated(&self, did: &Did, since: Option<UnixTime>) -> Result<(), StoreError>;

    /// Removes an account with everything, in one act. Returns the OAuth sessions that ended.
    async fn delete_account(&self, did: &Did, now: UnixTime) -> Result<Vec<SessionId>, StoreError>;

    /// Keeps the code that was sent to an account, in place of an earlier one for the same purpose.
    async fn put_email_code(
        &self,
        did: &Did,
        purpose: EmailPurpose,
        code: &Digest32,
        expires_at: UnixTime,
    ) -> Result<(), StoreError>;

    /// Uses a code up. Returns whose it was: `None` where there is no such code (of this account, if one is
    /// named), its time is over, or no account is named and several have it: then it says nothing about who
    /// sent it.
    async fn use_email_code(
        &self,
        did: Option<&Did>,
        purpose: EmailPurpose,
        code: &Digest32,
        now: UnixTime,
    ) -> Result<Option<Did>, StoreError>;

    /// Keeps an app password. Returns `false` where the account has one of that name already, or isn't there.
    async fn add_app_password(&self, record: &AppPasswordRecord) -> Result<bool, StoreError>;

    /// The account's app passwords, oldest first.
    async fn app_passwords(&self, did: &Did) -> Result<Vec<AppPasswordRecord>, StoreError>;

    /// Removes an app password and the sessions that began with it, in one act.
    async fn revoke_app_password(&self, did: &Did, name: &str) -> Result<(), StoreError>;

    /// Begins a session of an old app, if the account is there and active, and `checked_hash`, with which the
    /// password was compared, is still that of its password, or of the app password that the record names.
    /// Returns whether it is: what was changed while the password was being checked counts.
    async fn begin_legacy_session(
        &self,
        record: &LegacySessionRecord,
        checked_hash: &str,
    ) -> Result<bool, StoreError>;

    /// Decides on a presented refresh token of an old app, and carries the decision out, in one act: the
    /// current generation is rotated and the session's end moved to `expires_at`; its predecessor gets the
    /// current one again for `grace` seconds after the rotation; with anything older the session ends.
    async fn rotate_legacy_session(
        &self,
        id: SessionId,
        presented: u32,
        now: UnixTime,
        grace: i64,
        expires_at: UnixTime,
    ) -> Result<LegacyRotation, StoreError>;

    /// Ends a session of an old app.
    async fn end_legacy_session(&self, id: SessionId) -> Result<(), StoreError>;

    /// Keeps an invite code for so many uses.
    async fn add_invite(&self, code: &str, uses: u32, now: UnixTime) -> Result<(), StoreError>;

    /// Removes at most `batch` rows of each kind that nobody needs after `now`: expired codes of e-mails and
    /// sessions of old apps.
    async fn sweep_entryway(&self, now: UnixTime, batch: u32) -> Result<usize, StoreError>;
}

/// Outcome of [`EntrywayStore::import_account`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is new here.
    New,
    /// It was here as an earlier import left it, and was brought up to date.
    Updated,
    /// It was here as an earlier import left it, and nothing about it differs.
    Same,
    /// It was here, and its owner signed in or something about it was changed since: it is left alone.
    Kept,
}
