//! Making a database from a copy.

use std::io::Write;
use std::path::Path;

use atpass_protocol::time::UnixTime;
use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::{
    BackupError, MADE, Marked, Restored, Since, check, count, folder, names, partial, publish,
    read_mark,
};
use crate::sqlite::{EXISTING, OpenError, migrations, versions, void};

pub(super) fn restore(
    backup: &Path,
    database: &Path,
    since: Since,
    now: UnixTime,
) -> Result<Restored, BackupError> {
    refuse_where_something_is(database)?;
    let made_at = made_at(backup)?;
    std::fs::create_dir_all(folder(database))?;
    let mut file = partial(database)?;
    std::io::copy(&mut std::fs::File::open(backup)?, file.as_file_mut())?;
    file.as_file_mut().flush()?;
    let restored = make_safe(&file, made_at, since, now)?;
    // Meanwhile somebody may have started something.
    refuse_where_something_is(database)?;
    publish(file, database).map_err(|error| match error {
        BackupError::Exists(path) => BackupError::DatabaseThere(path),
        other => other,
    })?;
    Ok(restored)
}

/// A log without its database counts as well: SQLite would write what is in it into the new one.
fn refuse_where_something_is(database: &Path) -> Result<(), BackupError> {
    for path in names(database) {
        if path.try_exists()? {
            return Err(BackupError::DatabaseThere(path));
        }
    }
    Ok(())
}

fn made_at(backup: &Path) -> Result<String, BackupError> {
    // A missing file is told as what it is.
    std::fs::metadata(backup)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(backup, flags)?;
    let made_at = match read_mark(&copy) {
        Ok(Marked::Complete(made_at)) => made_at,
        Ok(Marked::Incomplete) => return Err(BackupError::Incomplete),
        Ok(Marked::No) => return Err(BackupError::NotABackup),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(BackupError::NotABackup);
        }
        Err(error) => return Err(error.into()),
    };
    let versions = versions(&copy)?;
    if versions.found > versions.known {
        return Err(BackupError::Newer(versions));
    }
    check(&copy)?;
    Ok(made_at)
}

/// The file is a copy, which nothing opens, until the last of these steps.
fn make_safe(
    file: &NamedTempFile,
    made_at: String,
    since: Since,
    now: UnixTime,
) -> Result<Restored, BackupError> {
    let mut db = Connection::open_with_flags(file.path(), EXISTING)?;
    // What is interrupted is thrown away. The file is brought to the disk as a whole before it gets its name.
    db.execute_batch("PRAGMA journal_mode = memory; PRAGMA synchronous = off")?;
    migrations()
        .to_latest(&mut db)
        .map_err(OpenError::Migration)?;
    let voided = match since {
        Since::Nothing => None,
        Since::Unknown => {
            let act = db.transaction()?;
            let voided =
                void::spent(&act, now).map_err(|error| BackupError::Damaged(error.to_string()))?;
            act.commit()?;
            // Nothing of it stays in the gaps either.
            db.execute_batch("PRAGMA journal_mode = off; VACUUM")?;
            Some(voided)
        }
    };
    check(&db)?;
    let accounts = count(&db, "accounts")?;
    db.execute_batch(&format!(
        "BEGIN; DROP TABLE {MADE}; PRAGMA application_id = 0; COMMIT"
    ))?;
    db.close().map_err(|(_, error)| error)?;
    Ok(Restored {
        made_at,
        accounts,
        voided,
    })
}
