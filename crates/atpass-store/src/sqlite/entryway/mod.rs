//! An entryway's memory, in the same database: accounts with all that belongs to them.

mod app_passwords;
mod change;
mod codes;
mod import;
mod legacy;
mod sign_up;

use async_trait::async_trait;
use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EmailPurpose, EntrywayStore, Imported, LegacyRotation,
    LegacySessionRecord, SignUpRecord, Taken,
};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::{Digest32, StoreError};
use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use super::row::{Columns, unavailable};
pub(super) use change::{forget, forget_app_passwords};
pub(super) use codes::void_reset_code;
pub(super) use legacy::end_all as end_legacy_sessions;

#[async_trait]
impl EntrywayStore for SqliteStore {
    async fn account(&self, identifier: &Identifier) -> Result<Option<AccountRecord>, StoreError> {
        let identifier = identifier.clone();
        self.read(move |db| find(db, &identifier)).await
    }

    async fn begin_sign_up(&self, record: &SignUpRecord) -> Result<Result<(), Taken>, StoreError> {
        let account = in_lower_case(&record.account);
        let record = SignUpRecord {
            account,
            ..record.clone()
        };
        self.write(move |db| sign_up::begin(db, &record)).await
    }

    async fn finish_sign_up(&self, did: &Did) -> Result<bool, StoreError> {
        let did = did.clone();
        self.write(move |db| sign_up::finish(db, &did)).await
    }

    async fn give_up_sign_up(&self, did: &Did) -> Result<(), StoreError> {
        let did = did.clone();
        self.write(move |db| sign_up::give_up(db, &did)).await
    }

    async fn unfinished_sign_ups(
        &self,
        before: UnixTime,
        limit: u32,
    ) -> Result<Vec<SignUpRecord>, StoreError> {
        self.read(move |db| sign_up::unfinished(db, before, limit))
            .await
    }

    async fn import_account(
        &self,
        account: &AccountRecord,
        app_passwords: &[AppPasswordRecord],
        dry_run: bool,
    ) -> Result<Result<Imported, Taken>, StoreError> {
        let (account, app_passwords) = (in_lower_case(account), app_passwords.to_vec());
        if dry_run {
            let decide = move |db: &Connection| import::decide(db, &account, &app_passwords);
            return self.read(decide).await;
        }
        self.write(move |db| import::import(db, &account, &app_passwords))
            .await
    }

    async fn accounts_by_pds(&self) -> Result<Vec<(Did, u64)>, StoreError> {
        self.read(sign_up::accounts_by_pds).await
    }

    async fn set_handle(
        &self,
        did: &Did,
        handle: &Handle,
    ) -> Result<Result<(), Taken>, StoreError> {
        let (did, handle) = (did.clone(), handle.clone());
        self.write(move |db| change::handle(db, &did, &handle))
            .await
    }

    async fn set_email(
        &self,
        did: &Did,
        email: &str,
        confirmed_at: Option<UnixTime>,
    ) -> Result<Result<(), Taken>, StoreError> {
        let (did, email) = (did.clone(), email.to_lowercase());
        self.write(move |db| change::email(db, &did, &email, confirmed_at))
            .await
    }

    async fn confirm_email(
        &self,
        did: &Did,
        email: &str,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let (did, email) = (did.clone(), email.to_lowercase());
        self.write(move |db| change::confirm_email(db, &did, &email, now))
            .await
    }

    async fn change_password(
        &self,
        did: &Did,
        hash: &str,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let (did, hash) = (did.clone(), hash.to_owned());
        self.write(move |db| change::password(db, &did, &hash, now))
            .await
    }

    async fn upgrade_password(&self, did: &Did, old: &str, new: &str) -> Result<bool, StoreError> {
        let (did, old, new) = (did.clone(), old.to_owned(), new.to_owned());
        self.write(move |db| change::upgrade_password(db, &did, &old, &new))
            .await
    }

    async fn set_deactivated(&self, did: &Did, since: Option<UnixTime>) -> Result<(), StoreError> {
        let did = did.clone();
        self.write(move |db| change::deactivated(db, &did, since))
            .await
    }

    async fn delete_account(&self, did: &Did, now: UnixTime) -> Result<Vec<SessionId>, StoreError> {
        let did = did.clone();
        let ended = self
            .write(move |db| super::accounts::remove(db, &did, now))
            .await?;
        Ok(ended.unwrap_or_default())
    }

    async fn put_email_code(
        &self,
        did: &Did,
        purpose: EmailPurpose,
        code: &Digest32,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        let (did, code) = (did.clone(), *code);
        self.write(move |db| codes::put(db, &did, purpose, &code, expires_at))
            .await
    }

    async fn use_email_code(
        &self,
        did: Option<&Did>,
        purpose: EmailPurpose,
        code: &Digest32,
        now: UnixTime,
    ) -> Result<Option<Did>, StoreError> {
        let (did, code) = (did.cloned(), *code);
        self.write(move |db| codes::take(db, did.as_ref(), purpose, &code, now))
            .await
    }

    async fn add_app_password(&self, record: &AppPasswordRecord) -> Result<bool, StoreError> {
        let record = record.clone();
        self.write(move |db| app_passwords::add(db, &record)).await
    }

    async fn app_passwords(&self, did: &Did) -> Result<Vec<AppPasswordRecord>, StoreError> {
        let did = did.clone();
        self.read(move |db| app_passwords::of(db, &did)).await
    }

