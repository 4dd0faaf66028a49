//! Accounts that are being made, and invite codes.

use atpass_entryway::store::{SignUpRecord, Taken};
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::row::{Columns, unavailable};
use super::{insert, read, taken};

pub(super) fn begin(
    db: &Connection,
    record: &SignUpRecord,
) -> Result<Result<(), Taken>, StoreError> {
    if let Some(taken) = taken(db, &record.account)? {
        return Ok(Err(taken));
    }
    if let Some(invite) = &record.invite {
        let sql = "UPDATE invites SET uses = uses - 1 WHERE code = ? AND uses > 0";
        if db.execute(sql, [invite]).map_err(unavailable)? == 0 {
            return Ok(Err(Taken::Invite));
        }
    }
    let invite = record.invite.as_deref();
    insert(db, &record.account, Some((&record.operation, invite)))?;
    Ok(Ok(()))
}

pub(super) fn finish(db: &Connection, did: &Did) -> Result<bool, StoreError> {
    let sql = "UPDATE accounts SET sign_up = NULL WHERE did = ? AND sign_up IS NOT NULL";
    let finished = db.execute(sql, [did.as_str()]).map_err(unavailable)?;
    Ok(finished > 0)
}

pub(super) fn give_up(db: &Connection, did: &Did) -> Result<(), StoreError> {
    let sql = "DELETE FROM accounts WHERE did = ? AND sign_up IS NOT NULL RETURNING invite";
    let invite: Option<Option<String>> = db
        .query_row(sql, [did.as_str()], |row| row.get(0))
        .optional()
        .map_err(unavailable)?;
    if let Some(Some(invite)) = invite {
        let sql = "UPDATE invites SET uses = uses + 1 WHERE code = ?";
        db.execute(sql, [invite]).map_err(unavailable)?;
    }
    Ok(())
}

pub(super) fn unfinished(
    db: &Connection,
    before: UnixTime,
    limit: u32,
) -> Result<Vec<SignUpRecord>, StoreError> {
    let sql = "SELECT * FROM accounts WHERE sign_up IS NOT NULL AND created_at < ?
        ORDER BY created_at LIMIT ?";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select
        .query(params![before.as_secs(), limit])
        .map_err(unavailable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let columns = Columns::of("accounts", row);
        found.push(SignUpRecord {
            account: read(row)?,
            operation: columns.get("sign_up")?,
            invite: columns.get("invite")?,
        });
    }
    Ok(found)
}

pub(super) fn accounts_by_pds(db: &Connection) -> Result<Vec<(Did, u64)>, StoreError> {
    let sql = "SELECT audience, count(*) AS accounts FROM accounts GROUP BY audience";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select.query([]).map_err(unavailable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let columns = Columns::of("accounts", row);
        let count: i64 = columns.get("accounts")?;
        found.push((columns.parse("audience")?, count.unsigned_abs()));
    }
    Ok(found)
}

pub(super) fn add_invite(
    db: &Connection,
    code: &str,
    uses: u32,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO invites (code, uses, created_at) VALUES (?, ?, ?)";
    db.execute(sql, params![code, uses, now.as_secs()])
        .map_err(unavailable)?;
    Ok(())
}
