//! Checkpoints, on a thread of their own: they take long, and requests shouldn't wait for them.
//!
//! The log is used again from its beginning only when all of it is in the database and nobody reads
//! from it at that moment. Under constant load that moment never comes by itself. So where the log has
//! become long, this thread first merges the bulk beside everybody, and then asks the writer, the only one
//! who can hold itself back, to merge the small rest between two commits and cut. A reader that stays (a
//! backup) lets the log grow for as long as it reads; the writer is asked again only after every
//! [`AGAIN_AFTER`], so that it waits for it seldom, and each time for [`PATIENCE`] at most.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{BUSY, connect};

/// Bytes of the log that aren't in the database yet from which they are merged. A commit's flush waits behind
/// the pages that a merge has given to the disk, so little and often: with 4 MiB the slowest hundredth of
/// refreshes took three to twelve times as long, and no more of them were possible in a second. With half a MiB it
/// took no longer than with 128 KiB, which asks for four times as many flushes.
const MERGE_FROM: u64 = 512 * 1024;
/// Bytes of the log from which it is cut.
const CUT_FROM: u64 = 32 * 1024 * 1024;
/// Bytes by which it grows before the cut is tried again.
const AGAIN_AFTER: u64 = 16 * 1024 * 1024;
/// How long the writer waits for readers when it cuts.
const PATIENCE: Duration = Duration::from_millis(100);
/// Rows that change before the thread looks how long the log is: as many as fill, a page each, what is merged at a time.
const LOOK_AFTER: u64 = 128;

#[derive(Debug)]
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    cut: Arc<AtomicBool>,
    /// Rows that the writer had changed when it last woke the thread.
    told: Cell<u64>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, super::OpenError> {
        let connection = connect(path, OpenFlags::default())?;
        // One waiting call is enough: it covers all that came before it.
        let (wake, calls) = sync_channel(1);
        let cut = Arc::new(AtomicBool::new(false));
        let ask = cut.clone();
        let told = Cell::new(0);
        std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || run(&connection, &ask, &calls))?;
        Ok(Self { wake, cut, told })
    }

    /// After each commit, on the writer's thread and with its connection.
    pub(super) fn committed(&self, writer: &Connection) {
        if self.cut.swap(false, Ordering::Relaxed) {
            let cut = writer
                .busy_timeout(PATIENCE)
                .and_then(|()| Log::after(writer, "TRUNCATE"));
            let again = writer.busy_timeout(BUSY);
            if let Err(error) = cut.and(again) {
                tracing::warn!(%error, "the log of the database can't be cut now");
            }
        }
        let changed = writer.total_changes();
        if changed.saturating_sub(self.told.get()) >= LOOK_AFTER {
            self.told.set(changed);
            // Full: it is awake already.
            let _ = self.wake.try_send(());
        }
    }
}

/// Ends when the writer does.
fn run(connection: &Connection, ask: &AtomicBool, calls: &Receiver<()>) {
    let mut cut_from = CUT_FROM;
    while calls.recv().is_ok() {
        match merge(connection) {
            Ok(log) if log.bytes < CUT_FROM => cut_from = CUT_FROM,
            Ok(log) if log.bytes >= cut_from => {
                cut_from = log.bytes + AGAIN_AFTER;
                ask.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "a checkpoint failed and will be tried again"),
        }
    }
}

/// Brings the log into the database as far as nobody has to wait, where enough has gathered.
fn merge(connection: &Connection) -> rusqlite::Result<Log> {
    let log = Log::after(connection, "NOOP")?;
    if log.bytes - log.merged < MERGE_FROM {
        return Ok(log);
    }
    Log::after(connection, "PASSIVE")
}

/// What is in the write-ahead log. The file may be longer: its end is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Log {
    bytes: u64,
    /// The part of it that is in the database as well.
    merged: u64,
}

impl Log {
    /// Does a checkpoint of this mode. One that somebody is in the way of is no error: it went as far as it
    /// could.
    fn after(connection: &Connection, mode: &str) -> rusqlite::Result<Self> {
        // Bytes of a page with its head in the log; another size of pages changes little.
        const FRAME: u64 = 4096 + 24;
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        connection.query_row(&sql, [], |row| {
            let (pages, merged): (i64, i64) = (row.get(1)?, row.get(2)?);
            // Not known: -1.
            let bytes = |pages: i64| u64::try_from(pages).unwrap_or_default() * FRAME;
            Ok(Self {
                bytes: bytes(pages),
                merged: bytes(merged.min(pages)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The writer cuts when it is asked; a reader in the way is no error, and changes nothing for later.
    #[test]
    fn the_writer_cuts_when_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let open = || connect(&path, OpenFlags::default()).unwrap();
        let (writer, reader) = (open(), open());
        writer.execute_batch("CREATE TABLE t (n)").unwrap();
        let (wake, calls) = sync_channel(1);
        let cut = Arc::new(AtomicBool::new(false));
        let checkpointer = Checkpointer {
            wake,
            cut: cut.clone(),
            told: Cell::new(0),
        };
        let log = || crate::SqliteStore::file_sizes(&path).1;

        checkpointer.committed(&writer);
        assert!(calls.try_recv().is_err(), "little has changed");
        for _ in 0..LOOK_AFTER {
            writer.execute_batch("INSERT INTO t VALUES (0)").unwrap();
        }
        checkpointer.committed(&writer);
        calls.try_recv().unwrap();
        assert!(log() > 0, "nobody asked");

        reader
            .execute_batch("BEGIN; SELECT count(*) FROM t")
            .unwrap();
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        cut.store(true, Ordering::Relaxed);
        checkpointer.committed(&writer);
        assert!(log() > 0, "somebody reads from it");
        assert!(!cut.load(Ordering::Relaxed));
        let timeout: i64 = writer
            .pragma_query_value(None, "busy_timeout", |row| row.get(0))
            .unwrap();
        assert_eq!(u128::from(timeout.unsigned_abs()), BUSY.as_millis());

        reader.execute_batch("COMMIT").unwrap();
        cut.store(true, Ordering::Relaxed);
        checkpointer.committed(&writer);
        assert_eq!(log(), 0);
    }
}
