//! The schema, and whether this program may serve on what it finds.
//!
//! A migration only adds what older programs don't mind, or it raises `oldest_program` in the table
//! `database_state`; so a server of the version before goes on while the database is migrated and the others
//! are replaced, one by one.

use std::sync::Arc;

use atpass_provider::store::StoreError;
use tokio_postgres::error::SqlState;

use super::config::{PostgresConfig, PostgresConfigError};
use super::pool::run;
use super::pool::{Failure, query_one, told, unavailable};
use super::{Inner, PostgresStore};
use crate::database::SchemaVersions;

mod migrations {
    refinery::embed_migrations!("migrations/postgres");
}

/// Only one process migrates at a time: "atpass" in ASCII.
const LOCK: i64 = 0x6174_7061_7373;

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum PostgresOpenError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] PostgresConfigError),
    /// The server can't be reached, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no tables of ours in it.
    #[error("there are no tables in the database")]
    Missing,
    /// Its schema isn't this program's, and neither is one that this program may serve on.
    #[error("the database has {0}")]
    Schema(SchemaVersions),
    /// It is the copy of another one, and not whole yet.
    #[error("the database is being copied from {0}, and isn't whole yet")]
    Copying(String),
    /// A migration failed.
    #[error("the database can't be brought to this program's version: {0}")]
    Migration(String),
}

/// What a database says of itself.
struct State {
    versions: SchemaVersions,
    /// Programs that know an older schema than this can't serve on it.
    oldest_program: i64,
    copying: Option<String>,
}

impl PostgresStore {
    /// Opens a database that is there and on which this program may serve, and changes nothing of it.
    pub async fn open(config: &PostgresConfig) -> Result<Self, PostgresOpenError> {
        let store = Self::of(config)?;
        let Some(state) = store.state().await? else {
            return Err(PostgresOpenError::Missing);
        };
        let SchemaVersions { found, known } = state.versions;
        if found < known || state.oldest_program > known {
            return Err(PostgresOpenError::Schema(state.versions));
        }
        match state.copying {
            Some(from) => Err(PostgresOpenError::Copying(from)),
            None => Ok(store),
        }
    }

    /// The schema of a database, if there is one. Changes nothing.
    pub async fn schema(
        config: &PostgresConfig,
    ) -> Result<Option<SchemaVersions>, PostgresOpenError> {
        let state = Self::of(config)?.state().await?;
        Ok(state.map(|state| state.versions))
    }

    /// Makes the tables, or brings them up to date, and opens the database. Servers may run on it meanwhile, and
    /// any number of processes may do this at once.
    pub async fn migrate(config: &PostgresConfig) -> Result<Self, PostgresOpenError> {
        let store = Self::of(config)?;
        // Not given back to the pool: the lock ends with the connection, whatever happens here.
        let mut connection = store.own_connection().await?;
        let failed = |error: tokio_postgres::Error| unavailable(told(&error));
        connection
            .batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")
            .await
            .map_err(failed)?;
        connection
            .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
            .await
            .map_err(failed)?;
        // What waits for a lock on a table makes others wait behind it: rather give up and be run again.
        let give_up = connection.batch_execute("SET lock_timeout = '5s'");
        give_up.await.map_err(failed)?;
        let runner = migrations::migrations::runner();
        // A newer program's steps are no fault here; whether this one may serve is asked at `open`.
        let runner = runner.set_abort_missing(false);
        let migrated = runner.run_async(&mut *connection).await;
        migrated.map_err(|error| PostgresOpenError::Migration(error.to_string()))?;
        Ok(store)
    }

    fn of(config: &PostgresConfig) -> Result<Self, PostgresConfigError> {
        Ok(Self(Arc::new(Inner {
            connections: config.connections()?,
            master: config.master.clone(),
        })))
    }

    async fn state(&self) -> Result<Option<State>, StoreError> {
        let sql = "SELECT max(version)::bigint AS version,
                (SELECT oldest_program FROM database_state),
                (SELECT copying FROM database_state)
            FROM refinery_schema_history";
        let Some(row) = run!(self, |db| no_tables_is_none(query_one(db, sql, &[])))? else {
            return Ok(None);
        };
        let failed = |error: tokio_postgres::Error| unavailable(told(&error));
        let found: Option<i64> = row.try_get(0).map_err(failed)?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(State {
            versions: SchemaVersions {
                found,
                known: known(),
            },
            oldest_program: row.try_get(1).map_err(failed)?,
            copying: row.try_get(2).map_err(failed)?,
        }))
    }
}

/// The version that this program brings a database to.
fn known() -> i64 {
    let runner = migrations::migrations::runner();
    let versions = runner
        .get_migrations()
        .iter()
        .map(|step| i64::from(step.version()));
    versions.max().unwrap_or(0)
}

async fn no_tables_is_none<T>(
    act: impl Future<Output = Result<T, Failure>>,
) -> Result<Option<T>, Failure> {
    match act.await {
        Err(Failure::Server(error)) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        outcome => outcome.map(Some),
    }
}
