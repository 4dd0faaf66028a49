//! An account's making, in steps that survive a crash between any two of them.
//!
//! 1. The PDS makes a key for the repository. The first operation of the DID names it, is signed here, and its
//!    hash is the DID.
//! 2. The store takes handle, address and invite code, and keeps the operation.
//! 3. The PDS is given the operation, makes the account, and hands the operation to the directory.
//! 4. The store has the account.
//!
//! What stops before 2 has left nothing behind but a key that nobody uses. What stops after it is found again by
//! [`Entryway::finish_sign_ups`]: the PDS knows whether it has the account. Handle and address are free again
//! only when it is certain that it has not.

use std::collections::HashSet;

use async_trait::async_trait;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_provider::accounts::{Account, Identifier};
use atpass_provider::password::LONGEST_PASSWORD;
use atpass_provider::sign_up::{NewAccount, SignUp, SignUpError};
use atpass_provider::store::StoreError;

use crate::pds::{Pds, PdsError};
use crate::plc::{Contents, PlcError};
use crate::store::{AccountRecord, SignUpRecord, Taken};
use crate::{Entryway, SignUpPolicy};

/// Seconds after which nobody waits for a sign-up any more: far more than a request may take.
const LEFT_ALONE: i64 = 120;
/// Seconds after which a sign-up that the PDS has no account of, and doesn't refuse either, is given up.
const LONGEST: i64 = 24 * 60 * 60;
/// How many unfinished sign-ups are looked at in one round.
const ROUND: u32 = 1000;

/// The lengths of a password, in characters.
const SHORTEST_PASSWORD: usize = 8;
const MOST_CHARACTERS: usize = 256;
/// The longest address (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const LONGEST_ADDRESS: usize = 254;

/// How it stands with a sign-up.
#[derive(Debug)]
enum Standing {
    /// The account is there.
    Made,
    /// It isn't, and won't be: everything is free again.
    GivenUp(PdsError),
    /// Nobody knows.
    Open(PdsError),
}

#[async_trait]
impl SignUp for Entryway {
    fn domains(&self) -> &[String] {
        &self.0.domains
    }

    fn needs_invite(&self) -> bool {
        self.config().sign_up == SignUpPolicy::Invite
    }

    async fn sign_up(&self, new: NewAccount, now: UnixTime) -> Result<Account, SignUpError> {
        let pds = self.pds_for(&new.handle).await?;
        check_person(&new)?;
        let invite = match (self.needs_invite(), new.invite) {
            (false, _) => None,
            (true, Some(code)) if !code.is_empty() => Some(code),
            (true, _) => return Err(SignUpError::Invite),
        };
        let (parts, password) = (self.parts(), new.password.clone());
        // Before the PDS is asked for anything: it is the usual end of a sign-up.
        let identifier = Identifier::Handle(new.handle.clone());
        if parts.store.account(&identifier).await?.is_some() {
            return Err(SignUpError::HandleTaken);
        }
        let password_hash = parts.passwords.hash(new.password).await?;
        let signing_key = pds.reserve_signing_key().await.map_err(unavailable)?;
        let plc_key = parts.plc_keys.first();
        let plc_key = plc_key.ok_or_else(|| unavailable("there is no rotation key"))?;
        let operation = Contents::of_account(
            &new.handle,
            &pds.config().origin,
            plc_key.did_key(),
            signing_key,
        );
        let operation = operation.sign(None, plc_key).map_err(of_operation)?;
        let record = SignUpRecord {
            account: AccountRecord {
                did: operation.did().map_err(of_operation)?,
                handle: new.handle,
                email: Some(new.email),
                email_confirmed_at: None,
                password_hash,
                pds: pds.config().did.clone(),
                created_at: now,
                active: true,
                deactivated_at: None,
                sessions_ended_at: None,
            },
            operation: operation.to_json().map_err(of_operation)?.to_string(),
            invite,
        };
        let standing = match parts.store.begin_sign_up(&record).await? {
            Ok(()) => self.make(&pds, &record).await?,
            Err(taken) => {
                // Perhaps by the same person a moment ago, who was told to try again.
                let earlier = self.begun_before(&record, password, now).await?;
                let earlier = earlier.ok_or_else(|| of_taken(taken))?;
                let standing = self.settle(&earlier).await?;
                return self.answer(earlier, standing).await;
            }
        };
        self.answer(record, standing).await
    }
}

