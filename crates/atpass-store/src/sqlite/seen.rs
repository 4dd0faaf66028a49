//! What counts once only: keys that were used, for as long as they would be accepted.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::{AssertionUse, StoreError};
use rusqlite::{Connection, params};

use super::row::unavailable;

/// Uses an assertion up, where there is one. Returns whether it is the first time.
pub(super) fn first_use(
    db: &Connection,
    assertion: Option<&AssertionUse>,
    now: UnixTime,
) -> Result<bool, StoreError> {
    match assertion {
        None => Ok(true),
        Some(assertion) => note(db, &assertion.key, assertion.until, now),
    }
}

pub(super) fn note(
    db: &Connection,
    key: &[u8],
    until: UnixTime,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO seen (key, expires_at) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE seen.expires_at <= ?3";
    let added = db
        .prepare_cached(sql)
        .and_then(|mut insert| insert.execute(params![key, until.as_secs(), now.as_secs()]))
        .map_err(unavailable)?;
    Ok(added > 0)
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql =
        "DELETE FROM seen WHERE rowid IN (SELECT rowid FROM seen WHERE expires_at <= ? LIMIT ?)";
    db.prepare_cached(sql)
        .and_then(|mut delete| delete.execute(params![now.as_secs(), batch]))
        .map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use super::super::schema::migrations;
    use super::*;

    /// An assertion that was used before the table was made anew can't be used after.
    #[test]
    fn what_was_used_stays_used_when_the_schema_changes() {
        let mut db = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut db, 2).unwrap();
        db.execute("INSERT INTO seen VALUES (?, ?)", params![[1_u8; 32], 100])
            .unwrap();
        migrations().to_latest(&mut db).unwrap();
        let at = UnixTime::from_secs;
        let first = |now| note(&db, &[1; 32], at(200), at(now)).unwrap();
        assert!(!first(99));
        assert!(first(100));
        assert!(!first(199));
        assert_eq!(sweep(&db, at(199), 10).unwrap(), 0);
        assert_eq!(sweep(&db, at(200), 10).unwrap(), 1);
    }
}
