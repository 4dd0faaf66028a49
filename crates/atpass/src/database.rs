//! The database of a server: opened only when its schema is this program's.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use atpass_store::{OpenError, SqliteStore};

/// The database's file in a data folder.
pub(crate) fn in_folder(folder: &Path) -> PathBuf {
    folder.join("atpass.sqlite")
}

/// Opens a database that is there and up to date; otherwise says what to do. `config` is the file
/// that named it, for the command in the advice.
pub(crate) fn open(path: &Path, config: Option<&Path>) -> anyhow::Result<SqliteStore> {
    let shown = path.display();
    let with_config =
        config.map_or_else(String::new, |file| format!(" --config {}", file.display()));
    let migrate = format!("run `atpass database migrate{with_config}`");
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
