//! Password hashing: Argon2id, on a bounded number of threads and never on the reactor.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use atpass_protocol::random::{self, Random};
use atpass_protocol::secret::Secret;
use tokio::sync::Semaphore;

use crate::store::StoreError;

/// The longest password that is hashed, in bytes. A longer one is simply wrong.
pub const LONGEST_PASSWORD: usize = 512;

/// Hashes and checks passwords: 19 MiB and 2 passes, about 15 ms of one core each.
#[derive(Clone)]
pub struct Passwords {
    random: Arc<dyn Random>,
    /// At most as many at once as there are cores: more would only cost memory.
    turns: Arc<Semaphore>,
    /// What a guess at an account that doesn't exist is checked against, so that it takes as long.
    decoy: Arc<str>,
}

impl Passwords {
    /// Prepares the decoy, which takes as long as hashing one password.
    pub fn new(random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let decoy = hash(&random::secret::<32>(&*random), &random::bytes(&*random))?;
        Ok(Self {
            random,
            turns: Arc::new(Semaphore::new(threads)),
            decoy: decoy.into(),
        })
    }

    /// The hash of a new password, as a PHC string.
    pub async fn hash(&self, password: Secret) -> Result<String, StoreError> {
        let salt = random::bytes::<16>(&*self.random);
        self.in_turn(move || hash(&password, &salt)).await?
    }

    /// Whether `password` is the one of the stored hash. Without one (there is no such account)
    /// the answer is no, after the same work.
    pub async fn verify(
        &self,
        stored: Option<String>,
        password: Secret,
    ) -> Result<bool, StoreError> {
        let known = stored.is_some() && password.expose().len() <= LONGEST_PASSWORD;
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        self.in_turn(move || {
            let guess = password.expose().as_bytes();
            let guess = guess.get(..LONGEST_PASSWORD).unwrap_or(guess);
            let stored = PasswordHash::new(&stored).map_err(|error| StoreError::Corrupt {
                table: "account",
                detail: format!("password hash: {error}"),
            })?;
            Ok(argon2().verify_password(guess, &stored).is_ok() && known)
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("password hashing: {error}"))
        };
        let turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .map_err(|error| failed(&error))?;
        // The turn goes along: a caller that gives up doesn't free the core it still uses.
        let work = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        work.await.map_err(|error| failed(&error))
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash(password: &Secret, salt: &[u8; 16]) -> Result<String, StoreError> {
    let hash = argon2()
        .hash_password_with_salt(password.expose().as_bytes(), salt)
        .map_err(|error| StoreError::Unavailable(format!("password hashing: {error}")))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atpass_protocol::random::SystemRandom;

    #[tokio::test]
    async fn right_wrong_and_unknown() {
        let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
        let stored = passwords.hash(Secret::new("hunter2")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let check = async |stored: Option<&str>, guess: &str| {
            passwords
                .verify(stored.map(str::to_owned), Secret::new(guess))
                .await
                .unwrap()
        };
        assert!(check(Some(&stored), "hunter2").await);
        assert!(!check(Some(&stored), "hunter3").await);
        assert!(!check(None, "hunter2").await);
        assert!(!check(Some(&stored), &"x".repeat(1_000_000)).await);
    }
}