impl Entryway {
    /// Ends the sign-ups that were left half-way: after a crash, or because a PDS gave no answer. To be called
    /// at the start and each minute. Returns how many have ended, one way or the other.
    pub async fn finish_sign_ups(&self, now: UnixTime) -> Result<usize, StoreError> {
        let before = now.plus(-LEFT_ALONE);
        let records = self
            .parts()
            .store
            .unfinished_sign_ups(before, ROUND)
            .await?;
        let (mut ended, mut silent) = (0, HashSet::new());
        for record in records {
            let account = &record.account;
            // A PDS that is down costs each round one wait, not one for each account.
            if silent.contains(&account.pds) {
                continue;
            }
            match self.settle(&record).await? {
                Standing::Made => {
                    tracing::info!(did = %account.did, "a sign-up was finished later");
                    ended += 1;
                }
                Standing::GivenUp(error) => {
                    tracing::warn!(did = %account.did, %error, "a sign-up was given up");
                    ended += 1;
                }
                Standing::Open(error) => {
                    tracing::warn!(did = %account.did, %error, "a sign-up is still unfinished");
                    if matches!(error, PdsError::Unreachable(_)) {
                        silent.insert(account.pds.clone());
                    } else if now.since(account.created_at) > LONGEST
                        && self.is_missing(&record).await
                    {
                        self.parts().store.give_up_sign_up(&account.did).await?;
                        ended += 1;
                    }
                }
            }
        }
        Ok(ended)
    }

    /// The PDS for a new account of this handle: of those that share its domain, the one with the fewest.
    async fn pds_for(&self, handle: &Handle) -> Result<Pds, SignUpError> {
        let domain = self.config().may_give(handle);
        let domain = domain.map_err(|_| SignUpError::HandleRefused)?;
        if !self.0.domains.iter().any(|offered| offered == domain) {
            return Err(SignUpError::HandleRefused);
        }
        let counts = self.parts().store.accounts_by_pds().await?;
        let count = |pds: &Did| {
            let mut counts = counts.iter();
            counts
                .find(|(of, _)| of == pds)
                .map_or(0, |(_, count)| *count)
        };
        let pdses = self.config().pdses.iter().filter(|pds| {
            pds.takes_new_accounts && pds.handle_domains.iter().any(|own| own == domain)
        });
        let least = pdses.min_by_key(|pds| count(&pds.did));
        let pds = least.and_then(|pds| self.pds_of(&pds.did));
        pds.ok_or(SignUpError::HandleRefused)
    }

    /// A sign-up of the same handle, address and password that isn't finished yet.
    async fn begun_before(
        &self,
        record: &SignUpRecord,
        password: Secret,
        now: UnixTime,
    ) -> Result<Option<SignUpRecord>, StoreError> {
        let parts = self.parts();
        let (handle, email) = (&record.account.handle, &record.account.email);
        let begun = parts.store.unfinished_sign_ups(now.plus(1), ROUND).await?;
        let earlier = begun
            .into_iter()
            .find(|begun| begun.account.handle == *handle && begun.account.email == *email);
        let Some(earlier) = earlier else {
            return Ok(None);
        };
        let hash = Some(earlier.account.password_hash.clone());
        let same = parts.passwords.verify(hash, password).await?;
        Ok(same.then_some(earlier))
    }

    /// Asks the PDS whether it has the account, and has it make it if not.
    async fn settle(&self, record: &SignUpRecord) -> Result<Standing, StoreError> {
        let did = &record.account.did;
        let Some(pds) = self.pds_of(&record.account.pds) else {
            // It was taken out of the configuration in the meantime. Nobody can be asked.
            let error = PdsError::NotOurs(record.account.pds.clone());
            return Ok(Standing::Open(error));
        };
        match pds.has_account(did).await {
            Ok(true) => self.finish(did).await,
            Ok(false) => self.make(&pds, record).await,
            Err(error) => Ok(Standing::Open(error)),
        }
    }

