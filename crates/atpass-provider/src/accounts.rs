//! The accounts: who may sign in. A PDS that embeds the provider implements [`Accounts`] over its
//! own.

use std::fmt;

use async_trait::async_trait;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::secret::Secret;

use crate::store::StoreError;

/// An account as the authorization server needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub did: Did,
    /// What people call it.
    pub handle: Handle,
    /// The DID of its PDS: the audience of its access tokens.
    pub audience: Did,
    /// Whether it may sign in and refresh.
    pub active: bool,
}

/// What a person typed to say who they are, or what an app hinted at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// A DID.
    Did(Did),
    /// A handle.
    Handle(Handle),
    /// An e-mail address, lower-cased.
    Email(String),
}

impl Identifier {
    /// Reads the identifier field of the sign-in page. `None` where it can't be any of them.
    pub fn from_person(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with("did:") {
            return Did::parse(text).ok().map(Self::Did);
        }
        match text.split_once('@') {
            Some((local, domain)) if !local.is_empty() && Handle::parse(domain).is_ok() => {
                Some(Self::Email(text.to_lowercase()))
            }
            _ => Handle::from_person(text).ok().map(Self::Handle),
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Did(did) => did.fmt(f),
            Self::Handle(handle) => handle.fmt(f),
            Self::Email(email) => email.fmt(f),
        }
    }
}

/// The accounts of an authorization server.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// The account, active or not.
    async fn find(&self, identifier: &Identifier) -> Result<Option<Account>, StoreError>;

    /// The account, if the password is its own. An account that doesn't exist must take as long
    /// as a wrong password: [`crate::password::Passwords::verify`] does both.
    async fn check_password(
        &self,
        identifier: &Identifier,
        password: &Secret,
    ) -> Result<Option<Account>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let read = Identifier::from_person;
        assert_eq!(
            read(" @Alice.Test "),
            Some(Identifier::Handle(Handle::parse("alice.test").unwrap()))
        );
        assert_eq!(
            read("Alice@Example.com"),
            Some(Identifier::Email("alice@example.com".into()))
        );
        assert!(matches!(
            read("did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
            Some(Identifier::Did(_))
        ));
        for bad in ["", "alice", "a@b", "did:", "alice@"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
