//! What an entryway remembers, in memory, as far as the tests of this folder ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EmailPurpose, EntrywayStore, Imported, LegacyRotation,
    LegacySessionRecord, SignUpRecord, Taken,
};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Account, Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::store::{Digest32, StoreError};

#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) accounts: Vec<AccountRecord>,
    pub(crate) app_passwords: Vec<AppPasswordRecord>,
    pub(crate) sessions: HashMap<SessionId, LegacySessionRecord>,
    codes: HashMap<(Did, EmailPurpose), (Digest32, UnixTime)>,
    /// Sessions of OAuth, which end with an account or its password.
    pub(crate) oauth: Vec<SessionId>,
    pub(crate) down: bool,
}

impl MemoryStore {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn up(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.inner();
        if inner.down {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        Ok(inner)
    }

    pub(crate) fn change(&self, did: &Did, change: impl FnOnce(&mut AccountRecord)) {
        let mut inner = self.inner();
        let account = inner.accounts.iter_mut().find(|known| known.did == *did);
        change(account.unwrap());
    }

    pub(crate) fn find(&self, did: &Did) -> Option<AccountRecord> {
        let inner = self.inner();
        inner
            .accounts
            .iter()
            .find(|known| known.did == *did)
            .cloned()
    }
}

/// Who may sign in.
pub(crate) struct MemoryAccounts {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) passwords: Passwords,
}

#[async_trait]
impl Accounts for MemoryAccounts {
    async fn find(&self, identifier: &Identifier) -> Result<Option<Account>, StoreError> {
        let account = self.store.account(identifier).await?;
        Ok(account.map(|account| Account {
            did: account.did,
            handle: account.handle,
            audience: account.pds,
            active: account.active,
        }))
    }

    async fn check_password(
        &self,
        identifier: &Identifier,
        password: &Secret,
    ) -> Result<Option<Account>, StoreError> {
        let account = self.store.account(identifier).await?;
        let stored = account.map(|account| account.password_hash);
        let right = self.passwords.verify(stored, password.clone()).await?;
        let account = self.find(identifier).await?;
        Ok(account.filter(|_| right))
    }
}

#[async_trait]
impl EntrywayStore for MemoryStore {
    async fn account(&self, identifier: &Identifier) -> Result<Option<AccountRecord>, StoreError> {
        let inner = self.up()?;
        let found = inner.accounts.iter().find(|account| match identifier {
            Identifier::Did(did) => account.did == *did,
            Identifier::Handle(handle) => account.handle == *handle,
            Identifier::Email(email) => account.email.as_ref() == Some(email),
        });
        Ok(found.cloned())
    }

    async fn set_email(
        &self,
        did: &Did,
        email: &str,
        confirmed_at: Option<UnixTime>,
    ) -> Result<Result<(), Taken>, StoreError> {
        let mut inner = self.up()?;
        let mut others = inner.accounts.iter().filter(|account| account.did != *did);
        if others.any(|account| account.email.as_deref() == Some(email)) {
            return Ok(Err(Taken::Email));
        }
        for account in inner.accounts.iter_mut().filter(|known| known.did == *did) {
            account.email = Some(email.into());
            account.email_confirmed_at = confirmed_at;
        }
        inner.codes.retain(|(whose, _), _| whose != did);
        Ok(Ok(()))
    }

    async fn confirm_email(
        &self,
        did: &Did,
        email: &str,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let mut inner = self.up()?;
        let mut accounts = inner.accounts.iter_mut();
        let account =
            accounts.find(|known| known.did == *did && known.email.as_deref() == Some(email));
        Ok(account
            .map(|account| account.email_confirmed_at = Some(now))
            .is_some())
    }

    async fn change_password(
        &self,
        did: &Did,
        hash: &str,
        _now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut inner = self.up()?;
        for account in inner.accounts.iter_mut().filter(|known| known.did == *did) {
            account.password_hash = hash.into();
        }
        inner.sessions.retain(|_, session| session.did != *did);
        Ok(std::mem::take(&mut inner.oauth))
    }

    async fn set_deactivated(&self, did: &Did, since: Option<UnixTime>) -> Result<(), StoreError> {
        let mut inner = self.up()?;
        for account in inner.accounts.iter_mut().filter(|known| known.did == *did) {
            account.deactivated_at = since;
        }
        Ok(())
    }

    async fn delete_account(
        &self,
        did: &Did,
        _now: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut inner = self.up()?;
        inner.accounts.retain(|account| account.did != *did);
        Ok(std::mem::take(&mut inner.oauth))
    }

