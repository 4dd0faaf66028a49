//! Connections, and what an act has of one.

use std::time::Duration;

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use deadpool_postgres::{GenericClient, Object, Pool, PoolError};
use tokio::time::error::Elapsed;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// The longest that one try of an act may take.
pub(super) const LONGEST: Duration = Duration::from_secs(10);
/// How often an act is tried that stood in another one's way.
const TRIES: usize = 5;

/// Why an act failed.
#[derive(Debug)]
pub(super) enum Failure {
    Server(tokio_postgres::Error),
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Server(error) => unavailable(told(&error)),
            Failure::Store(error) => error,
        }
    }
}

impl Failure {
    /// Whether another act stood in this one's way, which is done now: had each other's locks, or added the
    /// row that this one had not found. Tried again, it finds what the other has done.
    fn is_passing(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        error.code().is_some_and(|code| {
            [
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::UNIQUE_VIOLATION,
            ]
            .contains(code)
        })
    }
}

pub(crate) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// The server's message, which never repeats a value of ours: they are parameters.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    let message = error.as_db_error().map(|error| error.message().to_owned());
    message.unwrap_or_else(|| error.to_string())
}

/// Why a connection didn't come about: the server's message, or what the system or TLS says beneath the error.
fn refused(error: &tokio_postgres::Error) -> String {
    let beneath = std::error::Error::source(error);
    match beneath.filter(|_| error.as_db_error().is_none()) {
        Some(beneath) => format!("{error}: {beneath}"),
        None => told(error),
    }
}

/// The connections of a store.
#[derive(Clone, Debug)]
pub(super) struct Connections(pub(super) Pool);

impl Connections {
    /// A connection that answers to nobody else.
    pub(super) async fn get(&self) -> Result<Object, StoreError> {
        let connection = self.0.get().await;
        connection.map_err(|error| {
            let why = match &error {
                PoolError::Backend(error) => refused(error),
                error => error.to_string(),
            };
            unavailable(format_args!("no connection to PostgreSQL: {why}"))
        })
    }

    /// For an act, which is tried until it is settled.
    pub(super) async fn attempts(&self) -> Result<Attempts, StoreError> {
        Ok(Attempts {
            connection: Some(self.get().await?),
            left: TRIES,
        })
    }
}

/// An act that is being tried.
pub(super) struct Attempts {
    connection: Option<Object>,
    left: usize,
}

impl Attempts {
    /// The connection for one more try.
    pub(super) fn connection(&mut self) -> Result<&mut Object, StoreError> {
        let connection = self.connection.as_mut();
        connection.ok_or_else(|| unavailable("the connection was given up"))
    }

    /// What is to be answered; `None` where the act is to be tried again. A connection on which one took too
    /// long isn't used any more: its answer may still come.
    pub(super) fn settle<T>(
        &mut self,
        outcome: Result<Result<T, Failure>, Elapsed>,
    ) -> Option<Result<T, StoreError>> {
        self.left = self.left.saturating_sub(1);
        match outcome {
            Ok(Err(failure)) if failure.is_passing() && self.left > 0 => None,
            Ok(outcome) => Some(outcome.map_err(StoreError::from)),
            Err(Elapsed { .. }) => {
                drop(self.connection.take().map(Object::take));
                Some(Err(unavailable("PostgreSQL took too long to answer")))
            }
        }
    }
}

/// An act of one statement, or of several that need not happen together.
///
/// A macro, because what a closure returns here can't be told to be `Send`.
macro_rules! run {
    ($store:expr, |$db:ident| $act:expr) => {
        async {
            let mut attempts = $store.connections().attempts().await?;
            loop {
                let connection = attempts.connection()?;
                let act = async {
                    let $db = &*connection;
                    $act.await
                };
                let outcome = tokio::time::timeout($crate::postgres::pool::LONGEST, act).await;
                if let Some(settled) = attempts.settle(outcome) {
                    break settled;
                }
            }
        }
        .await
    };
}

/// An act of several statements, all of which happen or none.
macro_rules! transact {
    ($store:expr, |$db:ident| $act:expr) => {
        async {
            let mut attempts = $store.connections().attempts().await?;
            loop {
                let connection = attempts.connection()?;
                let act = async {
                    let transaction = connection.transaction().await?;
                    let $db = &transaction;
                    let outcome = $act.await?;
                    transaction.commit().await?;
                    Ok::<_, $crate::postgres::pool::Failure>(outcome)
                };
                let outcome = tokio::time::timeout($crate::postgres::pool::LONGEST, act).await;
                if let Some(settled) = attempts.settle(outcome) {
                    break settled;
                }
            }
        }
        .await
    };
}

pub(super) use {run, transact};

/// The values of a statement.
type Values<'a> = [&'a (dyn ToSql + Sync)];

/// One statement, prepared once for each connection. Returns how many rows it touched.
pub(super) async fn execute(
    db: &impl GenericClient,
    sql: &str,
    values: &Values<'_>,
) -> Result<u64, Failure> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.execute(&statement, values).await?)
}

/// The same, for its rows.
pub(super) async fn query(
    db: &impl GenericClient,
    sql: &str,
    values: &Values<'_>,
) -> Result<Vec<Row>, Failure> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.query(&statement, values).await?)
}

/// The same, for one row or none.
pub(super) async fn query_opt(
    db: &impl GenericClient,
    sql: &str,
    values: &Values<'_>,
) -> Result<Option<Row>, Failure> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.query_opt(&statement, values).await?)
}

/// The same, for one row.
pub(super) async fn query_one(
    db: &impl GenericClient,
    sql: &str,
    values: &Values<'_>,
) -> Result<Row, Failure> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.query_one(&statement, values).await?)
}

/// Removes at most `batch` rows that are over at `until`: the two values of the statement. Returns how many.
pub(super) async fn delete_batch(
    db: &impl GenericClient,
    sql: &str,
    until: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let gone = execute(db, sql, &[&until.as_secs(), &i64::from(batch)]).await?;
    Ok(rows(gone))
}

/// How many rows, as the acts count them.
pub(super) fn rows(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
