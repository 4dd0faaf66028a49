//! A store that fails when it is told to, before an act or after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

/// When an act fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing of it happens.
    Before,
    /// It happens, and nobody is told.
    After,
}

/// Which acts of a store are to fail, by name. Cheap to clone; clones share the plan.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<HashMap<&'static str, Fault>>>);

impl Faults {
    /// Makes the next act of this name fail, once.
    pub fn fail_next(&self, act: &'static str, fault: Fault) {
        self.plan().insert(act, fault);
    }

    /// Whether the act that was to fail was asked for, and failed.
    pub fn has_struck(&self, act: &str) -> bool {
        !self.plan().contains_key(act)
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T>(
        &self,
        act: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = self.plan().remove(act);
        let failed = || Err(StoreError::Unavailable(format!("{act} was made to fail")));
        match fault {
            None => work.await,
            Some(Fault::Before) => failed(),
            Some(Fault::After) => {
                work.await?;
                failed()
            }
        }
    }
}

/// A store with faults.
pub(crate) struct FaultyStore<S> {
    pub(crate) store: S,
    pub(crate) faults: Faults,
}

macro_rules! pass_on {
    ($(async fn $name:ident(&self $(, $argument:ident: $kind:ty)*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<S: Store> Store for FaultyStore<S> {
            $(async fn $name(&self $(, $argument: $kind)*) -> Result<$answer, StoreError> {
                self.faults.run(stringify!($name), self.store.$name($($argument),*)).await
            })*
        }
    };
}

pass_on! {
    async fn use_assertion(&self, assertion: &AssertionUse, now: UnixTime) -> bool;
    async fn push_request(&self, record: &RequestRecord, assertion: Option<&AssertionUse>) -> Option<AlreadyUsed>;
    async fn request(&self, id: &Digest32, now: UnixTime) -> Option<RequestRecord>;
    async fn approve(&self, request: &Digest32, code: &CodeRecord) -> ApproveOutcome;
    async fn approved(&self, did: &Did, client_id: &ClientId) -> Option<ScopeSet>;
    async fn close_request(&self, request: &Digest32, now: UnixTime) -> bool;
    async fn code(&self, id: &Digest32) -> Option<CodeRecord>;
    async fn consume_code(&self, code: &Digest32, session: &SessionRecord, assertion: Option<&AssertionUse>, now: UnixTime) -> ConsumeOutcome;
    async fn session(&self, id: SessionId) -> Option<SessionRecord>;
    async fn rotate(&self, rotation: &Rotation) -> RefreshDecision;
    async fn end_session(&self, id: SessionId, reason: EndReason, now: UnixTime) -> bool;
    async fn ended_after(&self, after: EndedCursor, limit: u32) -> Vec<(SessionId, UnixTime)>;
    async fn sessions_of(&self, did: &Did, now: UnixTime) -> Vec<SessionRecord>;
    async fn device(&self, id: &Digest32, now: UnixTime) -> Option<DeviceRecord>;
    async fn sign_in(&self, sign_in: &DeviceSignIn) -> ();
    async fn keep_device(&self, id: &Digest32, expires_at: UnixTime) -> ();
    async fn sign_out(&self, id: &Digest32, did: &Did) -> ();
    async fn sign_out_others(&self, keep: &Digest32, did: &Did) -> ();
    async fn signing_keys(&self) -> Vec<SigningKeyRecord>;
    async fn add_signing_key(&self, key: &SigningKeyRecord) -> ();
    async fn add_first_signing_key(&self, key: &SigningKeyRecord, now: UnixTime) -> ();
    async fn retire_signing_key(&self, kid: &str, now: UnixTime) -> bool;
    async fn secret(&self, name: &str, candidate: &[u8; 32]) -> [u8; 32];
    async fn keep_scope(&self, reference: &str, scope: &str, until: UnixTime) -> ();
    async fn scope(&self, reference: &str) -> Option<String>;
    async fn sweep(&self, now: UnixTime, batch: u32) -> Swept;
}
