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
use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::PostgresStore;
use super::pool::{Failure, execute, query_one, query_opt, run, transact};
use super::row::Columns;
use crate::database::OperatorStore;
pub(super) use change::{forget, forget_app_passwords};
pub(super) use codes::void_reset_code;
pub(super) use legacy::end_all as end_legacy_sessions;

#[async_trait]
impl EntrywayStore for PostgresStore {
    async fn account(&self, identifier: &Identifier) -> Result<Option<AccountRecord>, StoreError> {
        run!(self, |db| find(db, identifier))
    }

    async fn begin_sign_up(&self, record: &SignUpRecord) -> Result<Result<(), Taken>, StoreError> {
        let record = SignUpRecord {
            account: in_lower_case(&record.account),
            ..record.clone()
        };
        transact!(self, |db| sign_up::begin(db, &record))
    }

    async fn finish_sign_up(&self, did: &Did) -> Result<bool, StoreError> {
        run!(self, |db| sign_up::finish(db, did))
    }

    async fn give_up_sign_up(&self, did: &Did) -> Result<(), StoreError> {
        run!(self, |db| sign_up::give_up(db, did))
    }

    async fn unfinished_sign_ups(
        &self,
        before: UnixTime,
        limit: u32,
    ) -> Result<Vec<SignUpRecord>, StoreError> {
        run!(self, |db| sign_up::unfinished(db, before, limit))
    }

    async fn import_account(
        &self,
        account: &AccountRecord,
        app_passwords: &[AppPasswordRecord],
        dry_run: bool,
    ) -> Result<Result<Imported, Taken>, StoreError> {
        let account = in_lower_case(account);
        if dry_run {
            return transact!(self, |db| import::decide(db, &account, app_passwords));
        }
        transact!(self, |db| import::import(db, &account, app_passwords))
    }

    async fn accounts_by_pds(&self) -> Result<Vec<(Did, u64)>, StoreError> {
        run!(self, |db| sign_up::accounts_by_pds(db))
    }

    async fn set_handle(
        &self,
        did: &Did,
        handle: &Handle,
    ) -> Result<Result<(), Taken>, StoreError> {
        transact!(self, |db| change::handle(db, did, handle))
    }

    async fn set_email(
        &self,
        did: &Did,
        email: &str,
        confirmed_at: Option<UnixTime>,
    ) -> Result<Result<(), Taken>, StoreError> {
        let email = email.to_lowercase();
        transact!(self, |db| change::email(db, did, &email, confirmed_at))
    }

    async fn confirm_email(
        &self,
        did: &Did,
        email: &str,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let email = email.to_lowercase();
        run!(self, |db| change::confirm_email(db, did, &email, now))
    }

    async fn change_password(
        &self,
        did: &Did,
        hash: &str,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ended = self.set_password(did, hash, now).await?;
        Ok(ended.unwrap_or_default())
    }

    async fn upgrade_password(&self, did: &Did, old: &str, new: &str) -> Result<bool, StoreError> {
        run!(self, |db| change::upgrade_password(db, did, old, new))
    }

    async fn set_deactivated(&self, did: &Did, since: Option<UnixTime>) -> Result<(), StoreError> {
        run!(self, |db| change::deactivated(db, did, since))
    }

    async fn delete_account(&self, did: &Did, now: UnixTime) -> Result<Vec<SessionId>, StoreError> {
        let ended = self.remove_account(did, now).await?;
        Ok(ended.unwrap_or_default())
    }

    async fn put_email_code(
        &self,
        did: &Did,
        purpose: EmailPurpose,
        code: &Digest32,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        run!(self, |db| codes::put(db, did, purpose, code, expires_at))
    }

    async fn use_email_code(
        &self,
        did: Option<&Did>,
        purpose: EmailPurpose,
        code: &Digest32,
        now: UnixTime,
    ) -> Result<Option<Did>, StoreError> {
        run!(self, |db| codes::take(db, did, purpose, code, now))
    }

    async fn add_app_password(&self, record: &AppPasswordRecord) -> Result<bool, StoreError> {
        run!(self, |db| app_passwords::add(db, record))
    }

    async fn app_passwords(&self, did: &Did) -> Result<Vec<AppPasswordRecord>, StoreError> {
        run!(self, |db| app_passwords::of(db, did))
    }

    async fn revoke_app_password(&self, did: &Did, name: &str) -> Result<(), StoreError> {
        transact!(self, |db| app_passwords::revoke(db, did, name))
    }

