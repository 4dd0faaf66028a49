//! What becomes void when a database goes back in time.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::row::unavailable;

/// What was used up, or taken away, after the backup must not come back: refresh tokens and the
/// sessions that they belong to, authorization requests and codes, browsers that were signed out,
/// consents that were withdrawn, letters' codes, app passwords, and signing keys that were given up.
const VOID: [&str; 11] = [
    "requests",
    "codes",
    "sessions",
    "legacy_sessions",
    "device_accounts",
    "devices",
    "approvals",
    "email_codes",
    "app_passwords",
    "scope_references",
    "signing_keys",
];

/// How many rows became void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Voided {
    /// Sessions of apps, with those that know no OAuth.
    pub sessions: usize,
    /// Browsers, with whoever was signed in there.
    pub browsers: usize,
    /// What people had granted to apps.
    pub approvals: usize,
    /// Passwords for single old apps.
    pub app_passwords: usize,
    /// Keys that sign access tokens.
    pub signing_keys: usize,
}

impl SqliteStore {
    /// Makes void, in one act, all that could have been used up or taken away by a server that ran on
    /// later data than these: for a database that was restored from a copy.
    ///
    /// Removed are all requests, codes, sessions, browsers, approvals, codes of letters, app passwords,
    /// references to scopes and signing keys; and every account is marked as one whose sessions all
    /// ended at `now`, so that older tokens of old apps count no more. Access tokens are void with the
    /// keys that signed them; a server that starts makes a new one. Kept are the accounts with their
    /// passwords, as they were; the secrets (no token lives by them alone); invites; lexicons; and the
    /// assertions that were seen: forgetting them could only make them good again.
    pub async fn void_spent(&self, now: UnixTime) -> Result<Voided, StoreError> {
        self.write(move |db| spent(db, now)).await
    }
}

/// The act of [`SqliteStore::void_spent`], inside the caller's transaction.
pub(super) fn spent(db: &Connection, now: UnixTime) -> Result<Voided, StoreError> {
    let mut voided = Voided::default();
    for table in VOID {
        let rows = db
            .execute(&format!("DELETE FROM {table}"), [])
            .map_err(unavailable)?;
        match table {
            "sessions" | "legacy_sessions" => voided.sessions += rows,
            "devices" => voided.browsers += rows,
            "approvals" => voided.approvals += rows,
            "app_passwords" => voided.app_passwords += rows,
            "signing_keys" => voided.signing_keys += rows,
            _ => {}
        }
    }
    let sql = "UPDATE accounts SET sessions_ended_at = max(?, coalesce(sessions_ended_at, 0))";
    db.execute(sql, params![now.as_secs()])
        .map_err(unavailable)?;
    Ok(voided)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new table has to be thought about here.
    #[test]
    fn every_table_is_decided() {
        const KEPT: [&str; 5] = ["accounts", "secrets", "invites", "lexicons", "seen"];
        let mut db = Connection::open_in_memory().unwrap();
        super::super::migrations().to_latest(&mut db).unwrap();
        let mut select = db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables: Vec<String> = select
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let mut decided = [VOID.as_slice(), KEPT.as_slice()].concat();
        decided.sort_unstable();
        assert_eq!(tables, decided);
    }
}
