//! Making a copy.
//!
//! Row by row from one snapshot, as `VACUUM INTO` does, and not page by page: so the copy has its mark
//! before it has anything else, where pages would bring the database's own header. The indexes are
//! made when the snapshot is let go, so that the log can be cut again early.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use atpass_protocol::time::UnixTime;
use rusqlite::{Connection, OpenFlags};

use super::{
    Backup, BackupError, MADE, MARK, Progress, check, count, folder, names, partial, publish,
};
use crate::sqlite::{BUSY, EXISTING, OpenError, SqliteStore};

/// Bytes by which the database's log may grow while its snapshot is held: until then nothing of it
/// can be used again.
pub(super) const MOST_LOG: u64 = 1024 * 1024 * 1024;
/// Steps of SQLite's machine between two looks at how far it is.
const STEPS: i32 = 100_000;

pub(super) fn make(
    live: &Path,
    to: &Path,
    now: UnixTime,
    progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Backup, BackupError> {
    let versions = SqliteStore::schema(live)?.ok_or(OpenError::Missing)?;
    // Before the work; at the end nothing is overwritten either.
    if to.try_exists()? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    if folder(to).canonicalize()? == folder(live).canonicalize()?
        && names(live)
            .iter()
            .any(|name| name.file_name() == to.file_name())
    {
        return Err(BackupError::OfTheDatabase(to.to_owned()));
    }
    if versions.found > versions.known {
        return Err(BackupError::Newer(versions));
    }
    let file = partial(to)?;
    let rows = copy(live, file.path(), now, progress)?;
    file.as_file().sync_all()?;
    let backup = verify(file.path(), &rows)?;
    publish(file, to)?;
    Ok(backup)
}

/// Returns how many rows each table has.
fn copy(
    live: &Path,
    to: &Path,
    now: UnixTime,
    progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Vec<(String, u64)>, BackupError> {
    let copy = Connection::open_with_flags(to, EXISTING)?;
    copy.busy_timeout(BUSY)?;
    // Whatever interrupts it, the file is thrown away; at the end it is brought to the disk as a whole.
    copy.execute_batch(
        "PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA foreign_keys = off; PRAGMA cache_size = -16384",
    )?;
    copy.pragma_update(None, "application_id", MARK)?;

    let path = std::path::absolute(live)?;
    let name = path
        .to_str()
        .ok_or_else(|| BackupError::Name(live.to_owned()))?;
    copy.execute("ATTACH ? AS live", [name])?;
    copy.execute_batch("PRAGMA live.synchronous = full; BEGIN")?;
    let gave_up = watch(&copy, live, to, progress)?;
    let copied = tables(&copy);
    if gave_up.load(Ordering::Relaxed) {
        return Err(BackupError::TooSlow);
    }
    let Copied { rows, later } = copied?;
    // The snapshot ends here, and with it what could be in the server's way.
    copy.progress_handler(0, None::<fn() -> bool>)?;
    copy.execute_batch("COMMIT; DETACH live")?;
    for sql in later {
        copy.execute_batch(&sql)?;
    }
    copy.execute_batch(&format!(
        "CREATE TABLE {MADE} (made_at INTEGER NOT NULL) STRICT"
    ))?;
    copy.execute(&format!("INSERT INTO {MADE} VALUES (?)"), [now.as_secs()])?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(rows)
}

/// Tells how far it is, and interrupts the copying where the log grows too long.
fn watch(
    copy: &Connection,
    live: &Path,
    to: &Path,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> rusqlite::Result<Arc<AtomicBool>> {
    let size =
        "SELECT page_count * page_size FROM pragma_page_count('live'), pragma_page_size('live')";
    let bytes: i64 = copy.query_row(size, [], |row| row.get(0))?;
    let (live, to) = (live.to_owned(), to.to_owned());
    let (_, log_before) = SqliteStore::file_sizes(&live);
    let gave_up = Arc::new(AtomicBool::new(false));
    let tell = gave_up.clone();
    let look = move || {
        let (done, _) = SqliteStore::file_sizes(&to);
        progress(Progress {
            done,
            of: bytes.unsigned_abs(),
        });
        let (_, log) = SqliteStore::file_sizes(&live);
        let too_long = log.saturating_sub(log_before) > MOST_LOG;
        if too_long {
            tell.store(true, Ordering::Relaxed);
        }
        too_long
    };
    copy.progress_handler(STEPS, Some(look))?;
    Ok(gave_up)
}

/// What was copied, and what is still to be made.
struct Copied {
    /// How many rows each table has.
    rows: Vec<(String, u64)>,
    /// Statements for the indexes, and the triggers, which may not act on what is only copied.
    later: Vec<String>,
}

fn tables(copy: &Connection) -> rusqlite::Result<Copied> {
    let version: i64 = copy.pragma_query_value(Some("live"), "user_version", |row| row.get(0))?;
    let sql = "SELECT type, name, sql FROM live.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let made: Vec<(String, String, String)> = copy
        .prepare(sql)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let (mut rows, mut later) = (Vec::new(), Vec::new());
    for (kind, name, sql) in made {
        if kind != "table" {
            later.push(sql);
            continue;
        }
        copy.execute_batch(&sql)?;
        copy.execute_batch(&format!(
            "INSERT INTO main.\"{name}\" SELECT * FROM live.\"{name}\""
        ))?;
        let expected = count(copy, &format!("live.\"{name}\""))?;
        rows.push((name, expected));
    }
    copy.pragma_update(Some("main"), "user_version", version)?;
    Ok(Copied { rows, later })
}

/// Reads the copy anew, as whoever restores it will.
fn verify(path: &Path, rows: &[(String, u64)]) -> Result<Backup, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(path, flags)?;
    check(&copy)?;
    for (table, expected) in rows {
        let found = count(&copy, &format!("\"{table}\""))?;
        if found != *expected {
            let detail = format!("{table} has {found} rows, and should have {expected}");
            return Err(BackupError::Damaged(detail));
        }
    }
    Ok(Backup {
        bytes: std::fs::metadata(path)?.len(),
        accounts: count(&copy, "accounts")?,
        sessions: count(&copy, "sessions")?,
    })
}
