//! Connections for reading, beside the writer and never on the reactor.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use atpass_provider::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::connect;
use super::row::unavailable;

/// Connections, and so readers at once.
const READERS: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = |_| {
            let connection = connect(path, flags)?;
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "cache_size", -1024)?;
            Ok(connection)
        };
        let idle = (0..READERS).map(open).collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            turns: Arc::new(Semaphore::new(READERS)),
        })
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .map_err(unavailable)?;
        let idle = self.idle.clone();
        let work = tokio::task::spawn_blocking(move || {
            let lent = Lent::take(idle);
            let result = lent.connection().and_then(act);
            // In this order: whoever gets the turn finds a connection.
            drop(lent);
            drop(turn);
            result
        });
        work.await.map_err(unavailable)?
    }
}

/// A connection that goes back when it is dropped, also when an act panics.
struct Lent {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Lent {
    fn take(idle: Arc<Mutex<Vec<Connection>>>) -> Self {
        let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { connection, idle }
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        let connection = self.connection.as_ref();
        connection.ok_or_else(|| unavailable("all readers are lent out"))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
    }
}
