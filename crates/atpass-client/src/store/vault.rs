//! Between the client and its store: records are written, sealed, opened and read here.

use std::sync::Arc;

use atpass_protocol::id::Did;
use atpass_protocol::random::Random;
use atpass_protocol::request::State;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{
    PendingLogin, PutOutcome, Record, SessionKey, SessionStore, StoreFailure, StoredSession,
};

/// What a sealed record begins with; JSON never does.
const SEALED: u8 = 0;

/// A store, and the keys with which its records are sealed.
#[derive(Clone)]
pub(crate) struct Vault {
    store: Arc<dyn SessionStore>,
    sealing: Option<SealingKeys>,
    random: Arc<dyn Random>,
}

impl Vault {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        sealing: Option<SealingKeys>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            store,
            sealing,
            random,
        }
    }

    pub(crate) async fn get(
        &self,
        key: &SessionKey,
    ) -> Result<Option<(StoredSession, u64)>, StoreFailure> {
        let Some((record, version)) = self.store.get(key).await? else {
            return Ok(None);
        };
        Ok(Some((self.read(&session_place(key), &record)?, version)))
    }

    pub(crate) async fn put(
        &self,
        key: &SessionKey,
        session: &StoredSession,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let record = self.write(&session_place(key), session)?;
        self.store.put(key, &session.did, &record, expected).await
    }

    pub(crate) async fn remove(
        &self,
        key: &SessionKey,
        expected: Option<u64>,
    ) -> Result<bool, StoreFailure> {
        self.store.remove(key, expected).await
    }

    pub(crate) async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        self.store.list(did).await
    }

    pub(crate) async fn put_pending(
        &self,
        state: &State,
        login: &PendingLogin,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        let name = pending_name(state);
        let record = self.write(&pending_place(&name), login)?;
        self.store.put_pending(&name, &record, until, now).await
    }

    pub(crate) async fn take_pending(
        &self,
        state: &State,
        now: UnixTime,
    ) -> Result<Option<PendingLogin>, StoreFailure> {
        let name = pending_name(state);
        let record = self.store.take_pending(&name, now).await?;
        record
            .map(|record| self.read(&pending_place(&name), &record))
            .transpose()
    }

    fn write(&self, place: &str, content: &impl Serialize) -> Result<Record, StoreFailure> {
        let failed = |error: &dyn std::fmt::Display| {
            StoreFailure(format!("a record can't be written: {error}"))
        };
        let json = serde_json::to_vec(content).map_err(|error| failed(&error))?;
        let Some(keys) = &self.sealing else {
            return Ok(Record::new(json));
        };
        let json = Zeroizing::new(json);
        let mut bytes = vec![SEALED];
        let sealed = keys.seal(place.as_bytes(), &json, &*self.random);
        bytes.extend(sealed.map_err(|error| failed(&error))?);
        Ok(Record::new(bytes))
    }

    fn read<T: DeserializeOwned>(&self, place: &str, record: &Record) -> Result<T, StoreFailure> {
        let failed = |error: &dyn std::fmt::Display| {
            StoreFailure(format!("a record can't be read: {error}"))
        };
        let json = match (record.as_bytes().split_first(), &self.sealing) {
            (Some((&SEALED, sealed)), Some(keys)) => keys
                .open(place.as_bytes(), sealed)
                .map_err(|error| failed(&error))?,
            (Some((&SEALED, _)), None) => {
                return Err(failed(&"it is sealed, and no key was given"));
            }
            // Whoever can write to the store could put a record of their own there.
            (Some(_), Some(_)) => return Err(failed(&"it isn't sealed, though a key was given")),
            (_, None) => Zeroizing::new(record.as_bytes().to_vec()),
            (None, Some(_)) => return Err(failed(&"it is empty")),
        };
        // The message of serde_json may repeat a value, which may be a secret.
        serde_json::from_slice(&json).map_err(|error| {
            failed(&format_args!(
                "not one of this version ({:?} at column {})",
                error.classify(),
                error.column()
            ))
        })
    }
}

/// Under its hash: whoever reads the store can't finish other people's logins.
fn pending_name(state: &State) -> String {
    BASE64URL_NOPAD.encode(&Secret::new(state.as_str()).sha256())
}

fn pending_place(name: &str) -> String {
    format!("login:{name}")
}

fn session_place(key: &SessionKey) -> String {
    format!("session:{}", key.as_str())
}
