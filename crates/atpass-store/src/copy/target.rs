//! The PostgreSQL database that is filled.

use atpass_provider::store::SigningKeyRecord;
use deadpool_postgres::ClientWrapper;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::ToSql;

use super::source::{Batch, KeptSecret};
use super::tables::{Kind, TABLES, Table};
use super::{CopyError, with_tables};
use crate::postgres::{PostgresConfig, keys, told, unavailable};

/// The database, on one connection for the whole time.
pub(super) struct Target {
    db: tokio::sync::Mutex<ClientWrapper>,
    master: atpass_protocol::seal::SealingKeys,
}

/// A part of a key, as the note of how far it is keeps it.
#[derive(Serialize, Deserialize)]
enum Part {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<tokio_postgres::Error> for CopyError {
    fn from(error: tokio_postgres::Error) -> Self {
        unavailable(told(&error)).into()
    }
}

impl Target {
    /// Makes the tables, and notes from where they are filled: no server runs on them until it is done.
    pub(super) async fn begin(to: &PostgresConfig, from: &str) -> Result<Self, CopyError> {
        let store = with_tables(to).await?;
        let mut db = store.own_connection().await?;
        db.batch_execute("SET statement_timeout = 0; SET synchronous_commit = on")
            .await?;
        let transaction = db.transaction().await?;
        let state = "SELECT copying FROM database_state FOR UPDATE";
        let row = transaction.query_one(state, &[]).await?;
        let copying: Option<String> = row.try_get(0)?;
        match copying {
            Some(other) if other == from => {}
            Some(other) => return Err(CopyError::FromElsewhere(other)),
            None => {
                for table in names() {
                    let sql = format!("SELECT EXISTS (SELECT FROM {table})");
                    let row = transaction.query_one(&sql, &[]).await?;
                    if row.try_get(0)? {
                        return Err(CopyError::NotEmpty);
                    }
                }
                let begin = "CREATE TABLE copy_progress
                    (name text PRIMARY KEY, last text NOT NULL, rows bigint NOT NULL)";
                transaction.batch_execute(begin).await?;
                let note = "UPDATE database_state SET copying = $1";
                transaction.execute(note, &[&from]).await?;
            }
        }
        transaction.commit().await?;
        Ok(Self {
            db: tokio::sync::Mutex::new(db),
            master: store.master().clone(),
        })
    }

    /// The key of the last row of a table that is here, and how many there are.
    pub(super) async fn reached(
        &self,
        table: &Table,
    ) -> Result<(Option<Vec<Value>>, u64), CopyError> {
        let db = self.db.lock().await;
        let sql = "SELECT last, rows FROM copy_progress WHERE name = $1";
        let row = db.query_opt(sql, &[&table.name]).await?;
        let Some(row) = row else {
            return Ok((None, 0));
        };
        let last: &str = row.try_get(0)?;
        let rows: i64 = row.try_get(1)?;
        let parts: Vec<Part> = serde_json::from_str(last).map_err(unavailable)?;
        let values = parts.into_iter().map(|part| match part {
            Part::Integer(number) => Value::Integer(number),
            Part::Text(text) => Value::Text(text),
            Part::Bytes(bytes) => Value::Blob(bytes),
        });
        Ok((Some(values.collect()), rows.unsigned_abs()))
    }

