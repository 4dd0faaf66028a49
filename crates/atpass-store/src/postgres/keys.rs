//! Signing keys and shared secrets, sealed under the master key: who reads the database alone has none of
//! them.

use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::{SigningKeyRecord, StoreError};
use deadpool_postgres::{GenericClient, Transaction};
use zeroize::Zeroizing;

use super::pool::{Failure, execute, query, query_one, query_opt, rows, unavailable};
use super::row::Columns;

pub(super) async fn all(
    db: &impl GenericClient,
    master: &SealingKeys,
) -> Result<Vec<SigningKeyRecord>, Failure> {
    let sql = "SELECT kid, sealed, created_at, signs_from, retired_at
        FROM signing_keys ORDER BY created_at DESC, number DESC";
    let mut keys = Vec::new();
    for row in &query(db, sql, &[]).await? {
        let columns = Columns {
            table: "signing_keys",
            row,
        };
        let kid: String = columns.get("kid")?;
        keys.push(SigningKeyRecord {
            pkcs8: open(master, &key_place(&kid), &columns)?,
            kid,
            created_at: columns.time("created_at")?,
            signs_from: columns.time("signs_from")?,
            retired_at: columns.time_if("retired_at")?,
        });
    }
    Ok(keys)
}

pub(super) async fn add(
    db: &impl GenericClient,
    key: &SigningKeyRecord,
    master: &SealingKeys,
) -> Result<(), Failure> {
    let sealed = seal(master, &key_place(&key.kid), &key.pkcs8)?;
    let sql =
        "INSERT INTO signing_keys (kid, sealed, created_at, signs_from) VALUES ($1, $2, $3, $4)";
    let (created_at, signs_from) = (key.created_at.as_secs(), key.signs_from.as_secs());
    execute(db, sql, &[&key.kid, &sealed, &created_at, &signs_from]).await?;
    Ok(())
}

/// One at a time: whoever waited finds the key of the first.
pub(super) async fn add_first(
    db: &Transaction<'_>,
    key: &SigningKeyRecord,
    now: UnixTime,
    master: &SealingKeys,
) -> Result<(), Failure> {
    db.batch_execute("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    let sql =
        "SELECT EXISTS (SELECT FROM signing_keys WHERE retired_at IS NULL AND signs_from <= $1)";
    let signs = query_one(db, sql, &[&now.as_secs()]).await?.try_get(0)?;
    if signs {
        Ok(())
    } else {
        add(db, key, master).await
    }
}

pub(super) async fn retire(
    db: &impl GenericClient,
    kid: &str,
    now: UnixTime,
) -> Result<bool, Failure> {
    let sql = "UPDATE signing_keys SET retired_at = $1 WHERE kid = $2 AND retired_at IS NULL";
    Ok(execute(db, sql, &[&now.as_secs(), &kid]).await? > 0)
}

pub(super) async fn secret(
    db: &impl GenericClient,
    name: &str,
    candidate: &[u8; 32],
    master: &SealingKeys,
) -> Result<[u8; 32], Failure> {
    let select = "SELECT sealed FROM secrets WHERE name = $1";
    let mut kept = query_opt(db, select, &[&name]).await?;
    if kept.is_none() {
        let sealed = seal(master, &secret_place(name), candidate)?;
        let sql = "INSERT INTO secrets (name, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        execute(db, sql, &[&name, &sealed]).await?;
        kept = query_opt(db, select, &[&name]).await?;
    }
    let row = kept.ok_or_else(|| unavailable("a secret was removed just now"))?;
    let columns = Columns {
        table: "secrets",
        row: &row,
    };
    let plain = open(master, &secret_place(name), &columns)?;
    let plain: Result<[u8; 32], _> = plain.as_slice().try_into();
    Ok(plain.map_err(|_| columns.corrupt("sealed", "not 32 bytes"))?)
}

/// Seals everything anew, under the first of the master keys. Returns how many.
pub(super) async fn reseal(db: &Transaction<'_>, master: &SealingKeys) -> Result<usize, Failure> {
    let mut done = 0;
    for (table, name, place) in [
        ("signing_keys", "kid", key_place as fn(&str) -> String),
        ("secrets", "name", secret_place),
    ] {
        let sql = format!("SELECT {name} AS name, sealed FROM {table} FOR UPDATE");
        for row in &db.query(&sql, &[]).await? {
            let columns = Columns { table, row };
            let of: &str = columns.get("name")?;
            let sealed = seal(master, &place(of), &open(master, &place(of), &columns)?)?;
            let sql = format!("UPDATE {table} SET sealed = $1 WHERE {name} = $2");
            done += rows(db.execute(&sql, &[&sealed, &of]).await?);
        }
    }
    Ok(done)
}

/// A sealed text opens in its own place only.
pub(crate) fn key_place(kid: &str) -> String {
    format!("signing key:{kid}")
}

pub(crate) fn secret_place(name: &str) -> String {
    format!("secret:{name}")
}

pub(crate) fn seal(master: &SealingKeys, place: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let sealed = master.seal(place.as_bytes(), plain, &SystemRandom);
    sealed.map_err(unavailable)
}

fn open(
    master: &SealingKeys,
    place: &str,
    columns: &Columns<'_>,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let opened = master.open(place.as_bytes(), columns.get("sealed")?);
    opened.map_err(|error| {
        let advice = "is the key that sealed it among database.master_keys?";
        columns.corrupt(place, format_args!("{error}; {advice}"))
    })
}
