//! Password hashes of official PDSes, for accounts that come from one: scrypt (RFC 7914) with N = 16384,
//! r = 8, p = 1, 64 bytes, over a salt that is a text.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::HEXLOWER;
use scrypt::Params;

/// What our text form of such a hash begins with; salt and hash follow as their PDS writes them, with a
/// colon between.
const PREFIX: &str = "pds-scrypt:";
/// The cost: N is 2 to this.
const LOG_N: u8 = 14;
const R: u32 = 8;
const P: u32 = 1;

/// Not a hash of an official PDS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a password hash of an official PDS is 32 hexadecimal digits, a colon and 128 more, in lower case"
)]
pub struct OfficialHashError;

/// A password hash of an official PDS.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OfficialHash {
    salt: String,
    hash: [u8; 64],
}

impl OfficialHash {
    /// Reads one as the PDS keeps it.
    pub(crate) fn read(text: &str) -> Result<Self, OfficialHashError> {
        let (salt, hash) = text.split_once(':').ok_or(OfficialHashError)?;
        let bytes = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
        // What is hashed is the salt's text, so that another way to write it is another salt.
        if bytes(salt).is_none_or(|salt| salt.len() != 16) {
            return Err(OfficialHashError);
        }
        let hash = bytes(hash).and_then(|hash| hash.try_into().ok());
        Ok(Self {
            salt: salt.to_owned(),
            hash: hash.ok_or(OfficialHashError)?,
        })
    }

    /// Reads our text form of one, if it is that.
    pub(crate) fn stored(text: &str) -> Option<Result<Self, OfficialHashError>> {
        text.strip_prefix(PREFIX).map(Self::read)
    }

    /// The hash of a password with this salt. Takes some 50 ms and 16 MiB.
    pub(crate) fn compute(password: &[u8], salt: String) -> Result<Self, String> {
        let params = Params::new(LOG_N, R, P).map_err(|error| error.to_string())?;
        let mut hash = [0; 64];
        scrypt::scrypt(password, salt.as_bytes(), &params, &mut hash)
            .map_err(|error| error.to_string())?;
        Ok(Self { salt, hash })
    }

    /// Whether it is the password's.
    pub(crate) fn is_of(&self, password: &[u8]) -> Result<bool, String> {
        let computed = Self::compute(password, self.salt.clone())?;
        Ok(verify_slices_are_equal(&computed.hash, &self.hash).is_ok())
    }

    /// Our text form.
    pub(crate) fn to_text(&self) -> String {
        format!("{PREFIX}{}:{}", self.salt, HEXLOWER.encode(&self.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by Node's own scrypt, as an official PDS does.
    const VECTOR: &str = "00112233445566778899aabbccddeeff:67bf50310292c39d1895ee3bf25c3ac2535ab2d2645950e4ade8ed0c9c8ec16802e3950e7be8c5dd813e97b2f90ff8f64637abb6898d92fd8a16d09be91ed861";

    #[test]
    fn a_hash_of_an_official_pds() {
        let hash = OfficialHash::read(VECTOR).unwrap();
        assert_eq!(hash.is_of(b"hunter2"), Ok(true));
        assert_eq!(hash.is_of(b"hunter3"), Ok(false));
        assert_eq!(hash.to_text(), format!("pds-scrypt:{VECTOR}"));
        assert!(OfficialHash::stored(&hash.to_text()).unwrap() == Ok(hash));
        assert!(OfficialHash::stored("$argon2id$v=19$").is_none());
        let short = &VECTOR[..VECTOR.len() - 1];
        for bad in ["", ":", "00:00", "salt", short, &VECTOR.to_uppercase()] {
            assert!(OfficialHash::read(bad).is_err(), "{bad}");
        }
        let (salt, digits) = VECTOR.split_once(':').unwrap();
        for salt in ["", "salt", &salt[2..], &format!("{salt}00")] {
            let bad = format!("{salt}:{digits}");
            assert!(OfficialHash::read(&bad).is_err(), "{bad}");
        }
    }
}
