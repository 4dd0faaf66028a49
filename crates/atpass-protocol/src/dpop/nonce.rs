//! Server nonces (RFC 9449 section 8) as a keyed function of time: nothing is stored, and every
//! node that shares the key gives and accepts the same.

use std::sync::Arc;

use super::Era;
use crate::encoding;
use crate::secret::HmacKey;
use crate::time::UnixTime;

/// Makes and checks nonces.
#[derive(Clone, Debug)]
pub struct NonceKeeper {
    key: Arc<HmacKey>,
    era: Option<Era>,
}

/// What a presented nonce is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceStatus {
    /// Ours and recent enough; refused from this time on.
    Valid {
        /// The first second at which it isn't accepted any more.
        until: UnixTime,
    },
    /// Ours, but too old.
    Stale,
    /// Not ours: empty, made up, another server's, of another era, or from before a change of key.
    Foreign,
}

impl NonceKeeper {
    /// Seconds after which another nonce is given out.
    pub const ROTATION: i64 = 60;
    /// Seconds from a nonce's first appearance to its end. The profile allows at most 300; the
    /// last four of the five rotations in it are the grace in which requests under way survive.
    pub const LIFETIME: i64 = 300;

    /// With a key that all nodes share. It may outlive what is remembered of proofs: for those that
    /// are to count once, nonces are of an era ([`Self::in_era`]).
    pub fn new(master: &HmacKey) -> Self {
        Self {
            key: Arc::new(master.derive("dpop-nonce")),
            era: None,
        }
    }

    /// The same in this era. Its nonces are foreign to every other era.
    #[must_use]
    pub fn in_era(&self, era: Era) -> Self {
        Self {
            key: self.key.clone(),
            era: Some(era),
        }
    }

    /// The nonce to give out now: 27 characters.
    pub fn issue(&self, now: UnixTime) -> String {
        let bucket = now.as_secs().div_euclid(Self::ROTATION);
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&low_bytes(bucket));
        bytes[4..].copy_from_slice(&self.tag(bucket));
        encoding::encode(&bytes)
    }

    /// Checks a presented nonce.
    pub fn check(&self, nonce: &str, now: UnixTime) -> NonceStatus {
        let Some(bytes) = encoding::decode_array::<20>(nonce) else {
            return NonceStatus::Foreign;
        };
        // The bucket's low 32 bits are sent; the nearest bucket to now with these bits is meant.
        let now_bucket = now.as_secs().div_euclid(Self::ROTATION);
        let mut low = [0; 4];
        low.copy_from_slice(&bytes[..4]);
        let age = u32::from_be_bytes(low_bytes(now_bucket)).wrapping_sub(u32::from_be_bytes(low));
        let age = i64::from(age.cast_signed());
        let bucket = now_bucket.saturating_sub(age);
        if !self
            .key
            .verify(&self.signed(&bucket.to_be_bytes()), &bytes[4..])
        {
            return NonceStatus::Foreign;
        }
        let until = UnixTime::from_secs(bucket.saturating_mul(Self::ROTATION)).plus(Self::LIFETIME);
        // A nonce of the next bucket comes from a node whose clock is a little ahead.
        if age >= -1 && now < until {
            NonceStatus::Valid { until }
        } else {
            NonceStatus::Stale
        }
    }

    /// What is signed: 8 bytes, and of an era 16 more.
    fn signed<'a>(&'a self, bucket: &'a [u8; 8]) -> [&'a [u8]; 2] {
        let era = self.era.as_ref().map(Era::as_bytes);
        [bucket, era.map_or(&[], |era| era)]
    }

    fn tag(&self, bucket: i64) -> [u8; 16] {
        let tag = self.key.sign(&self.signed(&bucket.to_be_bytes()));
        let mut out = [0; 16];
        out.copy_from_slice(&tag[..16]);
        out
    }
}

fn low_bytes(bucket: i64) -> [u8; 4] {
    let [_, _, _, _, a, b, c, d] = bucket.to_be_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn keeper(seed: u8) -> NonceKeeper {
        NonceKeeper::new(&HmacKey::new(&[seed; 32]))
    }

    /// Clauses AS-DPOP-09 and AS-DPOP-10.
    #[test]
    fn a_nonce_lives_through_rotations_and_then_ends() {
        let keeper = keeper(1);
        let start = UnixTime::from_secs(1_800_000_000);
        let nonce = keeper.issue(start);
        for age in [0, 59, 60, 239] {
            assert!(
                matches!(
                    keeper.check(&nonce, start.plus(age)),
                    NonceStatus::Valid { .. }
                ),
                "{age}"
            );
        }
        for age in [300, 301, 3600, 1_000_000] {
            assert_eq!(
                keeper.check(&nonce, start.plus(age)),
                NonceStatus::Stale,
                "{age}"
            );
        }
        assert_eq!(keeper.check(&nonce, start.plus(-3600)), NonceStatus::Stale);
        assert_ne!(nonce, keeper.issue(start.plus(60)));
    }

    /// Clause AS-DPOP-09: at most five minutes, whenever in its minute it was given out.
    #[test]
    fn never_older_than_five_minutes() {
        let keeper = keeper(1);
        for offset in 0..120 {
            let given = UnixTime::from_secs(1_800_000_000 + offset);
            assert_eq!(
                keeper.check(&keeper.issue(given), given.plus(300)),
                NonceStatus::Stale
            );
        }
    }

    #[test]
    fn others_nonces_are_foreign() {
        let now = UnixTime::from_secs(1_800_000_000);
        for nonce in [
            "",
            "x",
            &"A".repeat(27),
            &keeper(2).issue(now),
            &format!("{}A", keeper(1).issue(now)),
        ] {
            assert_eq!(keeper(1).check(nonce, now), NonceStatus::Foreign, "{nonce}");
        }
    }

    /// Clauses AS-DPOP-09 and AS-DPOP-11: what a memory forgot, nonces forget too.
    #[test]
    fn a_nonce_is_of_one_era() {
        let now = UnixTime::from_secs(1_800_000_000);
        let eras = [(); 2].map(|()| Era::begin(&SystemRandom));
        let [first, second] = eras.map(|era| keeper(1).in_era(era));
        let nonce = first.issue(now);
        assert_eq!(second.check(&nonce, now), NonceStatus::Foreign);
        assert_eq!(keeper(1).check(&nonce, now), NonceStatus::Foreign);
        let other_node = Era::parse(&eras[0].to_string()).unwrap();
        let status = keeper(1).in_era(other_node).check(&nonce, now);
        assert!(matches!(status, NonceStatus::Valid { .. }), "{status:?}");
        for text in [
            "",
            "A",
            &"A".repeat(21),
            &"A".repeat(23),
            "{{{{{{{{{{{{{{{{{{{{{{",
        ] {
            assert_eq!(Era::parse(text), None, "{text}");
        }
    }

    #[test]
    fn extreme_times_do_not_panic() {
        for now in [i64::MIN, -1, 0, i64::MAX] {
            let now = UnixTime::from_secs(now);
            keeper(1).check(&keeper(1).issue(now), now);
        }
    }
}
