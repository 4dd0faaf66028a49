//! Accounts that are being made, and invite codes.

use atpass_entryway::store::{SignUpRecord, Taken};
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use deadpool_postgres::{GenericClient, Transaction};

use super::super::pool::{Failure, execute, query};
use super::super::row::Columns;
use super::{COLUMNS, insert, read, taken};

/// `Err` of a [`Taken`] undoes nothing: nothing was done before it is known.
pub(super) async fn begin(
    db: &Transaction<'_>,
    record: &SignUpRecord,
) -> Result<Result<(), Taken>, Failure> {
    if let Some(taken) = taken(db, &record.account).await? {
        return Ok(Err(taken));
    }
    if let Some(invite) = &record.invite {
        let sql = "UPDATE invites SET uses = uses - 1 WHERE code = $1 AND uses > 0";
        if execute(db, sql, &[invite]).await? == 0 {
            return Ok(Err(Taken::Invite));
        }
    }
    let invite = record.invite.as_deref();
    insert(db, &record.account, Some((&record.operation, invite))).await?;
    Ok(Ok(()))
}

pub(super) async fn finish(db: &impl GenericClient, did: &Did) -> Result<bool, Failure> {
    let sql = "UPDATE accounts SET sign_up = NULL WHERE did = $1 AND sign_up IS NOT NULL";
    Ok(execute(db, sql, &[&did.as_str()]).await? > 0)
}

pub(super) async fn give_up(db: &impl GenericClient, did: &Did) -> Result<(), Failure> {
    let sql = "WITH given_up AS (
            DELETE FROM accounts WHERE did = $1 AND sign_up IS NOT NULL RETURNING invite
        )
        UPDATE invites SET uses = uses + 1 FROM given_up WHERE code = invite";
    execute(db, sql, &[&did.as_str()]).await?;
    Ok(())
}

pub(super) async fn unfinished(
    db: &impl GenericClient,
    before: UnixTime,
    limit: u32,
) -> Result<Vec<SignUpRecord>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS}, sign_up, invite FROM accounts
        WHERE sign_up IS NOT NULL AND created_at < $1 ORDER BY created_at LIMIT $2"
    );
    let mut found = Vec::new();
    for row in &query(db, &sql, &[&before.as_secs(), &i64::from(limit)]).await? {
        let columns = Columns {
            table: "accounts",
            row,
        };
        found.push(SignUpRecord {
            account: read(row)?,
            operation: columns.get("sign_up")?,
            invite: columns.get("invite")?,
        });
    }
    Ok(found)
}

pub(super) async fn accounts_by_pds(db: &impl GenericClient) -> Result<Vec<(Did, u64)>, Failure> {
    let sql = "SELECT audience, count(*) AS accounts FROM accounts GROUP BY audience";
    let mut found = Vec::new();
    for row in &query(db, sql, &[]).await? {
        let columns = Columns {
            table: "accounts",
            row,
        };
        let count: i64 = columns.get("accounts")?;
        found.push((columns.parse("audience")?, count.unsigned_abs()));
    }
    Ok(found)
}

pub(super) async fn add_invite(
    db: &impl GenericClient,
    code: &str,
    uses: u32,
    now: UnixTime,
) -> Result<(), Failure> {
    let sql = "INSERT INTO invites (code, uses, created_at) VALUES ($1, $2, $3)";
    execute(db, sql, &[&code, &i64::from(uses), &now.as_secs()]).await?;
    Ok(())
}
