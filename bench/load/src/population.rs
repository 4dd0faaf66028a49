//! Who is stored: sessions and accounts by their number. Everything about one follows from its number, so that
//! nothing has to be remembered of ten million of them.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use data_encoding::BASE32_NOPAD;

use crate::apps::{self, App, Found};

/// DPoP keys, which sessions share: making ten million would take an hour, and nothing depends on it.
const KEYS: usize = 256;
const DAY: i64 = 24 * 60 * 60;

/// As long as a hash of the server's own; no password fits.
pub const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The PDS of all accounts.
pub const AUDIENCE: &str = "did:web:pds.example.com";

/// All that can be stored.
pub struct Population {
    pub apps: Vec<App>,
    pub keys: Vec<PrivateKey>,
    names: HmacKey,
    /// When it was made.
    pub now: UnixTime,
}

/// A stored session.
pub struct Session {
    pub id: SessionId,
    pub did: String,
    /// Places in the lists of the population.
    pub app: usize,
    pub key: usize,
    pub generation: u32,
    pub rotated_at: UnixTime,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
    pub refresh_expires_at: UnixTime,
    /// When its app revoked it: two in a hundred, within the last month.
    pub ended_at: Option<UnixTime>,
}

/// A stored account.
pub struct Account {
    pub did: String,
    pub handle: String,
    pub email: String,
}

impl Population {
    pub fn new(found: Found) -> Result<Self> {
        let keys: Result<_, _> = (0..KEYS).map(|_| PrivateKey::generate()).collect();
        Ok(Self {
            apps: apps::all(found)?,
            keys: keys?,
            names: HmacKey::new(&[7; 32]),
            now: SystemClock.now(),
        })
    }

    /// The session of this number.
    pub fn session(&self, number: u64) -> Session {
        let random = self.random(b"session", number);
        let app = at(random, 8, self.apps.len());
        let age = |place: usize, most: i64| most * i64::from(random[place]) / 256;
        // One that isn't confidential ends after 14 days.
        let (life, age_days) = if self.apps[app].key.is_some() {
            (730 * DAY, age(16, 400))
        } else {
            (14 * DAY, age(16, 13))
        };
        let seconds = i64::from(u16::from_be_bytes([random[17], random[18]])) + 3600;
        let created_at = self.now.plus(-age_days * DAY - seconds);
        let expires_at = created_at.plus(life);
        let rotated_at = self.now.plus(-seconds / 2);
        let ended = u16::from_be_bytes([random[20], random[21]]) % 50 == 0;
        let ago = i64::from(u32::from_be_bytes([0, random[22], random[23], random[24]]));
        Session {
            id: SessionId::from_i64(i64::from_be_bytes(first(random))),
            did: self.did(account_of(number)),
            app,
            key: at(random, 12, self.keys.len()),
            generation: u32::from(u16::from_be_bytes([random[25], random[26]]) % 2000),
            rotated_at,
            created_at,
            expires_at,
            refresh_expires_at: expires_at.min(rotated_at.plus(90 * DAY)),
            ended_at: ended.then(|| self.now.plus(-(ago % (30 * DAY)))),
        }
    }

    /// The account of this number.
    pub fn account(&self, number: u64) -> Account {
        let did = self.did(number);
        let name = &did["did:plc:".len()..][..12];
        Account {
            handle: format!("{name}.example.com"),
            email: format!("{name}@mail.example.net"),
            did,
        }
    }

    fn did(&self, account: u64) -> String {
        let random = self.random(b"account", account);
        let mut name = BASE32_NOPAD.encode(&random[..15]);
        name.make_ascii_lowercase();
        format!("did:plc:{name}")
    }

    fn random(&self, what: &[u8], number: u64) -> [u8; 32] {
        self.names.sign(&[what, &number.to_be_bytes()])
    }
}

/// Accounts of so many sessions: of three accounts one has one, the next two, the next three of them.
pub fn accounts_of(sessions: u64) -> u64 {
    sessions
        .checked_sub(1)
        .map_or(0, |last| account_of(last) + 1)
}

fn account_of(session: u64) -> u64 {
    let within = match session % 6 {
        0 => 0,
        1 | 2 => 1,
        _ => 2,
    };
    session / 6 * 3 + within
}

fn first(random: [u8; 32]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&random[..8]);
    bytes
}

fn at(random: [u8; 32], place: usize, length: usize) -> usize {
    let number = u16::from_be_bytes([random[place], random[place + 1]]);
    usize::from(number) % length
}

/// Draws sessions at random.
pub struct Draw {
    state: u64,
}

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// So many different numbers below `size`, each of which `fits`.
    pub fn distinct(
        &mut self,
        count: usize,
        size: u64,
        fits: impl Fn(u64) -> bool,
    ) -> Result<Vec<u64>> {
        let mut drawn = HashSet::new();
        let mut numbers = Vec::with_capacity(count);
        let mut tries = 0;
        while numbers.len() < count {
            tries += 1;
            ensure!(
                tries < 50 * count + 1000,
                "there aren't {count} sessions to draw among {size}"
            );
            let number = self.next() % size;
            if drawn.insert(number) && fits(number) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// SplitMix64: good enough to draw lots.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.state;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }
}