    async fn revoke_app_password(&self, did: &Did, name: &str) -> Result<(), StoreError> {
        let (did, name) = (did.clone(), name.to_owned());
        self.write(move |db| app_passwords::revoke(db, &did, &name))
            .await
    }

    async fn begin_legacy_session(
        &self,
        record: &LegacySessionRecord,
        checked_hash: &str,
    ) -> Result<bool, StoreError> {
        let (record, hash) = (record.clone(), checked_hash.to_owned());
        self.write(move |db| legacy::begin(db, &record, &hash))
            .await
    }

    async fn rotate_legacy_session(
        &self,
        id: SessionId,
        presented: u32,
        now: UnixTime,
        grace: i64,
        expires_at: UnixTime,
    ) -> Result<LegacyRotation, StoreError> {
        self.write(move |db| legacy::rotate(db, id, presented, now, grace, expires_at))
            .await
    }

    async fn end_legacy_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.write(move |db| legacy::end(db, id)).await
    }

    async fn add_invite(&self, code: &str, uses: u32, now: UnixTime) -> Result<(), StoreError> {
        let code = code.to_owned();
        self.write(move |db| sign_up::add_invite(db, &code, uses, now))
            .await
    }

    async fn sweep_entryway(&self, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
        self.write(move |db| Ok(codes::sweep(db, now, batch)? + legacy::sweep(db, now, batch)?))
            .await
    }
}

/// As an account is kept: no caller has to think of its address's case.
pub(super) fn in_lower_case(account: &AccountRecord) -> AccountRecord {
    AccountRecord {
        email: account.email.as_ref().map(|email| email.to_lowercase()),
        ..account.clone()
    }
}

/// An account that is there, active or not.
fn find(db: &Connection, identifier: &Identifier) -> Result<Option<AccountRecord>, StoreError> {
    macro_rules! with {
        ($column:literal) => {
            concat!(
                "SELECT * FROM accounts WHERE ",
                $column,
                " = ? AND sign_up IS NULL"
            )
        };
    }
    let (sql, value) = match identifier {
        Identifier::Did(did) => (with!("did"), did.to_string()),
        Identifier::Handle(handle) => (with!("handle"), handle.to_string()),
        Identifier::Email(email) => (with!("email"), email.to_lowercase()),
    };
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let found = select
        .query_row([value], |row| Ok(read(row)))
        .optional()
        .map_err(unavailable)?;
    found.transpose()
}

fn read(row: &rusqlite::Row<'_>) -> Result<AccountRecord, StoreError> {
    let columns = Columns::of("accounts", row);
    Ok(AccountRecord {
        did: columns.parse("did")?,
        handle: columns.parse("handle")?,
        email: columns.get("email")?,
        email_confirmed_at: columns.time_if("email_confirmed_at")?,
        password_hash: columns.get("password_hash")?,
        pds: columns.parse("audience")?,
        created_at: columns.time("created_at")?,
        active: columns.get("active")?,
        deactivated_at: columns.time_if("deactivated_at")?,
        sessions_ended_at: columns.time_if("sessions_ended_at")?,
    })
}

/// Adds an account that is there at once.
pub(super) fn add(
    db: &Connection,
    account: &AccountRecord,
) -> Result<Result<(), Taken>, StoreError> {
    if let Some(taken) = taken(db, account)? {
        return Ok(Err(taken));
    }
    insert(db, account, None).map(Ok)
}

/// What of an account another one has already.
fn taken(db: &Connection, account: &AccountRecord) -> Result<Option<Taken>, StoreError> {
    let others = [
        (Taken::Did, "did", Some(account.did.as_str())),
        (Taken::Handle, "handle", Some(account.handle.as_str())),
        (Taken::Email, "email", account.email.as_deref()),
    ];
    for (taken, column, value) in others {
        if value.is_some() && exists(db, column, value, None)? {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// Whether an account but this one has the value.
fn exists(
    db: &Connection,
    column: &str,
    value: Option<&str>,
    but: Option<&Did>,
) -> Result<bool, StoreError> {
    let sql =
        format!("SELECT EXISTS (SELECT 1 FROM accounts WHERE {column} = ?1 AND did IS NOT ?2)");
    db.query_row(&sql, [value, but.map(Did::as_str)], |row| row.get(0))
        .map_err(unavailable)
}

fn insert(
    db: &Connection,
    account: &AccountRecord,
    sign_up: Option<(&str, Option<&str>)>,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO accounts (did, handle, email, email_confirmed_at, password_hash, audience,
            created_at, active, deactivated_at, sign_up, invite)
        VALUES (:did, :handle, :email, :email_confirmed_at, :password_hash, :audience,
            :created_at, :active, :deactivated_at, :sign_up, :invite)";
    let row = rusqlite::named_params! {
        ":did": account.did.as_str(),
        ":handle": account.handle.as_str(),
        ":email": account.email,
        ":email_confirmed_at": account.email_confirmed_at.map(UnixTime::as_secs),
        ":password_hash": account.password_hash,
        ":audience": account.pds.as_str(),
        ":created_at": account.created_at.as_secs(),
        ":active": account.active,
        ":deactivated_at": account.deactivated_at.map(UnixTime::as_secs),
        ":sign_up": sign_up.map(|(operation, _)| operation),
        ":invite": sign_up.and_then(|(_, invite)| invite),
    };
    db.execute(sql, row).map_err(unavailable)?;
    Ok(())
}