    /// Adds rows, and notes how far it is, in one act.
    pub(super) async fn put(&self, table: &Table, batch: &Batch) -> Result<(), CopyError> {
        let mut arrays: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
        for ((name, kind), values) in table.columns.iter().zip(&batch.columns) {
            let array = array(*kind, values).ok_or(CopyError::Value {
                table: table.name,
                column: name,
            })?;
            arrays.push(array);
        }
        let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<_> = (1..)
            .zip(table.columns)
            .map(|(number, (_, kind))| format!("${number}::{}", kind.array()))
            .collect();
        let insert = format!(
            "INSERT INTO {} ({}) SELECT * FROM unnest({})",
            table.name,
            columns.join(", "),
            places.join(", ")
        );
        let arrays: Vec<_> = arrays
            .iter()
            .map(|array| &**array as &(dyn ToSql + Sync))
            .collect();
        let parts: Vec<_> = batch.last.iter().filter_map(part).collect();
        let last = serde_json::to_string(&parts).map_err(unavailable)?;
        let rows = i64::try_from(batch.rows).unwrap_or(i64::MAX);

        let mut db = self.db.lock().await;
        let transaction = db.transaction().await?;
        transaction.execute(&insert, &arrays).await?;
        let note = "INSERT INTO copy_progress (name, last, rows) VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE
            SET last = excluded.last, rows = copy_progress.rows + excluded.rows";
        transaction
            .execute(note, &[&table.name, &last, &rows])
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Adds keys and secrets, sealed, in place of those of an earlier beginning.
    pub(super) async fn put_keys(
        &self,
        signing: &[SigningKeyRecord],
        secrets: &[KeptSecret],
    ) -> Result<(), CopyError> {
        let mut db = self.db.lock().await;
        let transaction = db.transaction().await?;
        transaction
            .batch_execute("DELETE FROM signing_keys; DELETE FROM secrets")
            .await?;
        for key in signing {
            let sealed = keys::seal(&self.master, &keys::key_place(&key.kid), &key.pkcs8)?;
            let sql = "INSERT INTO signing_keys (kid, sealed, created_at, signs_from, retired_at)
                VALUES ($1, $2, $3, $4, $5)";
            let (created_at, signs_from) = (key.created_at.as_secs(), key.signs_from.as_secs());
            let retired_at = key.retired_at.map(atpass_protocol::time::UnixTime::as_secs);
            transaction
                .execute(
                    sql,
                    &[&key.kid, &sealed, &created_at, &signs_from, &retired_at],
                )
                .await?;
        }
        for (name, secret) in secrets {
            let sealed = keys::seal(&self.master, &keys::secret_place(name), &**secret)?;
            let sql = "INSERT INTO secrets (name, sealed) VALUES ($1, $2)";
            transaction.execute(sql, &[name, &sealed]).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(super) async fn count(&self, table: &str) -> Result<u64, CopyError> {
        let sql = format!("SELECT count(*) FROM {table}");
        let row = self.db.lock().await.query_one(&sql, &[]).await?;
        let rows: i64 = row.try_get(0)?;
        Ok(rows.unsigned_abs())
    }

    /// It is whole: servers may run on it.
    pub(super) async fn finish(&self) -> Result<(), CopyError> {
        let db = self.db.lock().await;
        db.batch_execute("ANALYZE").await?;
        db.batch_execute(
            "BEGIN; DROP TABLE copy_progress; UPDATE database_state SET copying = NULL; COMMIT",
        )
        .await?;
        Ok(())
    }

    /// Removes what was copied of this file.
    pub(super) async fn give_up(to: &PostgresConfig, from: &str) -> Result<(), CopyError> {
        let store = with_tables(to).await?;
        let mut db = store.own_connection().await?;
        let transaction = db.transaction().await?;
        let state = "SELECT copying FROM database_state FOR UPDATE";
        let row = transaction.query_one(state, &[]).await?;
        let copying: Option<String> = row.try_get(0)?;
        match copying {
            Some(other) if other == from => {}
            Some(other) => return Err(CopyError::FromElsewhere(other)),
            None => {
                // Empty: the copying ended between its two first steps. Anything else is its end.
                for table in names() {
                    let sql = format!("SELECT EXISTS (SELECT FROM {table})");
                    let row = transaction.query_one(&sql, &[]).await?;
                    if row.try_get(0)? {
                        return Err(CopyError::Complete);
                    }
                }
                return Ok(());
            }
        }
        let clear = format!(
            "TRUNCATE {}; DROP TABLE copy_progress; UPDATE database_state SET copying = NULL",
            names().collect::<Vec<_>>().join(", ")
        );
        transaction.batch_execute(&clear).await?;
        Ok(transaction.commit().await?)
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let copied = TABLES.iter().map(|table| table.name);
    copied.chain(["signing_keys", "secrets"])
}

fn part(value: &Value) -> Option<Part> {
    match value {
        Value::Integer(number) => Some(Part::Integer(*number)),
        Value::Text(text) => Some(Part::Text(text.clone())),
        Value::Blob(bytes) => Some(Part::Bytes(bytes.clone())),
        Value::Null | Value::Real(_) => None,
    }
}

/// The values of a column as an array; `None` where one isn't of this kind.
fn array(kind: Kind, values: &[Value]) -> Option<Box<dyn ToSql + Sync + Send>> {
    Some(match kind {
        Kind::Integer => Box::new(each(values, |value| match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        })?),
        Kind::Switch => Box::new(each(values, |value| match value {
            Value::Integer(number) => Some(*number != 0),
            _ => None,
        })?),
        Kind::Text => Box::new(each(values, |value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })?),
        Kind::Bytes => Box::new(each(values, |value| match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            _ => None,
        })?),
    })
}

fn each<T>(values: &[Value], read: impl Fn(&Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    let one = |value| match value {
        &Value::Null => Some(None),
        value => read(value).map(Some),
    };
    values.iter().map(one).collect()
}
