//! A store in PostgreSQL.

use async_trait::async_trait;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use deadpool_postgres::{ClientWrapper, ManagerConfig, Object, Pool, RecyclingMethod};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use super::{PutOutcome, Record, SessionKey, SessionStore, StoreFailure};

mod migrations {
    refinery::embed_migrations!("src/store/postgres/migrations");
}

/// Sessions in PostgreSQL, for an app on many machines. Every act is one statement.
///
/// Its tables begin with `atpass_client_`, so that it may live in the app's own database. Make them
/// once, and after each update, with [`migrate`](Self::migrate).
#[derive(Clone)]
pub struct PostgresStore(Pool);

/// Where the versions of the schema are written down.
const MIGRATIONS_TABLE: &str = "atpass_client_migration";
/// Only one process makes the tables at a time: "atpc" in ASCII.
const LOCK: i64 = 0x6174_7063;
/// Expired logins that one new login clears away at most.
const MOST_SWEPT: i64 = 100;
/// Connections of a store that makes its own pool.
const CONNECTIONS: usize = 8;

impl PostgresStore {
    /// With the app's own pool.
    pub const fn new(pool: Pool) -> Self {
        Self(pool)
    }

    /// With a pool of its own, of up to 8 connections without TLS: for a database on this machine or a
    /// private network. Connects when it is first used.
    pub fn without_tls(url: &str) -> Result<Self, StoreFailure> {
        let config: tokio_postgres::Config = url
            .parse()
            .map_err(|_| StoreFailure("the database's URL can't be read".into()))?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = deadpool_postgres::Manager::from_config(config, NoTls, recycling);
        let pool = Pool::builder(manager).max_size(CONNECTIONS).build();
        pool.map(Self)
            .map_err(|error| StoreFailure(error.to_string()))
    }

    /// Makes or updates the tables. Any number of processes may do so at once.
    pub async fn migrate(&self) -> Result<(), StoreFailure> {
        // Not given back to the pool: the lock ends with the connection, whatever happens here.
        let mut connection: ClientWrapper = Object::take(self.connection().await?);
        connection
            .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
            .await
            .map_err(|error| failed(&error))?;
        migrations::migrations::runner()
            .set_migration_table_name(MIGRATIONS_TABLE)
            .run_async(&mut *connection)
            .await
            .map_err(|error| StoreFailure(error.to_string()))?;
        Ok(())
    }

    async fn connection(&self) -> Result<Object, StoreFailure> {
        let connection = self.0.get().await;
        connection.map_err(|error| StoreFailure(format!("no connection to PostgreSQL: {error}")))
    }

    async fn query(
        &self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreFailure> {
        let connection = self.connection().await?;
        let statement = connection
            .prepare_cached(statement)
            .await
            .map_err(|error| failed(&error))?;
        connection
            .query(&statement, values)
            .await
            .map_err(|error| failed(&error))
    }

    async fn query_one(
        &self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreFailure> {
        Ok(self.query(statement, values).await?.into_iter().next())
    }
}

fn failed(error: &tokio_postgres::Error) -> StoreFailure {
    if error.code() == Some(&SqlState::UNDEFINED_TABLE) {
        return StoreFailure("its tables aren't there: call PostgresStore::migrate".into());
    }
    // The message of the server, which may repeat a value but never one of ours: they are parameters.
    let message = error.as_db_error().map(|error| error.message().to_owned());
    StoreFailure(message.unwrap_or_else(|| error.to_string()))
}

fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    name: &str,
) -> Result<T, StoreFailure> {
    row.try_get(name).map_err(|error| failed(&error))
}

fn version(row: &Row) -> Result<u64, StoreFailure> {
    Ok(u64::try_from(column::<i64>(row, "version")?).unwrap_or_default())
}

/// One that PostgreSQL can't store is no session's.
fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure> {
        let row = self
            .query_one(
                "SELECT record, version FROM atpass_client_session WHERE name = $1",
                &[&key.as_str().as_bytes()],
            )
            .await?;
        row.map(|row| Ok((Record::new(column(&row, "record")?), version(&row)?)))
            .transpose()
    }

    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let (name, did) = (key.as_str().as_bytes(), did.as_str());
        let stored = match expected {
            None => {
                self.query_one(
                    "INSERT INTO atpass_client_session (name, did, record) VALUES ($1, $2, $3)
                     ON CONFLICT DO NOTHING RETURNING version",
                    &[&name, &did, &record.as_bytes()],
                )
                .await?
            }
            Some(expected) => {
                self.query_one(
                    "UPDATE atpass_client_session
                     SET did = $2, record = $3, version = nextval('atpass_client_version')
                     WHERE name = $1 AND version = $4 RETURNING version",
                    &[&name, &did, &record.as_bytes(), &number(expected)],
                )
                .await?
            }
        };
        stored.map_or(Ok(PutOutcome::Conflict), |row| {
            version(&row).map(PutOutcome::Stored)
        })
    }

    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure> {
        let removed = self
            .query_one(
                "DELETE FROM atpass_client_session
                 WHERE name = $1 AND ($2::bigint IS NULL OR version = $2) RETURNING version",
                &[&key.as_str().as_bytes(), &expected.map(number)],
            )
            .await?;
        Ok(removed.is_some())
    }

    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        let rows = match did {
            Some(did) => {
                self.query(
                    "SELECT name FROM atpass_client_session WHERE did = $1",
                    &[&did.as_str()],
                )
                .await?
            }
            None => {
                self.query("SELECT name FROM atpass_client_session", &[])
                    .await?
            }
        };
        let name = |row: &Row| {
            let name = String::from_utf8(column(row, "name")?);
            name.map(SessionKey::new)
                .map_err(|_| StoreFailure("a session's name isn't text".into()))
        };
        rows.iter().map(name).collect()
    }

    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        self.query(
            "WITH swept AS (
                 DELETE FROM atpass_client_login WHERE name IN (
                     SELECT name FROM atpass_client_login WHERE until <= $4 AND name <> $1
                     ORDER BY until LIMIT $5 FOR UPDATE SKIP LOCKED
                 )
             )
             INSERT INTO atpass_client_login (name, record, until) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET record = $2, until = $3",
            &[
                &name.as_bytes(),
                &record.as_bytes(),
                &until.as_secs(),
                &now.as_secs(),
                &MOST_SWEPT,
            ],
        )
        .await?;
        Ok(())
    }

    async fn take_pending(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<Option<Record>, StoreFailure> {
        let taken = self
            .query_one(
                "DELETE FROM atpass_client_login WHERE name = $1 RETURNING record, until",
                &[&name.as_bytes()],
            )
            .await?;
        let Some(row) = taken else { return Ok(None) };
        let in_time = column::<i64>(&row, "until")? > now.as_secs();
        let record = Record::new(column(&row, "record")?);
        Ok(in_time.then_some(record))
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
