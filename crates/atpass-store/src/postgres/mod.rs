//! The store on PostgreSQL: acts are single statements or short transactions, and servers share it.
//!
//! | File | holds |
//! | --- | --- |
//! | `config` | how to reach a server, with TLS |
//! | `schema` | migrations, and whether this program may serve on what it finds |
//! | `pool` | connections, and what an act has of one |
//! | `row` | columns into types |
//! | the others | the acts, by what they are about |

mod accounts;
mod approvals;
mod config;
mod devices;
mod entryway;
pub(crate) mod keys;
mod lexicons;
mod nodes;
mod operator;
mod pool;
mod requests;
mod row;
mod schema;
mod scopes;
mod seen;
mod sessions;
mod void;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::RefreshDecision;
use atpass_provider::store::{
    AlreadyUsed, ApproveOutcome, AssertionUse, CodeRecord, ConsumeOutcome, DeviceRecord,
    DeviceSignIn, Digest32, EndReason, RequestRecord, Rotation, SessionRecord, SigningKeyRecord,
    Store, StoreError, Swept,
};
use deadpool_postgres::{ClientWrapper, Object};

pub use config::{PostgresConfig, PostgresConfigError};
use pool::{Connections, run, transact};
pub(crate) use pool::{told, unavailable};
pub use schema::PostgresOpenError;

/// The store in a PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    connections: Connections,
    master: SealingKeys,
}

impl PostgresStore {
    fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// A connection that nobody else gets, and that ends with its user.
    pub(crate) async fn own_connection(&self) -> Result<ClientWrapper, StoreError> {
        Ok(Object::take(self.connections().get().await?))
    }

    pub(crate) fn master(&self) -> &SealingKeys {
        &self.0.master
    }

    /// Seals all keys and secrets anew, under the first of the master keys: after that the older ones aren't
    /// needed any more. Returns how many there are.
    pub async fn reseal(&self) -> Result<usize, StoreError> {
        transact!(self, |db| keys::reseal(db, self.master()))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn use_assertion(
        &self,
        assertion: &AssertionUse,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        run!(self, |db| seen::first_use(db, assertion, now))
    }

    async fn push_request(
        &self,
        record: &RequestRecord,
        assertion: Option<&AssertionUse>,
    ) -> Result<Option<AlreadyUsed>, StoreError> {
        match assertion {
            None => run!(self, |db| requests::push(db, record)),
            Some(assertion) => {
                transact!(self, |db| requests::push_with(db, record, assertion))
            }
        }
    }

    async fn request(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<RequestRecord>, StoreError> {
        run!(self, |db| requests::find(db, id, now))
    }

    async fn approve(
        &self,
        request: &Digest32,
        code: &CodeRecord,
    ) -> Result<ApproveOutcome, StoreError> {
        run!(self, |db| requests::approve(db, request, code))
    }

    async fn approved(
        &self,
        did: &Did,
        client_id: &ClientId,
    ) -> Result<Option<ScopeSet>, StoreError> {
        run!(self, |db| approvals::find(db, did, client_id))
    }

    async fn close_request(&self, request: &Digest32, now: UnixTime) -> Result<bool, StoreError> {
        run!(self, |db| requests::close(db, request, now))
    }

    async fn code(&self, id: &Digest32) -> Result<Option<CodeRecord>, StoreError> {
        run!(self, |db| requests::find_code(db, id))
    }

    async fn consume_code(
        &self,
        code: &Digest32,
        session: &SessionRecord,
        assertion: Option<&AssertionUse>,
        now: UnixTime,
    ) -> Result<ConsumeOutcome, StoreError> {
        match assertion {
            None => run!(self, |db| requests::consume_code(db, code, session, now)),
            Some(assertion) => transact!(self, |db| requests::consume_code_with(
                db, code, session, assertion, now
            )),
        }
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        run!(self, |db| sessions::find(db, id))
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<RefreshDecision, StoreError> {
        if let Some(assertion) = &rotation.assertion {
            return transact!(self, |db| sessions::rotate_with(db, rotation, assertion));
        }
        let swapped = run!(self, |db| sessions::swap(db, rotation))?;
        if let Some(decision) = swapped {
            return Ok(decision);
        }
        transact!(self, |db| sessions::decide_and_do(db, rotation))
    }

    async fn end_session(
        &self,
        id: SessionId,
        reason: EndReason,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        run!(self, |db| sessions::end(db, id, reason, now))
    }

    async fn ended_after(
        &self,
        after: EndedCursor,
        limit: u32,
    ) -> Result<Vec<(SessionId, UnixTime)>, StoreError> {
        run!(self, |db| sessions::ended_after(db, after, limit))
    }

    async fn sessions_of(
        &self,
        did: &Did,
        now: UnixTime,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        run!(self, |db| sessions::of_account(db, did, now))
    }

    async fn device(
        &self,
        id: &Digest32,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        run!(self, |db| devices::find(db, id, now))
    }

    async fn sign_in(&self, sign_in: &DeviceSignIn) -> Result<(), StoreError> {
        transact!(self, |db| devices::sign_in(db, sign_in))
    }

    async fn keep_device(&self, id: &Digest32, expires_at: UnixTime) -> Result<(), StoreError> {
        run!(self, |db| devices::keep(db, id, expires_at))
    }

    async fn sign_out(&self, id: &Digest32, did: &Did) -> Result<(), StoreError> {
        run!(self, |db| devices::sign_out(db, id, did))
    }

    async fn sign_out_others(&self, keep: &Digest32, did: &Did) -> Result<(), StoreError> {
        run!(self, |db| devices::sign_out_others(db, keep, did))
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        run!(self, |db| keys::all(db, self.master()))
    }

    async fn add_signing_key(&self, key: &SigningKeyRecord) -> Result<(), StoreError> {
        run!(self, |db| keys::add(db, key, self.master()))
    }

    async fn add_first_signing_key(
        &self,
        key: &SigningKeyRecord,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        transact!(self, |db| keys::add_first(db, key, now, self.master()))
    }

    async fn retire_signing_key(&self, kid: &str, now: UnixTime) -> Result<bool, StoreError> {
        run!(self, |db| keys::retire(db, kid, now))
    }

    async fn secret(&self, name: &str, candidate: &[u8; 32]) -> Result<[u8; 32], StoreError> {
        run!(self, |db| keys::secret(db, name, candidate, self.master()))
    }

    async fn keep_scope(
        &self,
        reference: &str,
        scope: &str,
        until: UnixTime,
    ) -> Result<(), StoreError> {
        run!(self, |db| scopes::keep(db, reference, scope, until))
    }

    async fn scope(&self, reference: &str) -> Result<Option<String>, StoreError> {
        run!(self, |db| scopes::find(db, reference))
    }

    async fn sweep(&self, now: UnixTime, batch: u32) -> Result<Swept, StoreError> {
        let (requests, codes) = run!(self, |db| requests::sweep(db, now, batch))?;
        Ok(Swept {
            requests,
            codes,
            sessions: run!(self, |db| sessions::sweep(db, now, batch))?,
            devices: run!(self, |db| devices::sweep(db, now, batch))?,
            approvals: run!(self, |db| approvals::sweep(db, now, batch))?,
            scope_references: run!(self, |db| scopes::sweep(db, now, batch))?,
            assertions: run!(self, |db| seen::sweep(db, now, batch))?,
        })
    }
}
