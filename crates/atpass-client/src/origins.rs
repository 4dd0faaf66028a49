//! What the client has learned of each server: its DPoP nonce, and how far its clock is from ours.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use atpass_protocol::time::UnixTime;
use bytes::Bytes;
use http::header::{AGE, DATE};
use http::{HeaderName, Response};

pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The most servers that are remembered.
const MOST_ORIGINS: usize = 1000;
/// The longest nonce that is remembered, bytes.
const LONGEST_NONCE: usize = 1024;
/// Seconds by which clocks may differ without anybody minding: `Date` has whole seconds, and an answer
/// takes its time.
const TOLERANCE: u64 = 5;
/// Seconds beyond which a `Date` is not believed: a wrong clock of ours is worth mending, a server from
/// another day isn't worth following.
const LARGEST_OFFSET: i64 = 24 * 60 * 60;

/// What is known of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// For the next proof.
    pub(crate) nonce: Option<String>,
    /// Server's time less ours, seconds, that it has taken: 0, or what its `Date` said when it refused our
    /// time. Absent until it has taken one.
    pub(crate) offset: Option<i64>,
    /// The same by its last `Date`; 0 within the tolerance.
    pub(crate) dated: i64,
}

/// By origin (scheme, host, port).
#[derive(Default)]
pub(crate) struct Origins(Mutex<HashMap<String, Origin>>);

impl Origins {
    pub(crate) fn get(&self, origin: &str) -> Origin {
        let origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        origins.get(origin).cloned().unwrap_or_default()
    }

    /// Learns from an answer that came at `now`, by our clock. Returns what is known from here on, and
    /// whether the answer had a nonce.
    pub(crate) fn learn(
        &self,
        origin: &str,
        response: &Response<Bytes>,
        now: UnixTime,
    ) -> (Origin, bool) {
        let nonce = nonce_of(response);
        let had_nonce = nonce.is_some();
        let dated = offset_of(response, now);
        let known = self.change(origin, |known| {
            if let Some(nonce) = nonce {
                known.nonce = Some(nonce);
            }
            if let Some(dated) = dated {
                known.dated = dated;
            }
        });
        (known, had_nonce)
    }

    /// Uses this offset for the proofs that follow.
    pub(crate) fn follow(&self, origin: &str, offset: Option<i64>) {
        self.change(origin, |known| {
            if let Some(offset) = offset.filter(|offset| *offset != 0) {
                tracing::warn!(
                    origin,
                    offset,
                    "this machine's clock differs from the server's"
                );
            }
            known.offset = offset;
        });
    }

    /// Takes a nonce that came with another document of the server, where none is known yet.
    pub(crate) fn offer_nonce(&self, origin: &str, nonce: &str) {
        if usable(nonce) {
            self.change(origin, |known| {
                known.nonce.get_or_insert_with(|| nonce.to_owned());
            });
        }
    }

    fn change(&self, origin: &str, change: impl FnOnce(&mut Origin)) -> Origin {
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.len() >= MOST_ORIGINS && !origins.contains_key(origin) {
            // A lost nonce costs one retry; an unbounded map costs more.
            origins.clear();
        }
        let known = origins.entry(origin.to_owned()).or_default();
        change(known);
        known.clone()
    }
}

/// Whether two offsets are more than the tolerance apart.
pub(crate) const fn differ(one: i64, other: i64) -> bool {
    one.abs_diff(other) > TOLERANCE
}

fn usable(nonce: &str) -> bool {
    (1..=LONGEST_NONCE).contains(&nonce.len())
}

fn nonce_of(response: &Response<Bytes>) -> Option<String> {
    let nonce = response.headers().get(DPOP_NONCE)?.to_str().ok()?;
    usable(nonce).then(|| nonce.to_owned())
}

/// From `Date` (RFC 9110 section 6.6.1), unless the answer lay in a cache.
fn offset_of(response: &Response<Bytes>, now: UnixTime) -> Option<i64> {
    if response.headers().contains_key(AGE) {
        return None;
    }
    let date = response.headers().get(DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?;
    let seconds = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let offset = UnixTime::from_secs(i64::try_from(seconds).ok()?).since(now);
    if !differ(offset, 0) {
        return Some(0);
    }
    (offset.abs() <= LARGEST_OFFSET).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(784_111_777);

    fn answer(headers: &[(&str, &str)]) -> Response<Bytes> {
        let builder = Response::builder();
        let builder = headers.iter().fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        });
        builder.body(Bytes::new()).unwrap()
    }

    #[test]
    fn clocks_that_differ() {
        let origins = Origins::default();
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (now, headers, offset) in [
            (NOW, vec![date], 0),
            (NOW.plus(5), vec![date], 0),
            (NOW.plus(400), vec![date], -400),
            (NOW.plus(401), vec![], -400),
            (NOW.plus(9), vec![date, ("age", "8")], -400),
            (NOW.plus(90_000), vec![date], -400),
            (NOW.plus(-60), vec![date], 60),
            (NOW, vec![("date", "yesterday")], 60),
            (NOW.plus(1), vec![date], 0),
        ] {
            let (known, had_nonce) = origins.learn("a", &answer(&headers), now);
            assert_eq!(known.dated, offset, "{now} {headers:?}");
            assert_eq!(known.offset, None, "nobody has complained");
            assert!(!had_nonce);
        }
        origins.follow("a", Some(60));
        assert_eq!(
            (origins.get("a").offset, origins.get("b").offset),
            (Some(60), None),
            "each server has its own"
        );
        origins.follow("a", None);
        assert_eq!(origins.get("a").offset, None);
    }

    /// Clause C-DPOP-02.
    #[test]
    fn nonces_of_each_server() {
        let origins = Origins::default();
        let (known, had) = origins.learn("a", &answer(&[("dpop-nonce", "1")]), NOW);
        assert!(had && known.nonce.as_deref() == Some("1"));
        origins.offer_nonce("a", "2");
        assert_eq!(
            origins.get("a").nonce.as_deref(),
            Some("1"),
            "offers are for beginners"
        );
        origins.offer_nonce("b", "2");
        assert_eq!(origins.get("b").nonce.as_deref(), Some("2"));
        for bad in ["", &"x".repeat(1025)] {
            let (known, had) = origins.learn("a", &answer(&[("dpop-nonce", bad)]), NOW);
            assert!(!had && known.nonce.as_deref() == Some("1"));
        }
        for number in 0..2 * MOST_ORIGINS {
            origins.learn(&number.to_string(), &answer(&[("dpop-nonce", "n")]), NOW);
        }
        assert!(origins.0.lock().unwrap().len() <= MOST_ORIGINS);
    }
}
