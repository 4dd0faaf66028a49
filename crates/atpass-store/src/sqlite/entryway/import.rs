//! Accounts that come from a PDS's own database.

use atpass_entryway::store::{AccountRecord, AppPasswordRecord, Imported, Taken};
use atpass_protocol::time::UnixTime;
use atpass_provider::accounts::Identifier;
use atpass_provider::password::Passwords;
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
    let (imported, wanted) = match decide(db, account, passwords)? {
        Ok(decided) => decided,
        Err(taken) => return Ok(Err(taken)),
    };
    match imported {
        Imported::New => insert(db, &wanted, None)?,
        Imported::Updated => update(db, &wanted)?,
        Imported::Same => return Ok(Ok(imported)),
    }
    for password in passwords {
        app_passwords::add(db, password)?;
    }
    Ok(Ok(imported))
}

/// What is to be done with an account, and how it is to be here. Changes nothing.
pub(super) fn decide(
    db: &Connection,
    account: &AccountRecord,
    passwords: &[AppPasswordRecord],
) -> Result<Result<(Imported, AccountRecord), Taken>, StoreError> {
    let Some(known) = find(db, &Identifier::Did(account.did.clone()))? else {
        return Ok(match taken(db, account)? {
            Some(taken) => Err(taken),
            None => Ok((Imported::New, account.clone())),
        });
    };
    if known.pds != account.pds {
        return Ok(Err(Taken::Did));
    }
    for (taken, column, value) in [
        (Taken::Handle, "handle", Some(account.handle.as_str())),
        (Taken::Email, "email", account.email.as_deref()),
    ] {
        if value.is_some() && exists(db, column, value, Some(&account.did))? {
            return Ok(Err(taken));
        }
    }
    let wanted = AccountRecord {
        // One that was changed or upgraded here counts.
        password_hash: if Passwords::needs_upgrade(&known.password_hash) {
            account.password_hash.clone()
        } else {
            known.password_hash.clone()
        },
        // The operator's word counts here.
        active: known.active && account.active,
        ..account.clone()
    };
    let here = app_passwords::of(db, &account.did)?;
    let is_here = |password: &AppPasswordRecord| here.iter().any(|one| one.name == password.name);
    let same = wanted == known && passwords.iter().all(is_here);
    let imported = if same {
        Imported::Same
    } else {
        Imported::Updated
    };
    Ok(Ok((imported, wanted)))
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
