//! The service's own accounts, as the authorization server asks for them: this is all that a PDS
//! writes.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::Secret;
use atpass_provider::accounts::{Account, Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::store::StoreError;

/// A person on this service. Yours will have more to them.
pub(crate) struct Person {
    pub(crate) did: Did,
    pub(crate) handle: Handle,
    pub(crate) email: String,
    pub(crate) password_hash: String,
    pub(crate) suspended: bool,
}

/// Everybody on this service: a table of yours, here a list.
pub(crate) struct People {
    all: Vec<Person>,
    service: Did,
    passwords: Passwords,
}

impl People {
    /// A service with one person on it.
    pub(crate) async fn with(handle: &str, password: &str, service: Did) -> anyhow::Result<Self> {
        let passwords = Passwords::new(Arc::new(SystemRandom))?;
        let person = Person {
            did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz")?,
            handle: Handle::parse(handle)?,
            email: "alice@example.com".to_owned(),
            password_hash: passwords.hash(Secret::new(password)).await?,
            suspended: false,
        };
        Ok(Self {
            all: vec![person],
            service,
            passwords,
        })
    }

    fn person(&self, identifier: &Identifier) -> Option<&Person> {
        self.all.iter().find(|person| match identifier {
            Identifier::Did(did) => person.did == *did,
            Identifier::Handle(handle) => person.handle == *handle,
            Identifier::Email(email) => person.email == *email,
        })
    }

    fn account(&self, person: &Person) -> Account {
        Account {
            did: person.did.clone(),
            handle: person.handle.clone(),
            audience: self.service.clone(),
            active: !person.suspended,
        }
    }
}

#[async_trait]
impl Accounts for People {
    async fn find(&self, identifier: &Identifier) -> Result<Option<Account>, StoreError> {
        Ok(self.person(identifier).map(|person| self.account(person)))
    }

    async fn check_password(
        &self,
        identifier: &Identifier,
        password: &Secret,
    ) -> Result<Option<Account>, StoreError> {
        let person = self.person(identifier);
        // Also for nobody: it takes as long as a wrong password.
        let hash = person.map(|person| person.password_hash.clone());
        let right = self.passwords.verify(hash, password.clone()).await?;
        Ok(person.filter(|_| right).map(|person| self.account(person)))
    }
}
