//! The store on SQLite.

mod accounts;
mod approvals;
mod backup;
mod checkpoint;
mod devices;
mod entryway;
mod keys;
mod lexicons;
mod operator;
mod reader;
mod requests;
mod row;
mod schema;
mod scopes;
mod seen;
mod sessions;
mod void;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::RefreshDecision;
use atpass_provider::store::{
    AlreadyUsed, ApproveOutcome, AssertionUse, CodeRecord, ConsumeOutcome, DeviceRecord,
    DeviceSignIn, Digest32, EndReason, RequestRecord, Rotation, SessionRecord, SigningKeyRecord,
    Store, StoreError, Swept,
};
use rusqlite::{Connection, OpenFlags};

pub(crate) use backup::refuse_copies;
pub use backup::{Backup, BackupError, Progress, Restored, Since};
use checkpoint::Checkpointer;
use reader::Readers;
pub use schema::OpenError;
use schema::migrations;
pub(crate) use schema::{MOVED, is_moved, versions};
use writer::{Undo, Writer};

use crate::database::SchemaVersions;

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
        // Before anything is changed: it may be a backup.
        Self::schema(path)?;
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

    /// The schema of a database, if there is one. Changes nothing. Refuses a backup, and what was moved away.
    pub fn schema(path: &Path) -> Result<Option<SchemaVersions>, OpenError> {
        if !path.try_exists()? {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, EXISTING)?;
        connection.busy_timeout(BUSY)?;
        refuse_copies(&connection)?;
        if is_moved(&connection)? {
            return Err(OpenError::Moved);
        }
        versions(&connection).map(Some)
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
        self.0.writer.write(Undo::Act, act).await
    }

    /// An act that changes with one statement only, with its last; but for an assertion, which it may use up although it
    /// fails.
    async fn change<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.writer.write(Undo::Statement, act).await
    }
}

/// How long a connection waits for another process that writes: `atpass` on the command line.
const BUSY: Duration = Duration::from_secs(5);

/// For a database that must be there.
const EXISTING: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens a connection with the settings that all of them share.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What was answered is on the disk, also after a power failure.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // In KiB.
    connection.pragma_update(None, "cache_size", -4096)?;
    // Bytes of the log's file that are kept where it begins anew: most of what is used between two merges.
    connection.pragma_update(None, "journal_size_limit", 8 * 1024 * 1024)?;
    // Another thread does it, off the path of requests.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

#[async_trait]
impl Store for SqliteStore {
    async fn use_assertion(
        &self,
        assertion: &AssertionUse,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let assertion = *assertion;
        self.change(move |db| seen::first_use(db, Some(&assertion), now))
            .await
    }

    async fn push_request(
        &self,
        record: &RequestRecord,
        assertion: Option<&AssertionUse>,
    ) -> Result<Option<AlreadyUsed>, StoreError> {
        let (record, assertion) = (record.clone(), assertion.copied());
        self.change(move |db| {
            if !seen::first_use(db, assertion.as_ref(), record.created_at)? {
                return Ok(Some(AlreadyUsed::Assertion));
            }
            requests::push(db, &record)
        })
        .await
    }

    async fn request(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<RequestRecord>, StoreError> {
        let id = *id;
        self.read(move |db| requests::find(db, &id, now)).await
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
        assertion: Option<&AssertionUse>,
        now: UnixTime,
    ) -> Result<ConsumeOutcome, StoreError> {
        let (code, session, assertion) = (*code, session.clone(), assertion.copied());
        self.write(move |db| {
            if !seen::first_use(db, assertion.as_ref(), now)? {
                return Ok(ConsumeOutcome::AssertionUsed);
            }
            requests::consume_code(db, &code, &session, now)
        })
        .await
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.read(move |db| sessions::find(db, id)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<RefreshDecision, StoreError> {
        let rotation = *rotation;
        self.change(move |db| {
            if !seen::first_use(db, rotation.assertion.as_ref(), rotation.now)? {
                return Ok(RefreshDecision::AssertionUsed);
            }
            sessions::rotate(db, &rotation)
        })
        .await
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
