//! Accounts in the same database.

use async_trait::async_trait;
use atpass_entryway::store::{AccountRecord, EntrywayStore};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Account, Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::store::{EndReason, StoreError};
use rusqlite::{Connection, params};

use super::row::{Columns, unavailable};
use super::{SqliteStore, devices, entryway, sessions};

/// The accounts of an authorization server that keeps them itself.
#[derive(Clone, Debug)]
pub struct SqliteAccounts {
    store: SqliteStore,
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

impl SqliteAccounts {
    /// The accounts in the store's database.
    pub const fn new(store: SqliteStore, passwords: Passwords) -> Self {
        Self { store, passwords }
    }

    /// Adds an account.
    pub async fn add(&self, account: NewAccount, now: UnixTime) -> Result<(), AccountError> {
        let hash = self.passwords.hash(account.password.clone()).await?;
        self.store
            .write(move |db| add(db, &account, &hash, now))
            .await?
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
        let did = did.clone();
        let act = move |db: &Connection| {
            if write_password(db, &did, &hash)? {
                entryway::forget_app_passwords(db, &did)?;
                end_everything(db, &did, now).map(Some)
            } else {
                Ok(None)
            }
        };
        self.store.write(act).await?.ok_or(AccountError::Unknown)
    }

    /// Changes the password and nothing else: whoever is signed in stays so. For a password that
    /// was lost, not stolen.
    pub async fn replace_password(&self, did: &Did, password: Secret) -> Result<(), AccountError> {
        let hash = self.passwords.hash(password).await?;
        let did = did.clone();
        let act = move |db: &Connection| write_password(db, &did, &hash);
        let changed = self.store.write(act).await?;
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
        let did = did.clone();
        let act = move |db: &Connection| {
            let sql = "UPDATE accounts SET active = ? WHERE did = ? AND sign_up IS NULL";
            let changed = db.execute(sql, params![active, did.as_str()]);
            match changed.map_err(unavailable)? {
                0 => Ok(None),
                _ if active => Ok(Some(Vec::new())),
                _ => end_everything(db, &did, now).map(Some),
            }
        };
        self.store.write(act).await?.ok_or(AccountError::Unknown)
    }

    /// Removes the account with all that it granted, ends its sessions and signs it out of all
    /// browsers, in one act. Returns the sessions that ended.
    pub async fn remove(&self, did: &Did, now: UnixTime) -> Result<Vec<SessionId>, AccountError> {
        let did = did.clone();
        let act = move |db: &Connection| remove(db, &did, now);
        self.store.write(act).await?.ok_or(AccountError::Unknown)
    }
}

#[async_trait]
impl Accounts for SqliteAccounts {
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
            atpass_entryway::check_password(&self.store, &self.passwords, identifier, password);
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

fn add(
    db: &Connection,
    account: &NewAccount,
    hash: &str,
    now: UnixTime,
) -> Result<Result<(), AccountError>, StoreError> {
    let taken = |column: &str, value: &str| {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM accounts WHERE {column} = ?)");
        db.query_row(&sql, [value], |row| row.get(0))
            .map_err(unavailable)
    };
    if taken("did", account.did.as_str())? {
        return Ok(Err(AccountError::DidTaken));
    }
    if taken("handle", account.handle.as_str())? {
        return Ok(Err(AccountError::HandleTaken));
    }
    let email = account.email.as_ref().map(|email| email.to_lowercase());
    if let Some(email) = &email
        && taken("email", email)?
    {
        return Ok(Err(AccountError::EmailTaken));
    }
    let sql = "INSERT INTO accounts (did, handle, email, password_hash, audience, created_at)
        VALUES (?, ?, ?, ?, ?, ?)";
    let row = params![
        account.did.as_str(),
        account.handle.as_str(),
        email,
        hash,
        account.audience.as_str(),
        now.as_secs()
    ];
    db.execute(sql, row).map_err(unavailable)?;
    Ok(Ok(()))
}

/// Removes an account with everything; `None` where there is none. One that is being made isn't there yet.
pub(super) fn remove(
    db: &Connection,
    did: &Did,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    let delete = |sql: &str| db.execute(sql, [did.as_str()]).map_err(unavailable);
    if delete("DELETE FROM accounts WHERE did = ? AND sign_up IS NULL")? == 0 {
        return Ok(None);
    }
    delete("DELETE FROM approvals WHERE did = ?")?;
    entryway::forget(db, did)?;
    end_everything(db, did, now).map(Some)
}

/// Whether there is such an account. A code for another new password is void.
pub(super) fn write_password(db: &Connection, did: &Did, hash: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE accounts SET password_hash = ? WHERE did = ? AND sign_up IS NULL";
    let changed = db.execute(sql, [hash, did.as_str()]).map_err(unavailable)?;
    entryway::void_reset_code(db, did)?;
    Ok(changed > 0)
}

/// Ends the account's sessions, those that a code was still to become and those of old apps too, and signs it
/// out of all browsers. Returns the OAuth sessions.
pub(super) fn end_everything(
    db: &Connection,
    did: &Did,
    now: UnixTime,
) -> Result<Vec<SessionId>, StoreError> {
    let sql =
        "UPDATE codes SET expires_at = ?1 WHERE did = ?2 AND session IS NULL AND expires_at > ?1";
    db.execute(sql, params![now.as_secs(), did.as_str()])
        .map_err(unavailable)?;
    let sql = "UPDATE accounts SET sessions_ended_at = ? WHERE did = ?";
    db.execute(sql, params![now.as_secs(), did.as_str()])
        .map_err(unavailable)?;
    entryway::end_legacy_sessions(db, did)?;
    devices::sign_out_everywhere(db, did)?;
    sessions::end_all(db, did, EndReason::Account, now)
}

pub(super) fn read(columns: &Columns<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        did: columns.parse("did")?,
        handle: columns.parse("handle")?,
        audience: columns.parse("audience")?,
        active: columns.get("active")?,
    })
}
