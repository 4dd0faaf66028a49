//! Passwords for single old apps.

use atpass_entryway::store::AppPasswordRecord;
use atpass_protocol::id::Did;
use deadpool_postgres::{GenericClient, Transaction};

use super::super::pool::{Failure, execute, query, query_opt};
use super::super::row::Columns;

/// The account is held while its password is added: one that is removed, or that takes all of them away with
/// a new password, waits and finds it.
pub(super) async fn add(
    db: &impl GenericClient,
    record: &AppPasswordRecord,
) -> Result<bool, Failure> {
    let sql = "WITH account AS (
            SELECT did FROM accounts WHERE did = $1 AND sign_up IS NULL FOR NO KEY UPDATE
        )
        INSERT INTO app_passwords (did, name, hash, created_at, privileged)
        SELECT did, $2, $3, $4, $5 FROM account ON CONFLICT DO NOTHING";
    let added = execute(
        db,
        sql,
        &[
            &record.did.as_str(),
            &record.name,
            &record.hash,
            &record.created_at.as_secs(),
            &record.privileged,
        ],
    )
    .await?;
    Ok(added > 0)
}

pub(super) async fn of(
    db: &impl GenericClient,
    did: &Did,
) -> Result<Vec<AppPasswordRecord>, Failure> {
    let sql = "SELECT did, name, hash, created_at, privileged FROM app_passwords
        WHERE did = $1 ORDER BY created_at, name COLLATE \"C\"";
    let mut found = Vec::new();
    for row in &query(db, sql, &[&did.as_str()]).await? {
        let columns = Columns {
            table: "app_passwords",
            row,
        };
        found.push(AppPasswordRecord {
            did: columns.parse("did")?,
            name: columns.get("name")?,
            hash: columns.get("hash")?,
            created_at: columns.time("created_at")?,
            privileged: columns.get("privileged")?,
        });
    }
    Ok(found)
}

pub(super) async fn revoke_all(db: &Transaction<'_>, did: &Did) -> Result<(), Failure> {
    let sql = "DELETE FROM app_passwords WHERE did = $1";
    execute(db, sql, &[&did.as_str()]).await?;
    Ok(())
}

/// The account is held first, as everywhere; then the password goes: a session that begins with it meanwhile is
/// waited for, and found.
pub(super) async fn revoke(db: &Transaction<'_>, did: &Did, name: &str) -> Result<(), Failure> {
    let hold = "SELECT FROM accounts WHERE did = $1 FOR NO KEY UPDATE";
    query_opt(db, hold, &[&did.as_str()]).await?;
    for sql in [
        "DELETE FROM app_passwords WHERE did = $1 AND name = $2",
        "DELETE FROM legacy_sessions WHERE did = $1 AND app_password = $2",
    ] {
        execute(db, sql, &[&did.as_str(), &name]).await?;
    }
    Ok(())
}
