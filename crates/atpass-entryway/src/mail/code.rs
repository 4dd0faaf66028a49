//! Codes that prove who reads an address: sent in a letter, good once and not for long.

use std::fmt::Write as _;

use atpass_protocol::id::Did;
use atpass_protocol::random::{self, Random};
use atpass_protocol::secret::Secret;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::Digest32;
use http::StatusCode;

use super::Letter;
use crate::Entryway;
use crate::store::{AccountRecord, EmailPurpose};
use crate::xrpc::XrpcError;

/// RFC 4648 section 6: no digit looks like a letter of it.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of a code: as many bits as nobody guesses in a quarter of an hour.
const LENGTH: usize = 10;

/// Seconds for which a code is good.
const fn lifetime(purpose: EmailPurpose) -> i64 {
    match purpose {
        // It gives nobody any power, and a letter about an address may be read later.
        EmailPurpose::ConfirmEmail => 24 * 60 * 60,
        EmailPurpose::UpdateEmail
        | EmailPurpose::ResetPassword
        | EmailPurpose::DeleteAccount
        | EmailPurpose::PlcOperation => 15 * 60,
    }
}

impl Entryway {
    /// Whether letters can be sent; refused where not.
    pub(crate) fn check_mailer(&self) -> Result<(), XrpcError> {
        let mailer = self.parts().mailer.as_ref();
        mailer
            .map(drop)
            .ok_or_else(|| XrpcError::invalid("this server sends no e-mail; ask its operator"))
    }

    /// Sends an account a code.
    pub(crate) async fn send_code(
        &self,
        account: &AccountRecord,
        purpose: EmailPurpose,
    ) -> Result<(), XrpcError> {
        self.check_mailer()?;
        let Some(mailer) = &self.parts().mailer else {
            return Ok(());
        };
        let to = account.email.clone();
        let to = to.ok_or_else(|| XrpcError::invalid("the account has no e-mail address"))?;
        let limit = match purpose {
            EmailPurpose::ResetPassword => format!("{} reset", account.did),
            EmailPurpose::ConfirmEmail
            | EmailPurpose::UpdateEmail
            | EmailPurpose::DeleteAccount
            | EmailPurpose::PlcOperation => account.did.to_string(),
        };
        let limited = self.limits().letters.check(&limit).await;
        limited.map_err(XrpcError::too_many)?;
        let code = generate(&*self.parts().random);
        let digest = digest(&code, purpose, Some(&to));
        let until = self.now().plus(lifetime(purpose));
        let store = &self.parts().store;
        store
            .put_email_code(&account.did, purpose, &digest, until)
            .await?;
        let letter = self.letter(account, to, purpose, &code);
        mailer
            .send(letter)
            .await
            .map_err(|error| XrpcError::unavailable(&error))
    }

    /// Uses a code of this account up.
    pub(crate) async fn use_code(
        &self,
        did: &Did,
        purpose: EmailPurpose,
        token: &str,
    ) -> Result<(), XrpcError> {
        let limited = self.limits().codes.check(did.as_str()).await;
        limited.map_err(XrpcError::too_many)?;
        let store = &self.parts().store;
        let account = store.account(&Identifier::Did(did.clone())).await?;
        let email = account.and_then(|account| account.email);
        let digest = digest(token, purpose, email.as_deref());
        let used = store.use_email_code(Some(did), purpose, &digest, self.now());
        used.await?.map(drop).ok_or_else(wrong_code)
    }

    /// Uses a code up that says by itself whose it is.
    pub(crate) async fn use_anybodys_code(
        &self,
        purpose: EmailPurpose,
        token: &str,
    ) -> Result<Did, XrpcError> {
        let digest = digest(token, purpose, None);
        let store = &self.parts().store;
        let used = store.use_email_code(None, purpose, &digest, self.now());
        used.await?.ok_or_else(wrong_code)
    }

    /// Puts a code back that was used for something that didn't come about, so that the same can be tried again.
    pub(crate) async fn put_code_back(&self, did: &Did, purpose: EmailPurpose, token: &str) {
        let store = &self.parts().store;
        let put = async {
            let account = store.account(&Identifier::Did(did.clone())).await?;
            let email = account.and_then(|account| account.email);
            let digest = digest(token, purpose, email.as_deref());
            let until = self.now().plus(lifetime(purpose));
            store.put_email_code(did, purpose, &digest, until).await
        };
        if let Err(error) = put.await {
            tracing::warn!(%error, "a code wasn't put back");
        }
    }

