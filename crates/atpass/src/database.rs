//! The database of a server: opened only when its schema is this program's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use atpass_store::{
    Database, OpenError, PostgresConfig, PostgresOpenError, PostgresStore, SqliteStore,
};

/// Which database it is.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// In this file.
    Sqlite(PathBuf),
    /// On a server that several of us may share.
    Postgres(Box<PostgresConfig>),
}

/// The database's file in a data folder.
pub(crate) fn in_folder(folder: &Path) -> PathBuf {
    folder.join("atpass.sqlite")
}

impl Location {
    /// Opens a database that is there and up to date; otherwise says what to do. `config` is the file
    /// that named it, for the command in the advice.
    pub(crate) async fn open(&self, config: Option<&Path>) -> anyhow::Result<Arc<dyn Database>> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(open(path, config)?),
            Self::Postgres(place) => Arc::new(open_postgres(place, config).await?),
        })
    }

    /// Its address, for people. No secret is in it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(place) => format!("postgres://{}", place.place()),
        }
    }

    /// The file of SQLite; otherwise says that this is done with PostgreSQL's own tools.
    pub(crate) fn file(&self, what: &str) -> anyhow::Result<&Path> {
        match self {
            Self::Sqlite(path) => Ok(path),
            Self::Postgres(_) => Err(anyhow!(
                "{what} a PostgreSQL database with its own tools; docs/operations.md says how"
            )),
        }
    }
}

/// What makes a database, or brings it up to date.
fn migrate(config: Option<&Path>) -> String {
    let with_config =
        config.map_or_else(String::new, |file| format!(" --config {}", file.display()));
    format!("run `atpass database migrate{with_config}`")
}

fn open(path: &Path, config: Option<&Path>) -> anyhow::Result<SqliteStore> {
    let (shown, migrate) = (path.display(), migrate(config));
    match SqliteStore::open_existing(path) {
        Ok(store) => Ok(store),
        Err(OpenError::Missing) => bail!("there is no database at {shown}: {migrate}"),
        Err(OpenError::Schema(versions)) if versions.found < versions.known => {
            bail!("the database {shown} has {versions}: make a copy of it, then {migrate}")
        }
        Err(OpenError::Schema(versions)) => bail!(
            "the database {shown} has {versions}: a newer atpass has migrated it; use that one"
        ),
        Err(error) => Err(error).with_context(|| format!("the database {shown}")),
    }
}

async fn open_postgres(
    place: &PostgresConfig,
    config: Option<&Path>,
) -> anyhow::Result<PostgresStore> {
    let (shown, migrate) = (place.place(), migrate(config));
    match PostgresStore::open(place).await {
        Ok(store) => Ok(store),
        Err(PostgresOpenError::Missing) => bail!("the database {shown} has no tables: {migrate}"),
        Err(PostgresOpenError::Schema(versions)) if versions.found < versions.known => {
            bail!("the database {shown} has {versions}: {migrate}")
        }
        Err(PostgresOpenError::Schema(versions)) => bail!(
            "the database {shown} has {versions}, and a newer atpass has changed what this one needs: use that one"
        ),
        Err(PostgresOpenError::Copying(from)) => bail!(
            "the database {shown} is being copied from {from}, and isn't whole yet: run the same `atpass store copy` again"
        ),
        Err(error) => Err(error).with_context(|| format!("the database {shown}")),
    }
}
