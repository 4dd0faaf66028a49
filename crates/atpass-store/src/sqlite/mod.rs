//! The store on SQLite.

mod accounts;
mod approvals;
mod checkpoint;
mod devices;
mod entryway;
mod keys;
mod lexicons;
mod operator;
mod reader;
mod requests;
mod row;
mod scopes;
mod seen;
mod sessions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::RefreshDecision;
use atpass_provider::store::{
    AlreadyUsed, ApproveOutcome, CodeRecord, ConsumeOutcome, DeviceRecord, DeviceSignIn, Digest32,
    EndReason, RequestRecord, Rotation, SessionRecord, SigningKeyRecord, Store, StoreError, Swept,
};
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::database::SchemaVersions;
use checkpoint::Checkpointer;
use reader::Readers;
use writer::Writer;

/// The schema, step by step. A step is never changed once it was released.
fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../../migrations/0001_init.sql")),
        M::up(include_str!("../../migrations/0002_entryway.sql")),
    ])
}

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite says so.
    #[error("the database can't be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It is of a newer version of this program, or a migration failed.
    #[error("the database can't be brought to this program's version: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// There is no such file.
    #[error("there is no database")]
    Missing,
    /// Its schema isn't this program's.
    #[error("the database has {0}")]
    Schema(SchemaVersions),
    /// A file can't be read, or a thread of the store can't be started.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

fn schema_of(connection: &Connection) -> Result<SchemaVersions, OpenError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let pending = migrations().pending_migrations(connection)?;
    let known = found + i64::from(pending);
    Ok(SchemaVersions { found, known })
}

/// The store in one SQLite file. Cheap to clone; closes when the last clone goes.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens the database, makes it if it isn't there, and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut connection = connect(path, OpenFlags::default())?;
        migrations().to_latest(&mut connection)?;
        Self::with(connection, path)
    }

    /// Opens a database that is there and has this program's schema, and changes nothing of it.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        let Some(versions) = Self::schema(path)? else {
            return Err(OpenError::Missing);
        };
        if versions.found != versions.known {
            return Err(OpenError::Schema(versions));
        }
        Self::with(connect(path, EXISTING)?, path)
    }

    /// The schema of a database, if there is one. Changes nothing.
    pub fn schema(path: &Path) -> Result<Option<SchemaVersions>, OpenError> {
        if !path.try_exists()? {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, EXISTING)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        schema_of(&connection).map(Some)
    }

    fn with(connection: Connection, path: &Path) -> Result<Self, OpenError> {
        let checkpointer = Checkpointer::start(path)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            writer: Writer::start(connection, checkpointer)?,
            readers: Readers::open(path)?,
        })))
    }

    fn path(&self) -> &Path {
        &self.0.path
    }

    async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.readers.read(act).await
    }

    async fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.writer.write(act).await
    }
}

/// For a database that must be there.
const EXISTING: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens a connection with the settings that all of them share.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What was answered is on the disk, also after a power failure.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // In KiB.
    connection.pragma_update(None, "cache_size", -4096)?;
    // Another thread does it, off the path of requests.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

#[async_trait]
impl Store for SqliteStore {
    async fn push_request(&self, record: &RequestRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.write(move |db| requests::push(db, &record)).await
    }

