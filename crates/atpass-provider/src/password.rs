//! Password hashing: Argon2id, on a bounded number of threads and never on the reactor. Accounts that come
//! from an official PDS have its hashes until their owners sign in for the first time.

use std::fmt::Display;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use atpass_protocol::id::Did;
use atpass_protocol::random::{self, Random};
use atpass_protocol::secret::Secret;
use data_encoding::HEXLOWER;
use tokio::sync::Semaphore;

use crate::official_hash::OfficialHash;
pub use crate::official_hash::OfficialHashError;
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
    /// Prepares the decoy: in form a hash as any other, of no password that anybody knows.
    pub fn new(random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let output = Output::new(&random::bytes::<{ Params::DEFAULT_OUTPUT_LEN }>(&*random));
        let output = output.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let decoy = to_text(&random::bytes(&*random), &Params::DEFAULT, output)?;
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

    /// The stored form of a password hash of an official PDS (`<salt>:<hash>`), for accounts that come from
    /// one. [`Passwords::verify`] takes it; checking one takes about 50 ms in place of 15, which tells that
    /// an account came from elsewhere and wasn't used since.
    pub fn of_official_pds(hash: &str) -> Result<String, OfficialHashError> {
        OfficialHash::read(hash).map(|hash| hash.to_text())
    }

    /// Whether a stored hash should be replaced by a new one of the same password, now that it is known.
    pub fn needs_upgrade(stored: &str) -> bool {
        OfficialHash::stored(stored).is_some()
    }

    /// The hash of an app password, as official PDSes make it: the salt is the account's, so that the
    /// password is found by its hash. App passwords are random and long.
    pub async fn app_password_hash(
        &self,
        did: &Did,
        password: Secret,
    ) -> Result<String, StoreError> {
        let did = Secret::new(did.as_str()).sha256();
        let salt = HEXLOWER.encode(did.first_chunk::<16>().unwrap_or(&[0; 16]));
        let hash = self.in_turn(move || {
            let password = password.expose().as_bytes();
            OfficialHash::compute(password.get(..LONGEST_PASSWORD).unwrap_or(password), salt)
        });
        let hash = hash.await?.map_err(StoreError::Unavailable)?;
        Ok(hash.to_text())
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
            let corrupt = |error: &dyn Display| StoreError::Corrupt {
                table: "account",
                detail: format!("password hash: {error}"),
            };
            if let Some(official) = OfficialHash::stored(&stored) {
                let official = official.map_err(|error| corrupt(&error))?;
                let right = official.is_of(guess).map_err(StoreError::Unavailable)?;
                return Ok(right && known);
            }
            let stored = PasswordHash::new(&stored).map_err(|error| corrupt(&error))?;
            let params = Params::try_from(&stored).map_err(|error| corrupt(&error))?;
            let (Some(salt), Some(right)) = (&stored.salt, &stored.hash) else {
                return Err(corrupt(&"it lacks its salt or hash"));
            };
            // The library compares outputs in constant time.
            Ok(compute(guess, salt, params)? == *right && known)
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed =
            |error: &dyn Display| StoreError::Unavailable(format!("password hashing: {error}"));
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

fn hash(password: &Secret, salt: &[u8; 16]) -> Result<String, StoreError> {
    let params = Params::DEFAULT;
    let output = compute(password.expose().as_bytes(), salt, params.clone())?;
    to_text(salt, &params, output)
}

/// A PHC string.
fn to_text(salt: &[u8; 16], params: &Params, output: Output) -> Result<String, StoreError> {
    let failed =
        |error: &dyn Display| StoreError::Unavailable(format!("password hashing: {error}"));
    let salt = Salt::new(salt).map_err(|error| failed(&error))?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|error| failed(&error))?,
        hash: Some(output),
        salt: Some(salt),
    };
    Ok(hash.to_string())
}

/// Room that is asked of the allocator for each hash, in blocks of 1 KiB; what isn't used of it
/// costs nothing. A smaller piece would be kept by the C library's allocator when it is freed,
/// one for each thread that ever hashed; from 32 MiB on it goes back to the system at once.
const ROOM: usize = 33 * 1024;

fn compute(password: &[u8], salt: &[u8], params: Params) -> Result<Output, StoreError> {
    let failed =
        |error: &dyn Display| StoreError::Unavailable(format!("password hashing: {error}"));
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(ROOM));
    memory.resize(blocks, Block::default());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2
        .hash_password_into_with_memory(password, salt, &mut out, &mut memory)
        .map_err(|error| failed(&error))?;
    Output::new(&out).map_err(|error| failed(&error))
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
        assert!(!Passwords::needs_upgrade(&stored));
    }

    /// Computed by Node's own scrypt, as an official PDS does.
    #[tokio::test]
    async fn an_app_password_is_found_by_its_hash() {
        let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
        let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
        let password = Secret::new("abcd-efgh-ijkl-mnop");
        let hash = passwords
            .app_password_hash(&did, password.clone())
            .await
            .unwrap();
        let theirs = "099e4ea96cd62c05a232331859d20c97:fd2bbf28c4711cd8d02ea6a9af381222ef64fa9654f065196498e87aeb668370e1accd55a4a2cf56b303904d22367493a14af2bda8d630abaa594676edbca564";
        assert_eq!(hash, Passwords::of_official_pds(theirs).unwrap());
        assert!(Passwords::needs_upgrade(&hash));
        assert!(passwords.verify(Some(hash), password).await.unwrap());
    }
}
