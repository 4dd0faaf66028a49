//! Accounts in the same database.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_entryway::store::{AccountRecord, Taken};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Account, Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::store::StoreError;

use crate::database::Database;

/// The accounts of an authorization server that keeps them itself.
#[derive(Clone, Debug)]
pub struct StoredAccounts {
    store: Arc<dyn Database>,
    passwords: Passwords,
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Who it is.
    pub did: Did,
    /// What people call it.
    pub handle: Handle,
    /// Where its owner can be written to.
    pub email: Option<String>,
    /// The DID of its PDS.
    pub audience: Did,
    /// Its password.
    pub password: Secret,
}

/// Why an account wasn't added or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Another account has this DID.
    #[error("there is an account of this DID already")]
    DidTaken,
    /// Another account has this handle.
    #[error("there is an account of this handle already")]
    HandleTaken,
    /// Another account has this address.
    #[error("there is an account of this e-mail address already")]
    EmailTaken,
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoredAccounts {
    /// The accounts in this database.
    pub fn new(store: Arc<dyn Database>, passwords: Passwords) -> Self {
        Self { store, passwords }
    }

    /// Adds an account.
    pub async fn add(&self, account: NewAccount, now: UnixTime) -> Result<(), AccountError> {
        let password_hash = self.passwords.hash(account.password).await?;
        let record = AccountRecord {
            did: account.did,
            handle: account.handle,
            email: account.email,
            email_confirmed_at: None,
            password_hash,
            pds: account.audience,
            created_at: now,
            active: true,
            deactivated_at: None,
            sessions_ended_at: None,
        };
        self.store
            .add_account(&record)
            .await?
            .map_err(|taken| match taken {
                Taken::Did | Taken::Invite => AccountError::DidTaken,
                Taken::Handle => AccountError::HandleTaken,
                Taken::Email => AccountError::EmailTaken,
            })
    }

    /// Changes the password. Ends the account's sessions, signs it out of all browsers and takes its app
    /// passwords away, in the same act (clause AS-AUTHZ-17). Returns the sessions that ended.
    pub async fn set_password(
        &self,
        did: &Did,
        password: Secret,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, AccountError> {
        let hash = self.passwords.hash(password).await?;
        let ended = self.store.set_password(did, &hash, now).await?;
        ended.ok_or(AccountError::Unknown)
    }

    /// Changes the password and nothing else: whoever is signed in stays so. For a password that
    /// was lost, not stolen.
    pub async fn replace_password(&self, did: &Did, password: Secret) -> Result<(), AccountError> {
        let hash = self.passwords.hash(password).await?;
        let changed = self.store.replace_password(did, &hash).await?;
        changed.then_some(()).ok_or(AccountError::Unknown)
    }

    /// Lets the account sign in, or not. Disabling ends its sessions and signs it out of all
    /// browsers, in the same act. Returns the sessions that ended.
    pub async fn set_active(
        &self,
        did: &Did,
        active: bool,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, AccountError> {
        let ended = self.store.set_active(did, active, now).await?;
        ended.ok_or(AccountError::Unknown)
    }

    /// Removes the account with all that it granted, ends its sessions and signs it out of all
    /// browsers, in one act. Returns the sessions that ended.
    pub async fn remove(&self, did: &Did, now: UnixTime) -> Result<Vec<SessionId>, AccountError> {
        let ended = self.store.remove_account(did, now).await?;
        ended.ok_or(AccountError::Unknown)
    }
}

#[async_trait]
impl Accounts for StoredAccounts {
    async fn find(&self, identifier: &Identifier) -> Result<Option<Account>, StoreError> {
        let found = self.store.account(identifier).await?;
        Ok(found.map(shown))
    }

    async fn check_password(
        &self,
        identifier: &Identifier,
        password: &Secret,
    ) -> Result<Option<Account>, StoreError> {
        let found =
            atpass_entryway::check_password(&*self.store, &self.passwords, identifier, password);
        Ok(found.await?.map(shown))
    }
}

/// What an authorization server needs of it.
fn shown(account: AccountRecord) -> Account {
    Account {
        did: account.did,
        handle: account.handle,
        audience: account.pds,
        active: account.active,
    }
}
