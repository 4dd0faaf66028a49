//! What an entryway remembers, in memory, as far as the tests of this folder ask for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EmailPurpose, EntrywayStore, Imported, LegacyRotation,
    LegacySessionRecord, SignUpRecord, Taken,
};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::{Digest32, StoreError};

#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    accounts: Vec<AccountRecord>,
    begun: Vec<SignUpRecord>,
    invites: HashMap<String, u32>,
    /// Whether the next account can't be finished: the machine stops before.
    stops: bool,
}

impl MemoryStore {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn put(&self, account: AccountRecord) {
        self.inner().accounts.push(account);
    }

    pub(crate) fn begun(&self) -> usize {
        self.inner().begun.len()
    }

    pub(crate) fn uses_left(&self, invite: &str) -> u32 {
        self.inner().invites[invite]
    }

    pub(crate) fn stop_before_the_end(&self) {
        self.inner().stops = true;
    }
}

impl Inner {
    fn all(&self) -> impl Iterator<Item = &AccountRecord> {
        let begun = self.begun.iter().map(|record| &record.account);
        self.accounts.iter().chain(begun)
    }
}

#[async_trait]
impl EntrywayStore for MemoryStore {
    async fn account(&self, identifier: &Identifier) -> Result<Option<AccountRecord>, StoreError> {
        let inner = self.inner();
        let found = inner.accounts.iter().find(|account| match identifier {
            Identifier::Did(did) => account.did == *did,
            Identifier::Handle(handle) => account.handle == *handle,
            Identifier::Email(email) => account.email.as_ref() == Some(email),
        });
        Ok(found.cloned())
    }

    async fn begin_sign_up(&self, record: &SignUpRecord) -> Result<Result<(), Taken>, StoreError> {
        let mut inner = self.inner();
        let new = &record.account;
        for account in inner.all() {
            if account.did == new.did {
                return Ok(Err(Taken::Did));
            } else if account.handle == new.handle {
                return Ok(Err(Taken::Handle));
            } else if account.email == new.email {
                return Ok(Err(Taken::Email));
            }
        }
        if let Some(code) = &record.invite {
            match inner.invites.get_mut(code) {
                Some(uses) if *uses > 0 => *uses -= 1,
                _ => return Ok(Err(Taken::Invite)),
            }
        }
        inner.begun.push(record.clone());
        Ok(Ok(()))
    }

    async fn finish_sign_up(&self, did: &Did) -> Result<bool, StoreError> {
        let mut inner = self.inner();
        if std::mem::take(&mut inner.stops) {
            return Err(StoreError::Unavailable("the machine stops".into()));
        }
        let place = inner
            .begun
            .iter()
            .position(|begun| begun.account.did == *did);
        if let Some(place) = place {
            let record = inner.begun.remove(place);
            inner.accounts.push(record.account);
        }
        Ok(place.is_some())
    }

    async fn give_up_sign_up(&self, did: &Did) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let (gone, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut inner.begun)
            .into_iter()
            .partition(|begun| begun.account.did == *did);
        inner.begun = stay;
        for code in gone.into_iter().filter_map(|record| record.invite) {
            *inner.invites.entry(code).or_default() += 1;
        }
        Ok(())
    }

    async fn unfinished_sign_ups(
        &self,
        before: UnixTime,
        _limit: u32,
    ) -> Result<Vec<SignUpRecord>, StoreError> {
        let inner = self.inner();
        let begun = inner.begun.iter();
        Ok(begun
            .filter(|record| record.account.created_at < before)
            .cloned()
            .collect())
    }

    async fn accounts_by_pds(&self) -> Result<Vec<(Did, u64)>, StoreError> {
        let mut counts = HashMap::new();
        for account in self.inner().all() {
            *counts.entry(account.pds.clone()).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    async fn set_handle(
        &self,
        did: &Did,
        handle: &Handle,
    ) -> Result<Result<(), Taken>, StoreError> {
        let mut inner = self.inner();
        if inner
            .all()
            .any(|account| account.handle == *handle && account.did != *did)
        {
            return Ok(Err(Taken::Handle));
        }
        for account in &mut inner.accounts {
            if account.did == *did {
                account.handle = handle.clone();
            }
        }
        Ok(Ok(()))
    }

    async fn add_invite(&self, code: &str, uses: u32, _now: UnixTime) -> Result<(), StoreError> {
        self.inner().invites.insert(code.into(), uses);
        Ok(())
    }

    async fn import_account(
        &self,
        _account: &AccountRecord,
        _app_passwords: &[AppPasswordRecord],
        _: bool,
    ) -> Result<Result<Imported, Taken>, StoreError> {
        not_asked()
    }

    async fn set_email(
        &self,
        _did: &Did,
        _email: &str,
        _confirmed_at: Option<UnixTime>,
    ) -> Result<Result<(), Taken>, StoreError> {
        not_asked()
    }

    async fn confirm_email(
        &self,
        _did: &Did,
        _email: &str,
        _now: UnixTime,
    ) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn change_password(
        &self,
        _did: &Did,
        _hash: &str,
        _now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        not_asked()
    }

    async fn upgrade_password(&self, _: &Did, _: &str, _: &str) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn set_deactivated(
        &self,
        _did: &Did,
        _since: Option<UnixTime>,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn delete_account(
        &self,
        _did: &Did,
        _now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        not_asked()
    }

    async fn put_email_code(
        &self,
        _did: &Did,
        _purpose: EmailPurpose,
        _code: &Digest32,
        _expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn use_email_code(
        &self,
        _did: Option<&Did>,
        _purpose: EmailPurpose,
        _code: &Digest32,
        _now: UnixTime,
    ) -> Result<Option<Did>, StoreError> {
        not_asked()
    }

    async fn add_app_password(&self, _record: &AppPasswordRecord) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn app_passwords(&self, _did: &Did) -> Result<Vec<AppPasswordRecord>, StoreError> {
        not_asked()
    }

    async fn revoke_app_password(&self, _did: &Did, _name: &str) -> Result<(), StoreError> {
        not_asked()
    }

    async fn begin_legacy_session(
        &self,
        _record: &LegacySessionRecord,
        _checked_hash: &str,
    ) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn rotate_legacy_session(
        &self,
        _id: SessionId,
        _presented: u32,
        _now: UnixTime,
        _grace: i64,
        _expires_at: UnixTime,
    ) -> Result<LegacyRotation, StoreError> {
        not_asked()
    }

    async fn end_legacy_session(&self, _id: SessionId) -> Result<(), StoreError> {
        not_asked()
    }

    async fn sweep_entryway(&self, _now: UnixTime, _batch: u32) -> Result<usize, StoreError> {
        not_asked()
    }
}

fn not_asked<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("no test asks for this".into()))
}
