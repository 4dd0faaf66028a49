//! Devices, and the accounts signed in on them.

use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::{DeviceAccount, DeviceRecord, DeviceSignIn, Digest32};
use deadpool_postgres::{GenericClient, Transaction};

use super::pool::{Failure, delete_batch, execute, query};
use super::row::Columns;

pub(super) async fn find(
    db: &impl GenericClient,
    id: &Digest32,
    now: UnixTime,
) -> Result<Option<DeviceRecord>, Failure> {
    let sql = "SELECT expires_at, remembered, did, signed_in_at
        FROM devices LEFT JOIN device_accounts ON device = id
        WHERE id = $1 AND expires_at > $2 ORDER BY signed_in_at DESC, did COLLATE \"C\"";
    let found = query(db, sql, &[&id.as_slice(), &now.as_secs()]).await?;
    let mut device: Option<DeviceRecord> = None;
    for row in &found {
        let columns = Columns {
            table: "devices",
            row,
        };
        let device = match &mut device {
            Some(device) => device,
            none => none.insert(DeviceRecord {
                id: *id,
                accounts: Vec::new(),
                expires_at: columns.time("expires_at")?,
                remembered: columns.get("remembered")?,
            }),
        };
        // None where nobody is signed in.
        if let Some(signed_in_at) = columns.time_if("signed_in_at")? {
            device.accounts.push(DeviceAccount {
                did: columns.parse("did")?,
                signed_in_at,
            });
        }
    }
    Ok(device)
}

pub(super) async fn sign_in(db: &Transaction<'_>, sign_in: &DeviceSignIn) -> Result<(), Failure> {
    let new = sign_in.new.as_slice();
    let (expires_at, remembered) = (sign_in.expires_at.as_secs(), sign_in.remembered);
    // The accounts follow the id by the foreign key.
    let moved = match &sign_in.old {
        None => 0,
        Some(old) => {
            let sql = "UPDATE devices SET id = $1, expires_at = $2, remembered = $3 WHERE id = $4";
            execute(db, sql, &[&new, &expires_at, &remembered, &old.as_slice()]).await?
        }
    };
    if moved == 0 {
        let sql = "INSERT INTO devices (id, expires_at, remembered) VALUES ($1, $2, $3)";
        execute(db, sql, &[&new, &expires_at, &remembered]).await?;
    }
    let sql = "INSERT INTO device_accounts (device, did, signed_in_at) VALUES ($1, $2, $3)
        ON CONFLICT (device, did) DO UPDATE SET signed_in_at = excluded.signed_in_at";
    execute(
        db,
        sql,
        &[&new, &sign_in.did.as_str(), &sign_in.now.as_secs()],
    )
    .await?;
    Ok(())
}

pub(super) async fn keep(
    db: &impl GenericClient,
    id: &Digest32,
    expires_at: UnixTime,
) -> Result<(), Failure> {
    let sql = "UPDATE devices SET expires_at = $1 WHERE id = $2";
    execute(db, sql, &[&expires_at.as_secs(), &id.as_slice()]).await?;
    Ok(())
}

pub(super) async fn sign_out(
    db: &impl GenericClient,
    id: &Digest32,
    did: &Did,
) -> Result<(), Failure> {
    let sql = "DELETE FROM device_accounts WHERE device = $1 AND did = $2";
    execute(db, sql, &[&id.as_slice(), &did.as_str()]).await?;
    Ok(())
}

pub(super) async fn sign_out_others(
    db: &impl GenericClient,
    keep: &Digest32,
    did: &Did,
) -> Result<(), Failure> {
    let sql = "DELETE FROM device_accounts WHERE did = $1 AND device <> $2";
    execute(db, sql, &[&did.as_str(), &keep.as_slice()]).await?;
    Ok(())
}

/// Signs an account out everywhere.
pub(super) async fn sign_out_everywhere(db: &impl GenericClient, did: &Did) -> Result<(), Failure> {
    let sql = "DELETE FROM device_accounts WHERE did = $1";
    execute(db, sql, &[&did.as_str()]).await?;
    Ok(())
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let sql = "DELETE FROM devices WHERE id IN (
        SELECT id FROM devices WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
    delete_batch(db, sql, now, batch).await
}
