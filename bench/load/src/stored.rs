//! The two kinds of database, as one thing that grows and is measured.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use atpass_replay::{MemoryReplay, Replay};
use atpass_store::{Database, StoredReplay};

use crate::population::Population;
use crate::postgres::{Counters, PostgresDatabase};
use crate::sqlite::SqliteDatabase;
use crate::usage::{self, Usage};

/// Bytes on the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Of the sessions, with their indexes.
    pub(crate) sessions: u64,
    /// Of the accounts, with theirs.
    pub(crate) accounts: u64,
}

/// A database that grows.
pub(crate) enum Stored {
    Sqlite(SqliteDatabase),
    Postgres(PostgresDatabase),
}

impl Stored {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Stores the sessions from one number up to another.
    pub(crate) async fn grow(&self, population: &Population, from: u64, to: u64) -> Result<()> {
        match self {
            Self::Sqlite(database) => {
                tokio::task::block_in_place(|| database.grow(population, from, to))
            }
            Self::Postgres(database) => database.grow(population, from, to).await,
        }
    }

    pub(crate) async fn sizes(&self) -> Result<Sizes> {
        match self {
            Self::Sqlite(database) => tokio::task::block_in_place(|| database.sizes()),
            Self::Postgres(database) => database.sizes().await,
        }
    }

    /// The store, and the memory of proofs, as `atpass serve` has them on such a database.
    pub(crate) async fn open(&self) -> Result<(Arc<dyn Database>, Arc<dyn Replay>)> {
        match self {
            Self::Sqlite(database) => {
                let store: Arc<dyn Database> = Arc::new(database.open()?);
                Ok((store, Arc::new(MemoryReplay::default())))
            }
            Self::Postgres(database) => {
                let store: Arc<dyn Database> = Arc::new(database.open().await?);
                let replay = StoredReplay::open(store.clone()).await?;
                Ok((store, Arc::new(replay)))
            }
        }
    }

    /// Where its files are: on the disk whose flushes count.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Sqlite(database) => database.folder(),
            Self::Postgres(database) => database.folder(),
        }
    }

    /// Has it write out what it holds back, so that each measurement begins alike.
    pub(crate) async fn settle(&self) -> Result<()> {
        match self {
            // Closed and opened between two sizes.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(database) => database.checkpoint().await,
        }
    }

    /// What the server of the database used so far; `None` where it is this process.
    pub(crate) fn usage(&self) -> Result<Option<Usage>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(database) => usage::of_family(database.postmaster()).map(Some),
        }
    }

    /// What PostgreSQL counted so far.
    pub(crate) async fn counters(&self) -> Result<Option<Counters>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(database) => database.counters().await.map(Some),
        }
    }
}
