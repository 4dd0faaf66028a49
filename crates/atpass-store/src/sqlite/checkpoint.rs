//! Checkpoints, on a thread of their own: they take long, and requests shouldn't wait for them.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::{Connection, OpenFlags};

use super::connect;

/// Size of the write-ahead log, in bytes, from which it is merged into the database.
const MERGE_FROM: u64 = 4 * 1024 * 1024;
/// Size from which it is also cut, for which writers have to wait a moment.
const CUT_FROM: u64 = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, super::OpenError> {
        let connection = connect(path, OpenFlags::default())?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        // One waiting call is enough: it covers all that came before it.
        let (wake, calls) = sync_channel(1);
        std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || run(&connection, &PathBuf::from(log), &calls))?;
        Ok(Self { wake })
    }

    /// Says that something was committed.
    pub(super) fn wake(&self) {
        // Full: it is awake already.
        let _ = self.wake.try_send(());
    }
}

/// Ends when the writer does.
fn run(connection: &Connection, log: &Path, calls: &Receiver<()>) {
    while calls.recv().is_ok() {
        let size = std::fs::metadata(log).map_or(0, |metadata| metadata.len());
        let mode = match size {
            CUT_FROM.. => "PRAGMA wal_checkpoint(TRUNCATE)",
            MERGE_FROM.. => "PRAGMA wal_checkpoint(PASSIVE)",
            _ => continue,
        };
        if let Err(error) = connection.query_row(mode, [], |_| Ok(())) {
            tracing::warn!(%error, "a checkpoint failed and will be tried again");
        }
    }
}
