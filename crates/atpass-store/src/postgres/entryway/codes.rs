//! Codes that were sent by e-mail: one for each account and purpose.

use atpass_entryway::store::EmailPurpose;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::Digest32;
use deadpool_postgres::GenericClient;

use super::super::pool::{Failure, delete_batch, execute, query_opt};
use super::super::row::Columns;

pub(super) async fn put(
    db: &impl GenericClient,
    did: &Did,
    purpose: EmailPurpose,
    code: &Digest32,
    expires_at: UnixTime,
) -> Result<(), Failure> {
    let sql = "INSERT INTO email_codes (did, purpose, code, expires_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (did, purpose)
        DO UPDATE SET code = excluded.code, expires_at = excluded.expires_at";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [
        &did.as_str(),
        &purpose.as_str(),
        &code.as_slice(),
        &expires_at.as_secs(),
    ];
    execute(db, sql, &values).await?;
    Ok(())
}

/// Of two who come with one code, the later one waits for the removal and finds nothing.
pub(super) async fn take(
    db: &impl GenericClient,
    did: Option<&Did>,
    purpose: EmailPurpose,
    code: &Digest32,
    now: UnixTime,
) -> Result<Option<Did>, Failure> {
    let sql = "WITH fitting AS (
            SELECT did FROM email_codes WHERE purpose = $1 AND code = $2 AND expires_at > $3
                AND ($4::text IS NULL OR did = $4) LIMIT 2
        )
        DELETE FROM email_codes WHERE purpose = $1 AND code = $2 AND expires_at > $3
            AND did = (SELECT min(did) FROM fitting HAVING count(*) = 1)
        RETURNING did";
    let row = query_opt(
        db,
        sql,
        &[
            &purpose.as_str(),
            &code.as_slice(),
            &now.as_secs(),
            &did.map(Did::as_str),
        ],
    )
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let columns = Columns {
        table: "email_codes",
        row: &row,
    };
    Ok(Some(columns.parse("did")?))
}

/// Removes an account's code for this purpose, or its codes for all.
pub(super) async fn void(
    db: &impl GenericClient,
    did: &Did,
    purpose: Option<EmailPurpose>,
) -> Result<(), Failure> {
    let sql = "DELETE FROM email_codes WHERE did = $1 AND ($2::text IS NULL OR purpose = $2)";
    execute(
        db,
        sql,
        &[&did.as_str(), &purpose.map(EmailPurpose::as_str)],
    )
    .await?;
    Ok(())
}

/// For a password that was just changed.
pub(in super::super) async fn void_reset_code(
    db: &impl GenericClient,
    did: &Did,
) -> Result<(), Failure> {
    void(db, did, Some(EmailPurpose::ResetPassword)).await
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let sql = "DELETE FROM email_codes WHERE (did, purpose) IN (
        SELECT did, purpose FROM email_codes WHERE expires_at <= $1 LIMIT $2
        FOR UPDATE SKIP LOCKED)";
    delete_batch(db, sql, now, batch).await
}