    async fn begin_legacy_session(
        &self,
        record: &LegacySessionRecord,
        checked_hash: &str,
    ) -> Result<bool, StoreError> {
        run!(self, |db| legacy::begin(db, record, checked_hash))
    }

    async fn rotate_legacy_session(
        &self,
        id: SessionId,
        presented: u32,
        now: UnixTime,
        grace: i64,
        expires_at: UnixTime,
    ) -> Result<LegacyRotation, StoreError> {
        transact!(self, |db| legacy::rotate(
            db, id, presented, now, grace, expires_at
        ))
    }

    async fn end_legacy_session(&self, id: SessionId) -> Result<(), StoreError> {
        run!(self, |db| legacy::end(db, id))
    }

    async fn add_invite(&self, code: &str, uses: u32, now: UnixTime) -> Result<(), StoreError> {
        run!(self, |db| sign_up::add_invite(db, code, uses, now))
    }

    async fn sweep_entryway(&self, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
        let codes = run!(self, |db| codes::sweep(db, now, batch))?;
        let sessions = run!(self, |db| legacy::sweep(db, now, batch))?;
        Ok(codes + sessions)
    }
}

/// As an account is kept: no caller has to think of its address's case.
pub(super) fn in_lower_case(account: &AccountRecord) -> AccountRecord {
    AccountRecord {
        email: account.email.as_ref().map(|email| email.to_lowercase()),
        ..account.clone()
    }
}

/// Every column by name: a statement that was prepared before a migration stays good after it.
const COLUMNS: &str = "did, handle, email, email_confirmed_at, password_hash, audience, created_at,
    active, deactivated_at, sessions_ended_at";

/// An account that is there, active or not.
async fn find(
    db: &impl GenericClient,
    identifier: &Identifier,
) -> Result<Option<AccountRecord>, Failure> {
    let (column, value) = match identifier {
        Identifier::Did(did) => ("did", did.to_string()),
        Identifier::Handle(handle) => ("handle", handle.to_string()),
        Identifier::Email(email) => ("email", email.to_lowercase()),
    };
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE {column} = $1 AND sign_up IS NULL");
    let row = query_opt(db, &sql, &[&value]).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &Row) -> Result<AccountRecord, StoreError> {
    let columns = Columns {
        table: "accounts",
        row,
    };
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
pub(super) async fn add(
    db: &Transaction<'_>,
    account: &AccountRecord,
) -> Result<Result<(), Taken>, Failure> {
    if let Some(taken) = taken(db, account).await? {
        return Ok(Err(taken));
    }
    insert(db, account, None).await.map(Ok)
}

/// What of an account another one has already.
async fn taken(db: &Transaction<'_>, account: &AccountRecord) -> Result<Option<Taken>, Failure> {
    let others = [
        (Taken::Did, "did", Some(account.did.as_str())),
        (Taken::Handle, "handle", Some(account.handle.as_str())),
        (Taken::Email, "email", account.email.as_deref()),
    ];
    for (taken, column, value) in others {
        if value.is_some() && exists(db, column, value, None).await? {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// Whether an account but this one has the value.
async fn exists(
    db: &Transaction<'_>,
    column: &str,
    value: Option<&str>,
    but: Option<&Did>,
) -> Result<bool, Failure> {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM accounts WHERE {column} = $1 AND did IS DISTINCT FROM $2)"
    );
    let row = query_one(db, &sql, &[&value, &but.map(Did::as_str)]).await?;
    Ok(row.try_get(0)?)
}

async fn insert(
    db: &Transaction<'_>,
    account: &AccountRecord,
    sign_up: Option<(&str, Option<&str>)>,
) -> Result<(), Failure> {
    let sql = "INSERT INTO accounts (did, handle, email, email_confirmed_at, password_hash,
            audience, created_at, active, deactivated_at, sign_up, invite)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    execute(
        db,
        sql,
        &[
            &account.did.as_str(),
            &account.handle.as_str(),
            &account.email,
            &account.email_confirmed_at.map(UnixTime::as_secs),
            &account.password_hash,
            &account.pds.as_str(),
            &account.created_at.as_secs(),
            &account.active,
            &account.deactivated_at.map(UnixTime::as_secs),
            &sign_up.map(|(operation, _)| operation),
            &sign_up.and_then(|(_, invite)| invite),
        ],
    )
    .await?;
    Ok(())
}