    async fn put_email_code(
        &self,
        did: &Did,
        purpose: EmailPurpose,
        code: &Digest32,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        let key = (did.clone(), purpose);
        self.up()?.codes.insert(key, (*code, expires_at));
        Ok(())
    }

    async fn use_email_code(
        &self,
        did: Option<&Did>,
        purpose: EmailPurpose,
        code: &Digest32,
        now: UnixTime,
    ) -> Result<Option<Did>, StoreError> {
        let mut inner = self.up()?;
        let found = inner.codes.iter().find(|((whose, what), (kept, until))| {
            did.is_none_or(|did| whose == did) && *what == purpose && kept == code && *until > now
        });
        let key = found.map(|(key, _)| key.clone());
        Ok(key.map(|key| {
            inner.codes.remove(&key);
            key.0
        }))
    }

    async fn add_app_password(&self, record: &AppPasswordRecord) -> Result<bool, StoreError> {
        let mut inner = self.up()?;
        let mut known = inner.app_passwords.iter();
        if known.any(|known| (&known.did, &known.name) == (&record.did, &record.name)) {
            return Ok(false);
        }
        inner.app_passwords.push(record.clone());
        Ok(true)
    }

    async fn app_passwords(&self, did: &Did) -> Result<Vec<AppPasswordRecord>, StoreError> {
        let inner = self.up()?;
        let known = inner.app_passwords.iter();
        Ok(known.filter(|known| known.did == *did).cloned().collect())
    }

    async fn revoke_app_password(&self, did: &Did, name: &str) -> Result<(), StoreError> {
        let mut inner = self.up()?;
        inner
            .app_passwords
            .retain(|known| known.did != *did || known.name != name);
        inner.sessions.retain(|_, session| {
            let with = session.app_password.as_ref();
            session.did != *did || with.is_none_or(|(with, _)| with != name)
        });
        Ok(())
    }

    async fn begin_legacy_session(
        &self,
        record: &LegacySessionRecord,
        _: &str,
    ) -> Result<bool, StoreError> {
        self.up()?.sessions.insert(record.id, record.clone());
        Ok(true)
    }

    async fn upgrade_password(&self, _: &Did, _: &str, _: &str) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn rotate_legacy_session(
        &self,
        id: SessionId,
        presented: u32,
        now: UnixTime,
        grace: i64,
        expires_at: UnixTime,
    ) -> Result<LegacyRotation, StoreError> {
        let mut inner = self.up()?;
        let Some(session) = inner.sessions.get_mut(&id) else {
            return Ok(LegacyRotation::Over);
        };
        if presented == session.generation {
            session.generation += 1;
            session.rotated_at = now;
            session.expires_at = expires_at;
        } else if presented + 1 != session.generation || now.since(session.rotated_at) > grace {
            inner.sessions.remove(&id);
            return Ok(LegacyRotation::Over);
        }
        Ok(LegacyRotation::GoesOn(session.clone()))
    }

    async fn end_legacy_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.up()?.sessions.remove(&id);
        Ok(())
    }

    async fn begin_sign_up(&self, _: &SignUpRecord) -> Result<Result<(), Taken>, StoreError> {
        not_asked()
    }

    async fn finish_sign_up(&self, _: &Did) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn give_up_sign_up(&self, _: &Did) -> Result<(), StoreError> {
        not_asked()
    }

    async fn unfinished_sign_ups(
        &self,
        _: UnixTime,
        _: u32,
    ) -> Result<Vec<SignUpRecord>, StoreError> {
        not_asked()
    }

    async fn import_account(
        &self,
        _: &AccountRecord,
        _: &[AppPasswordRecord],
        _: bool,
    ) -> Result<Result<Imported, Taken>, StoreError> {
        not_asked()
    }

    async fn accounts_by_pds(&self) -> Result<Vec<(Did, u64)>, StoreError> {
        not_asked()
    }

    async fn set_handle(&self, _: &Did, _: &Handle) -> Result<Result<(), Taken>, StoreError> {
        not_asked()
    }

    async fn add_invite(&self, _: &str, _: u32, _: UnixTime) -> Result<(), StoreError> {
        not_asked()
    }

    async fn sweep_entryway(&self, _: UnixTime, _: u32) -> Result<usize, StoreError> {
        not_asked()
    }
}

fn not_asked<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("no test asks for this".into()))
}