    /// Has the PDS make the account.
    async fn make(&self, pds: &Pds, record: &SignUpRecord) -> Result<Standing, StoreError> {
        let AccountRecord { did, handle, .. } = &record.account;
        let operation = serde_json::from_str(&record.operation);
        let operation = operation.map_err(|error| StoreError::Corrupt {
            table: "sign_up",
            detail: format!("the operation of {did}: {error}"),
        })?;
        let error = match pds.create_account(did, handle, &operation).await {
            Ok(()) => return self.finish(did).await,
            Err(error) => error,
        };
        if !error.refuses_account() {
            return Ok(Standing::Open(error));
        }
        // An earlier request may have made it in this moment, of which the refusal is the consequence.
        match pds.has_account(did).await {
            Ok(true) => self.finish(did).await,
            Ok(false) => {
                self.parts().store.give_up_sign_up(did).await?;
                Ok(Standing::GivenUp(error))
            }
            Err(error) => Ok(Standing::Open(error)),
        }
    }

    async fn finish(&self, did: &Did) -> Result<Standing, StoreError> {
        // Whether it was this request that finished it makes no difference.
        self.parts().store.finish_sign_up(did).await?;
        Ok(Standing::Made)
    }

    /// Whether it is certain that the PDS has no account of this sign-up.
    async fn is_missing(&self, record: &SignUpRecord) -> bool {
        match self.pds_of(&record.account.pds) {
            Some(pds) => pds.has_account(&record.account.did).await == Ok(false),
            None => false,
        }
    }

    /// What the person is told.
    async fn answer(
        &self,
        record: SignUpRecord,
        standing: Standing,
    ) -> Result<Account, SignUpError> {
        match standing {
            Standing::Made => {}
            Standing::GivenUp(error) | Standing::Open(error) => return Err(unavailable(error)),
        }
        let identifier = Identifier::Did(record.account.did);
        let account = self.parts().store.account(&identifier).await?;
        let account = account.ok_or_else(|| unavailable("the sign-up was given up elsewhere"))?;
        Ok(Account {
            did: account.did,
            handle: account.handle,
            audience: account.pds,
            active: account.active,
        })
    }
}

/// The pages have looked at these already, and say it better.
fn check_person(new: &NewAccount) -> Result<(), SignUpError> {
    if !is_address(&new.email) {
        return Err(unavailable("the e-mail address can't be one"));
    }
    if !is_password(&new.password) {
        return Err(unavailable("a password has 8 to 256 characters"));
    }
    Ok(())
}

/// Whether a new password is neither too short nor too long.
pub(crate) fn is_password(password: &Secret) -> bool {
    let password = password.expose();
    let characters = password.chars().count();
    (SHORTEST_PASSWORD..=MOST_CHARACTERS).contains(&characters)
        && password.len() <= LONGEST_PASSWORD
}

/// Whether a letter can be addressed to it: by the rules of who sends it, and to a domain that has a dot.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() <= LONGEST_ADDRESS
        && text.parse::<lettre::Address>().is_ok()
        && matches!(Identifier::from_person(text), Some(Identifier::Email(_)))
}

fn unavailable(error: impl std::fmt::Display) -> SignUpError {
    SignUpError::Unavailable(error.to_string())
}

fn of_operation(error: PlcError) -> SignUpError {
    unavailable(error)
}

const fn of_taken(taken: Taken) -> SignUpError {
    match taken {
        // The DID is a hash over a new key: who has it has the handle too.
        Taken::Did | Taken::Handle => SignUpError::HandleTaken,
        Taken::Email => SignUpError::EmailTaken,
        Taken::Invite => SignUpError::Invite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_letters_can_be_addressed_to() {
        let long = format!("{}@example.com", "x".repeat(250));
        for (text, good) in [
            ("alice@example.com", true),
            ("alice+mushrooms@mail.example.com", true),
            ("alice@localhost", false),
            ("alice", false),
            ("@example.com", false),
            ("alice@", false),
            ("alice@example.com\r\nbcc: bob@example.com", false),
            ("alice bob@example.com", false),
            ("<alice@example.com>", false),
            ("alice@bob@example.com", false),
            ("alice@[192.0.2.1]", false),
            (&long, false),
        ] {
            assert_eq!(is_address(text), good, "{text}");
        }
    }
}
