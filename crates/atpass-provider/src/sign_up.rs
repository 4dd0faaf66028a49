//! New accounts, where a server takes them: what the pages need of whoever makes them.

use async_trait::async_trait;
use atpass_protocol::id::Handle;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;

use crate::accounts::Account;
use crate::store::StoreError;

/// What a person chose for a new account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What they want to be called.
    pub handle: Handle,
    /// Where they can be written to, in lower case.
    pub email: String,
    /// Their password.
    pub password: Secret,
    /// The invite code, where one was typed.
    pub invite: Option<String>,
}

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Another account has this handle.
    #[error("another account has this handle")]
    HandleTaken,
    /// Nobody may have this handle here: it is reserved, too short or too long, or of a domain that this
    /// server doesn't give.
    #[error("this handle can't be had here")]
    HandleRefused,
    /// Another account has this address.
    #[error("another account has this e-mail address")]
    EmailTaken,
    /// An invite code is needed, and this one is none.
    #[error("the invite code is not valid")]
    Invite,
    /// The PDS or the directory can't be reached, or refused. Nothing was made; what was typed may be sent
    /// again.
    #[error("the account could not be made: {0}")]
    Unavailable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes accounts.
#[async_trait]
pub trait SignUp: Send + Sync + 'static {
    /// The domains of new handles, without a leading dot, in the order in which they are offered. Empty
    /// where no new accounts are taken at present.
    fn domains(&self) -> &[String];

    /// Whether an invite code is needed.
    fn needs_invite(&self) -> bool;

    /// Makes the account. When this returns, the account is there and may sign in.
    async fn sign_up(&self, new: NewAccount, now: UnixTime) -> Result<Account, SignUpError>;
}
