//! Accounts that come from a PDS's own database.

use atpass_entryway::store::{AccountRecord, AppPasswordRecord, Imported, Taken};
use atpass_protocol::time::UnixTime;
use deadpool_postgres::Transaction;

use super::super::pool::{Failure, execute, query_opt};
use super::super::row::Columns;
use super::{COLUMNS, app_passwords, exists, insert, read, taken};

/// Takes an account over.
pub(super) async fn import(
    db: &Transaction<'_>,
    account: &AccountRecord,
    passwords: &[AppPasswordRecord],
) -> Result<Result<Imported, Taken>, Failure> {
    let imported = match decide(db, account, passwords).await? {
        Ok(decided) => decided,
        Err(taken) => return Ok(Err(taken)),
    };
    match imported {
        Imported::New => insert(db, account, None).await?,
        Imported::Updated => update(db, account).await?,
        Imported::Same | Imported::Kept => return Ok(Ok(imported)),
    }
    app_passwords::revoke_all(db, &account.did).await?;
    for password in passwords {
        app_passwords::add(db, password).await?;
    }
    // The last: what came before counts as a change.
    let sql = "UPDATE accounts SET untouched = true WHERE did = $1";
    execute(db, sql, &[&account.did.as_str()]).await?;
    Ok(Ok(imported))
}

/// What is to be done with an account, which nobody else changes meanwhile. Changes nothing.
pub(super) async fn decide(
    db: &Transaction<'_>,
    account: &AccountRecord,
    passwords: &[AppPasswordRecord],
) -> Result<Result<Imported, Taken>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS}, untouched FROM accounts WHERE did = $1 AND sign_up IS NULL FOR UPDATE"
    );
    let Some(row) = query_opt(db, &sql, &[&account.did.as_str()]).await? else {
        return Ok(match taken(db, account).await? {
            Some(taken) => Err(taken),
            None => Ok(Imported::New),
        });
    };
    let known = read(&row)?;
    if known.pds != account.pds {
        return Ok(Err(Taken::Did));
    }
    let columns = Columns {
        table: "accounts",
        row: &row,
    };
    if !columns.get::<bool>("untouched")? {
        return Ok(Ok(Imported::Kept));
    }
    for (taken, column, value) in [
        (Taken::Handle, "handle", Some(account.handle.as_str())),
        (Taken::Email, "email", account.email.as_deref()),
    ] {
        if value.is_some() && exists(db, column, value, Some(&account.did)).await? {
            return Ok(Err(taken));
        }
    }
    let known = AccountRecord {
        sessions_ended_at: account.sessions_ended_at,
        ..known
    };
    let here = app_passwords::of(db, &account.did).await?;
    let same_passwords =
        here.len() == passwords.len() && passwords.iter().all(|password| here.contains(password));
    Ok(Ok(if known == *account && same_passwords {
        Imported::Same
    } else {
        Imported::Updated
    }))
}

async fn update(db: &Transaction<'_>, account: &AccountRecord) -> Result<(), Failure> {
    let sql = "UPDATE accounts SET handle = $2, email = $3, email_confirmed_at = $4,
            password_hash = $5, created_at = $6, active = $7, deactivated_at = $8
        WHERE did = $1";
    execute(
        db,
        sql,
        &[
            &account.did.as_str(),
            &account.handle.as_str(),
            &account.email,
            &account.email_confirmed_at.map(UnixTime::as_secs),
            &account.password_hash,
            &account.created_at.as_secs(),
            &account.active,
            &account.deactivated_at.map(UnixTime::as_secs),
        ],
    )
    .await?;
    Ok(())
}
