//! Accounts that come from a PDS's own database.

use atpass_entryway::store::{AccountRecord, AppPasswordRecord, Imported, Taken};
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, named_params};

use super::super::row::unavailable;
use super::{app_passwords, exists, find, insert, taken};

/// Takes an account over.
pub(super) fn import(
    db: &Connection,
    account: &AccountRecord,
    passwords: &[AppPasswordRecord],
) -> Result<Result<Imported, Taken>, StoreError> {
    let imported = match decide(db, account, passwords)? {
        Ok(decided) => decided,
        Err(taken) => return Ok(Err(taken)),
    };
    match imported {
        Imported::New => insert(db, account, None)?,
        Imported::Updated => update(db, account)?,
        Imported::Same | Imported::Kept => return Ok(Ok(imported)),
    }
    app_passwords::revoke_all(db, &account.did)?;
    for password in passwords {
        app_passwords::add(db, password)?;
    }
    // The last: what came before counts as a change.
    let sql = "UPDATE accounts SET untouched = 1 WHERE did = ?";
    db.execute(sql, [account.did.as_str()])
        .map_err(unavailable)?;
    Ok(Ok(imported))
}

/// What is to be done with an account. Changes nothing.
pub(super) fn decide(
    db: &Connection,
    account: &AccountRecord,
    passwords: &[AppPasswordRecord],
) -> Result<Result<Imported, Taken>, StoreError> {
    let Some(known) = find(db, &Identifier::Did(account.did.clone()))? else {
        return Ok(match taken(db, account)? {
            Some(taken) => Err(taken),
            None => Ok(Imported::New),
        });
    };
    if known.pds != account.pds {
        return Ok(Err(Taken::Did));
    }
    if !is_untouched(db, &account.did)? {
        return Ok(Ok(Imported::Kept));
    }
    for (taken, column, value) in [
        (Taken::Handle, "handle", Some(account.handle.as_str())),
        (Taken::Email, "email", account.email.as_deref()),
    ] {
        if value.is_some() && exists(db, column, value, Some(&account.did))? {
            return Ok(Err(taken));
        }
    }
    let known = AccountRecord {
        sessions_ended_at: account.sessions_ended_at,
        ..known
    };
    let here = app_passwords::of(db, &account.did)?;
    let same_passwords =
        here.len() == passwords.len() && passwords.iter().all(|password| here.contains(password));
    Ok(Ok(if known == *account && same_passwords {
        Imported::Same
    } else {
        Imported::Updated
    }))
}

fn is_untouched(db: &Connection, did: &Did) -> Result<bool, StoreError> {
    let sql = "SELECT untouched FROM accounts WHERE did = ?";
    db.query_row(sql, [did.as_str()], |row| row.get(0))
        .map_err(unavailable)
}

fn update(db: &Connection, account: &AccountRecord) -> Result<(), StoreError> {
    let sql = "UPDATE accounts SET handle = :handle, email = :email,
            email_confirmed_at = :email_confirmed_at, password_hash = :password_hash,
            created_at = :created_at, active = :active, deactivated_at = :deactivated_at
        WHERE did = :did";
    let row = named_params! {
        ":did": account.did.as_str(),
        ":handle": account.handle.as_str(),
        ":email": account.email,
        ":email_confirmed_at": account.email_confirmed_at.map(UnixTime::as_secs),
        ":password_hash": account.password_hash,
        ":created_at": account.created_at.as_secs(),
        ":active": account.active,
        ":deactivated_at": account.deactivated_at.map(UnixTime::as_secs),
    };
    db.execute(sql, row).map_err(unavailable)?;
    Ok(())
}