    async fn request(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<RequestRecord>, StoreError> {
        let id = *id;
        self.read(move |db| requests::find(db, &id, now)).await
    }

    async fn already_used(
        &self,
        client_id: &ClientId,
        state: &Digest32,
        challenge: &CodeChallenge,
    ) -> Result<Option<AlreadyUsed>, StoreError> {
        let (client_id, state, challenge) = (client_id.clone(), *state, challenge.clone());
        self.read(move |db| requests::already_used(db, &client_id, &state, &challenge))
            .await
    }

    async fn approve(
        &self,
        request: &Digest32,
        code: &CodeRecord,
    ) -> Result<ApproveOutcome, StoreError> {
        let (request, code) = (*request, code.clone());
        self.write(move |db| requests::approve(db, &request, &code))
            .await
    }

    async fn approved(
        &self,
        did: &Did,
        client_id: &ClientId,
    ) -> Result<Option<ScopeSet>, StoreError> {
        let (did, client_id) = (did.clone(), client_id.clone());
        self.read(move |db| approvals::find(db, &did, &client_id))
            .await
    }

    async fn close_request(&self, request: &Digest32, now: UnixTime) -> Result<bool, StoreError> {
        let request = *request;
        self.write(move |db| requests::close(db, &request, now))
            .await
    }

    async fn code(&self, id: &Digest32) -> Result<Option<CodeRecord>, StoreError> {
        let id = *id;
        self.read(move |db| requests::find_code(db, &id)).await
    }

    async fn consume_code(
        &self,
        code: &Digest32,
        session: &SessionRecord,
        now: UnixTime,
    ) -> Result<ConsumeOutcome, StoreError> {
        let (code, session) = (*code, session.clone());
        self.write(move |db| requests::consume_code(db, &code, &session, now))
            .await
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.read(move |db| sessions::find(db, id)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<RefreshDecision, StoreError> {
        let rotation = *rotation;
        self.write(move |db| sessions::rotate(db, &rotation)).await
    }

    async fn end_session(
        &self,
        id: SessionId,
        reason: EndReason,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        self.write(move |db| sessions::end(db, id, reason, now))
            .await
    }

    async fn ended_after(
        &self,
        after: EndedCursor,
        limit: u32,
    ) -> Result<Vec<(SessionId, UnixTime)>, StoreError> {
        self.read(move |db| sessions::ended_after(db, after, limit))
            .await
    }

    async fn sessions_of(
        &self,
        did: &Did,
        now: UnixTime,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let did = did.clone();
        self.read(move |db| sessions::of_account(db, &did, now))
            .await
    }

    async fn device(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        let id = *id;
        self.read(move |db| devices::find(db, &id, now)).await
    }

    async fn sign_in(&self, sign_in: &DeviceSignIn) -> Result<(), StoreError> {
        let sign_in = sign_in.clone();
        self.write(move |db| devices::sign_in(db, &sign_in)).await
    }

    async fn keep_device(&self, id: &Digest32, expires_at: UnixTime) -> Result<(), StoreError> {
        let id = *id;
        self.write(move |db| devices::keep(db, &id, expires_at))
            .await
    }

    async fn sign_out(&self, id: &Digest32, did: &Did) -> Result<(), StoreError> {
        let (id, did) = (*id, did.clone());
        self.write(move |db| devices::sign_out(db, &id, &did)).await
    }

    async fn sign_out_others(&self, keep: &Digest32, did: &Did) -> Result<(), StoreError> {
        let (keep, did) = (*keep, did.clone());
        self.write(move |db| devices::sign_out_others(db, &keep, &did))
            .await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.read(keys::all).await
    }

    async fn add_signing_key(&self, key: &SigningKeyRecord) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |db| keys::add(db, &key)).await
    }

    async fn add_first_signing_key(
        &self,
        key: &SigningKeyRecord,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |db| keys::add_first(db, &key, now)).await
    }

    async fn retire_signing_key(&self, kid: &str, now: UnixTime) -> Result<bool, StoreError> {
        let kid = kid.to_owned();
        self.write(move |db| keys::retire(db, &kid, now)).await
    }

    async fn secret(&self, name: &str, candidate: &[u8; 32]) -> Result<[u8; 32], StoreError> {
        let (name, candidate) = (name.to_owned(), *candidate);
        self.write(move |db| keys::secret(db, &name, &candidate))
            .await
    }

    async fn keep_scope(
        &self,
        reference: &str,
        scope: &str,
        until: UnixTime,
    ) -> Result<(), StoreError> {
        let (reference, scope) = (reference.to_owned(), scope.to_owned());
        self.write(move |db| scopes::keep(db, &reference, &scope, until))
            .await
    }

    async fn scope(&self, reference: &str) -> Result<Option<String>, StoreError> {
        let reference = reference.to_owned();
        self.read(move |db| scopes::find(db, &reference)).await
    }

    async fn sweep(&self, now: UnixTime, batch: u32) -> Result<Swept, StoreError> {
        self.write(move |db| {
            let (requests, codes) = requests::sweep(db, now, batch)?;
            Ok(Swept {
                requests,
                codes,
                sessions: sessions::sweep(db, now, batch)?,
                devices: devices::sweep(db, now, batch)?,
                approvals: approvals::sweep(db, now, batch)?,
                scope_references: scopes::sweep(db, now, batch)?,
                assertions: seen::sweep(db, now, batch)?,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn migrations_are_sound() {
        super::migrations().validate().unwrap();
    }
}
