//! Devices, and the accounts signed in on them.

use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::{DeviceAccount, DeviceRecord, DeviceSignIn, Digest32, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::row::{Columns, unavailable};

pub(super) fn find(
    db: &Connection,
    id: &Digest32,
    now: UnixTime,
) -> Result<Option<DeviceRecord>, StoreError> {
    let sql = "SELECT expires_at, remembered FROM devices WHERE id = ? AND expires_at > ?";
    let found: Option<(i64, bool)> = db
        .prepare_cached(sql)
        .and_then(|mut select| {
            let row = select.query_row(params![id, now.as_secs()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
            row.optional()
        })
        .map_err(unavailable)?;
    let Some((expires_at, remembered)) = found else {
        return Ok(None);
    };
    let sql = "SELECT did, signed_in_at FROM device_accounts WHERE device = ? ORDER BY signed_in_at DESC, did";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select.query([id]).map_err(unavailable)?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let columns = Columns::of("device_accounts", row);
        accounts.push(DeviceAccount {
            did: columns.parse("did")?,
            signed_in_at: columns.time("signed_in_at")?,
        });
    }
    Ok(Some(DeviceRecord {
        id: *id,
        accounts,
        expires_at: UnixTime::from_secs(expires_at),
        remembered,
    }))
}

pub(super) fn sign_in(db: &Connection, sign_in: &DeviceSignIn) -> Result<(), StoreError> {
    let expires_at = sign_in.expires_at.as_secs();
    // The accounts follow the id by the foreign key.
    let moved = match sign_in.old {
        None => 0,
        Some(old) => db
            .prepare_cached(
                "UPDATE devices SET id = ?, expires_at = ?, remembered = ? WHERE id = ?",
            )
            .and_then(|mut update| {
                update.execute(params![sign_in.new, expires_at, sign_in.remembered, old])
            })
            .map_err(unavailable)?,
    };
    if moved == 0 {
        db.prepare_cached("INSERT INTO devices (id, expires_at, remembered) VALUES (?, ?, ?)")
            .and_then(|mut insert| {
                insert.execute(params![sign_in.new, expires_at, sign_in.remembered])
            })
            .map_err(unavailable)?;
    }
    let sql = "INSERT INTO device_accounts (device, did, signed_in_at) VALUES (?, ?, ?)
        ON CONFLICT (device, did) DO UPDATE SET signed_in_at = excluded.signed_in_at";
    db.prepare_cached(sql)
        .and_then(|mut insert| {
            insert.execute(params![
                sign_in.new,
                sign_in.did.as_str(),
                sign_in.now.as_secs()
            ])
        })
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn keep(db: &Connection, id: &Digest32, expires_at: UnixTime) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE devices SET expires_at = ? WHERE id = ?")
        .and_then(|mut update| update.execute(params![expires_at.as_secs(), id]))
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn sign_out(db: &Connection, id: &Digest32, did: &Did) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM device_accounts WHERE device = ? AND did = ?")
        .and_then(|mut delete| delete.execute(params![id, did.as_str()]))
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn sign_out_others(
    db: &Connection,
    keep: &Digest32,
    did: &Did,
) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM device_accounts WHERE did = ? AND device <> ?")
        .and_then(|mut delete| delete.execute(params![did.as_str(), keep]))
        .map_err(unavailable)?;
    Ok(())
}

/// Signs an account out everywhere.
pub(super) fn sign_out_everywhere(db: &Connection, did: &Did) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM device_accounts WHERE did = ?")
        .and_then(|mut delete| delete.execute([did.as_str()]))
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql =
        "DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE expires_at <= ? LIMIT ?)";
    db.prepare_cached(sql)
        .and_then(|mut delete| delete.execute(params![now.as_secs(), batch]))
        .map_err(unavailable)
}
