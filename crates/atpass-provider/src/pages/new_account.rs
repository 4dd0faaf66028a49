//! The form for a new account: what was typed, and what is wrong with it.

use atpass_protocol::id::Handle;
use atpass_protocol::request::Form;
use atpass_protocol::secret::Secret;
use i18n_embed_fl::fl;

use super::Language;
use crate::accounts::Identifier;
use crate::password::LONGEST_PASSWORD;
use crate::sign_up::{NewAccount, SignUp};

/// Characters of a password.
pub(super) const LEAST: usize = 8;
const MOST: usize = 256;

/// Characters of an e-mail address (RFC 5321 section 4.5.3.1, erratum 1690).
const LONGEST_EMAIL: usize = 254;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    HandleTaken,
    HandleRefused,
    EmailWrong,
    EmailTaken,
    PasswordShort,
    PasswordLong,
    Invite,
    /// Nothing that was typed: the account can't be made at present.
    Unavailable,
    TooMany {
        /// Until the next attempt.
        minutes: u64,
    },
}

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Handle,
    Email,
    Password,
    Invite,
    /// Above the fields.
    Top,
}

impl Fault {
    pub(super) const fn place(self) -> Place {
        match self {
            Self::HandleTaken | Self::HandleRefused => Place::Handle,
            Self::EmailWrong | Self::EmailTaken => Place::Email,
            Self::PasswordShort | Self::PasswordLong => Place::Password,
            Self::Invite => Place::Invite,
            Self::Unavailable | Self::TooMany { .. } => Place::Top,
        }
    }

    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Unavailable => 503,
            Self::TooMany { .. } => 429,
            Self::HandleTaken
            | Self::HandleRefused
            | Self::EmailWrong
            | Self::EmailTaken
            | Self::PasswordShort
            | Self::PasswordLong
            | Self::Invite => 422,
        }
    }

    pub(super) fn words(self, language: &Language) -> String {
        let texts = language.texts();
        match self {
            Self::HandleTaken => fl!(texts, "sign-up-handle-taken"),
            Self::HandleRefused => fl!(texts, "sign-up-handle-refused"),
            Self::EmailWrong => fl!(texts, "sign-up-email-wrong"),
            Self::EmailTaken => fl!(texts, "sign-up-email-taken"),
            Self::PasswordShort => fl!(texts, "sign-up-password-short", least = LEAST),
            Self::PasswordLong => fl!(texts, "sign-up-password-long", most = MOST),
            Self::Invite => fl!(texts, "sign-up-invite-wrong"),
            Self::Unavailable => fl!(texts, "sign-up-unavailable"),
            Self::TooMany { minutes } => fl!(texts, "sign-in-too-many", minutes = minutes),
        }
    }
}

/// Reads the form, or tells all that is wrong with it. `fixed` is the only handle that may come of it.
pub(super) fn read(
    form: &Form,
    sign_up: &dyn SignUp,
    fixed: Option<&Handle>,
) -> Result<NewAccount, Vec<Fault>> {
    let field = |name| form.get(name).unwrap_or_default();
    let mut faults = Vec::new();
    let handle = match fixed {
        Some(handle) => Some(handle.clone()),
        None => read_handle(field("name"), field("domain"), sign_up.domains()),
    };
    if handle.is_none() {
        faults.push(Fault::HandleRefused);
    }
    let email = read_email(field("email"));
    if email.is_none() {
        faults.push(Fault::EmailWrong);
    }
    let password = field("password");
    let length = password.chars().count();
    if length < LEAST {
        faults.push(Fault::PasswordShort);
    } else if length > MOST || password.len() > LONGEST_PASSWORD {
        faults.push(Fault::PasswordLong);
    }
    let invite = Some(field("invite").trim()).filter(|code| !code.is_empty());
    if sign_up.needs_invite() && invite.is_none() {
        faults.push(Fault::Invite);
    }
    match (handle, email) {
        (Some(handle), Some(email)) if faults.is_empty() => Ok(NewAccount {
            handle,
            email,
            password: Secret::new(password),
            invite: invite
                .filter(|_| sign_up.needs_invite())
                .map(ToOwned::to_owned),
        }),
        _ => Err(faults),
    }
}

/// The name and the domain of a handle below one of these domains, with one label in front.
pub(super) fn split<'a>(handle: &'a Handle, domains: &'a [String]) -> Option<(&'a str, &'a str)> {
    let below = |domain: &'a String| {
        let name = handle.as_str().strip_suffix(domain.as_str())?;
        let name = name.strip_suffix('.')?;
        (!name.is_empty() && !name.contains('.')).then_some((name, domain.as_str()))
    };
    domains.iter().find_map(below)
}

fn read_handle(name: &str, domain: &str, domains: &[String]) -> Option<Handle> {
    let one_of_ours = |handle: &Handle| split(handle, domains).is_some();
    // Some type the whole handle: it counts, whatever is chosen beside it.
    if let Some(whole) = Handle::from_person(name).ok().filter(one_of_ours) {
        return Some(whole);
    }
    let domain = match domains {
        [only] => only,
        _ => domains.iter().find(|known| *known == domain)?,
    };
    let handle = Handle::from_person(&format!("{}.{domain}", name.trim())).ok()?;
    Some(handle).filter(one_of_ours)
}

fn read_email(text: &str) -> Option<String> {
    match Identifier::from_person(text)? {
        Identifier::Email(email)
            if email.len() <= LONGEST_EMAIL
                && !email.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Some(email)
        }
        Identifier::Email(_) | Identifier::Handle(_) | Identifier::Did(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles() {
        let domains = ["example.com", "eu.example.com"].map(ToOwned::to_owned);
        let read = |name, domain| {
            let handle = read_handle(name, domain, &domains);
            handle.map(|handle| handle.as_str().to_owned())
        };
        let (one, other) = ("example.com", "eu.example.com");
        for (name, domain, handle) in [
            ("carol", one, "carol.example.com"),
            (" @Carol ", other, "carol.eu.example.com"),
            ("carol.example.com", other, "carol.example.com"),
            ("carol.eu.example.com", one, "carol.eu.example.com"),
            ("carol.eu.example.com", "", "carol.eu.example.com"),
        ] {
            assert_eq!(read(name, domain).as_deref(), Some(handle), "{name}");
        }
        for (name, domain) in [
            ("", one),
            ("carol", "elsewhere.com"),
            ("carol", ""),
            ("a.b", one),
            ("-carol", one),
            ("carol\0", one),
            ("c_l", one),
            ("carol.test", one),
            ("dvořák", one),
        ] {
            assert_eq!(read(name, domain), None, "{name} {domain}");
        }
        assert!(read_handle("carol", "", &domains[..1]).is_some());
    }

    #[test]
    fn emails() {
        let address = read_email(" Carol+pds@Example.COM ");
        assert_eq!(address.as_deref(), Some("carol+pds@example.com"));
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in [
            "",
            "carol",
            "@example.com",
            "a@b@example.com",
            "a b@example.com",
            "carol@localhost",
            "carol.test",
            "a\r\nBcc:b@example.com",
            &long,
        ] {
            assert_eq!(read_email(bad), None, "{bad}");
        }
    }
}