    fn letter(
        &self,
        account: &AccountRecord,
        to: String,
        purpose: EmailPurpose,
        code: &str,
    ) -> Letter {
        let server = self.config().origin.host();
        let (subject, wish) = match purpose {
            EmailPurpose::ConfirmEmail => (
                "Confirm your e-mail address",
                "to confirm that this is your e-mail address",
            ),
            EmailPurpose::UpdateEmail => (
                "Change of your e-mail address",
                "to change your e-mail address",
            ),
            EmailPurpose::ResetPassword => ("A new password", "to choose a new password"),
            EmailPurpose::DeleteAccount => (
                "Deletion of your account",
                "to delete your account for good",
            ),
            EmailPurpose::PlcOperation => (
                "Change of your identity",
                "to sign a change of your identity, such as a move to another server",
            ),
        };
        let time = match purpose {
            EmailPurpose::ConfirmEmail => "a day",
            EmailPurpose::UpdateEmail
            | EmailPurpose::ResetPassword
            | EmailPurpose::DeleteAccount
            | EmailPurpose::PlcOperation => "15 minutes",
        };
        let otherwise = match purpose {
            EmailPurpose::ConfirmEmail | EmailPurpose::ResetPassword => {
                "If you didn't ask for it, there is nothing to do: without the code\n\
                 nothing changes."
            }
            EmailPurpose::UpdateEmail
            | EmailPurpose::DeleteAccount
            | EmailPurpose::PlcOperation => {
                "If you didn't ask for it, somebody else is signed in to your account:\n\
                 choose a new password, which signs everybody out. Without the code\n\
                 nothing changes."
            }
        };
        let mut text = format!("Hello @{},\n\n", account.handle);
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "Somebody asked {server}\n{wish}.\nIf it was you, this is the code:\n\n    {code}\n\n\
             It is good once, for {time}. Enter it only where you asked for it,\n\
             and tell it to nobody.\n\n{otherwise}\n\n-- \n{server}\n"
        );
        Letter {
            to,
            subject: format!("{subject} at {server}"),
            text,
        }
    }
}

fn generate(random: &dyn Random) -> String {
    let bytes = random::bytes::<LENGTH>(random);
    let mut code = String::with_capacity(LENGTH + 1);
    for (place, byte) in bytes.iter().enumerate() {
        if place == LENGTH / 2 {
            code.push('-');
        }
        let letter = LETTERS.get(usize::from(byte % 32));
        code.push(char::from(letter.copied().unwrap_or(b'A')));
    }
    code
}

/// What is kept of a code, as it was typed. But where the code alone says whose it is, it holds for the address
/// that it was sent to only: an account that has another one since isn't its owner's to decide about.
fn digest(code: &str, purpose: EmailPurpose, email: Option<&str>) -> Digest32 {
    let code = code.trim().to_ascii_uppercase();
    match (purpose, email) {
        (EmailPurpose::ResetPassword, _) | (_, None) => Secret::new(code).sha256(),
        (_, Some(email)) => Secret::new(format!("{code} {email}")).sha256(),
    }
}

fn wrong_code() -> XrpcError {
    let message = "the code is wrong, or its time is over";
    XrpcError::new(StatusCode::BAD_REQUEST, "InvalidToken", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use atpass_protocol::random::SystemRandom;

    #[test]
    fn the_form_of_codes() {
        for _ in 0..100 {
            let code = generate(&SystemRandom);
            let (left, right) = code.split_once('-').unwrap();
            assert_eq!((left.len(), right.len()), (5, 5));
            let both = left.bytes().chain(right.bytes());
            assert!(both.into_iter().all(|byte| LETTERS.contains(&byte)));
        }
    }

    #[test]
    fn a_code_holds_for_its_address_however_it_is_typed() {
        let (purpose, alice) = (EmailPurpose::UpdateEmail, Some("alice@example.com"));
        let kept = digest("ABCDE-23456", purpose, alice);
        assert_eq!(digest(" abcde-23456\n", purpose, alice), kept);
        assert_ne!(digest("ABCDE-23457", purpose, alice), kept);
        let other = Some("bob@example.com");
        assert_ne!(digest("ABCDE-23456", purpose, other), kept);
        let reset = EmailPurpose::ResetPassword;
        assert_eq!(
            digest("ABCDE-23456", reset, alice),
            digest("ABCDE-23456", reset, None)
        );
    }
}
