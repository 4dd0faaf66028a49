//! Whether a password is an account's own, for every way to sign in.

use atpass_protocol::secret::Secret;
use atpass_provider::accounts::Identifier;
use atpass_provider::password::Passwords;
use atpass_provider::store::StoreError;

use crate::store::{AccountRecord, EntrywayStore};

/// The account, if the password is its own. One that doesn't exist takes as long as a wrong password.
///
/// A hash that came from an official PDS is replaced, now that the password is known. The account's
/// `password_hash` is the one that is kept now: the one for
/// [`EntrywayStore::begin_legacy_session`].
pub async fn check_password(
    store: &dyn EntrywayStore,
    passwords: &Passwords,
    identifier: &Identifier,
    password: &Secret,
) -> Result<Option<AccountRecord>, StoreError> {
    let mut account = store.account(identifier).await?;
    // Again where the hash was replaced in the meantime: by the same person's other app, or by a change.
    for _ in 0..2 {
        let stored = account
            .as_ref()
            .map(|account| account.password_hash.clone());
        let right = passwords.verify(stored, password.clone()).await?;
        let Some(mut found) = account.filter(|_| right) else {
            return Ok(None);
        };
        if !Passwords::needs_upgrade(&found.password_hash) {
            return Ok(Some(found));
        }
        let (did, old) = (&found.did, &found.password_hash);
        let new = passwords.hash(password.clone()).await?;
        if store.upgrade_password(did, old, &new).await? {
            found.password_hash = new;
            return Ok(Some(found));
        }
        account = store.account(&Identifier::Did(found.did)).await?;
    }
    Ok(None)
}
