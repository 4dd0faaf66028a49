//! The keys of an authorization server elsewhere: fetched, kept for a while, and exchanged while
//! requests go on.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use atpass_fetch::{FetchError, Fetcher};
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::{ClientKeys, ClientKeysError, JwkSet};
use atpass_protocol::metadata::{AuthorizationServerMetadata, ServerMetadataError};
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::TokenOrigin;
use http::header::{CACHE_CONTROL, HeaderMap};
use serde_json::value::RawValue;
use tokio::sync::watch;
use url::Url;

use crate::{IssuerKeys, KeysUnavailable};

/// Seconds for which keys are good: what the issuer's `Cache-Control` says, within these, or the
/// default. The longest is as long as an issuer of this workspace shows a key before it signs.
const LIFETIMES: std::ops::RangeInclusive<i64> = 60..=600;
const DEFAULT_LIFETIME: i64 = 300;
/// Seconds for which the last good keys go on being used while the issuer can't be asked.
const LAST_GOOD: i64 = 3600;
/// Seconds between two questions to the issuer at least, whatever tokens come.
const GAP: i64 = 5;
/// Seconds by which keys must be younger than a token to say that its key doesn't exist: the
/// issuer's clock may be off, and a cache on the way may have answered.
const MARGIN: i64 = 90;
/// Seconds for which the place of the keys is remembered.
const PLACE_LIFETIME: i64 = 600;

const METADATA: &str = "/.well-known/oauth-authorization-server";
const JSON: [&str; 2] = ["application/json", "application/jwk-set+json"];
/// Bytes of an answer, and seconds for it.
const LONGEST: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);

/// The keys of one authorization server, known by its URL. Cheap to clone; clones share what they
/// know. Wants a tokio runtime.
///
/// Keys are fetched when the first request needs them, and again, beside the requests, before
/// their time is over: 60 to 600 seconds, as the issuer's `Cache-Control` says. A token with an
/// unknown key has them fetched at once, for all who wait, but never more often than every 5
/// seconds. While the issuer is down, the last good keys are used for an hour; then requests are
/// answered with 503.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    place: Option<Place>,
    question: Option<Question>,
    /// The last question failed.
    down: bool,
}

/// Keys that were fetched.
#[derive(Clone)]
struct Kept {
    keys: Arc<JwkSet>,
    as_of: UnixTime,
    lifetime: i64,
}

/// Where the keys lie.
#[derive(Clone)]
struct Place {
    url: Url,
    as_of: UnixTime,
}

/// The last question to the issuer, under way or answered.
#[derive(Clone)]
struct Question {
    asked: UnixTime,
    answer: watch::Receiver<Option<Result<(), KeysUnavailable>>>,
}

/// Why the keys can't be had.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the metadata of {0} departs from the profile: {list}", list = list(.1))]
    Metadata(Issuer, Vec<ServerMetadataError>),
    #[error("the metadata of {0} has no usable jwks_uri")]
    NoPlace(Issuer),
    #[error("{0}: {1}")]
    Keys(Url, ClientKeysError),
}

fn list(departures: &[ServerMetadataError]) -> String {
    let texts = departures.iter().map(ToString::to_string);
    texts.collect::<Vec<_>>().join("; ")
}

impl Kept {
    fn age(&self, now: UnixTime) -> i64 {
        now.since(self.as_of)
    }

    /// Young enough that nobody needs to be asked.
    fn is_fresh(&self, now: UnixTime) -> bool {
        (0..self.lifetime / 4 * 3).contains(&self.age(now))
    }
}

impl Question {
    fn is_under_way(&self) -> bool {
        // Without a sender, whoever asked was cut off.
        self.answer.borrow().is_none() && self.answer.has_changed().is_ok()
    }

    async fn answered(mut self) -> Result<(), KeysUnavailable> {
        match self.answer.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or(Ok(())),
            Err(_) => Err(KeysUnavailable::Failed("the question was cut off".into())),
        }
    }
}

impl RemoteKeys {
    /// The keys of this issuer. Nothing is fetched yet.
    pub fn new(fetcher: &Fetcher, issuer: Issuer, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            fetcher: fetcher.with_limits(LONGEST, TIMEOUT),
            issuer,
            clock,
            state: Mutex::default(),
        }))
    }

    /// The question that is under way, or was answered a moment ago, or else a new one.
    fn ask(&self, state: &mut State, now: UnixTime) -> Question {
        let recent = state.question.as_ref().filter(|question| {
            question.is_under_way() || (0..GAP).contains(&now.since(question.asked))
        });
        if let Some(question) = recent {
            return question.clone();
        }
        let (answers, answer) = watch::channel(None);
        let question = Question { asked: now, answer };
        state.question = Some(question.clone());
        let place = state.place.clone();
        let inner = self.0.clone();
        // A task of its own: callers who give up don't cut it off for the others.
        tokio::spawn(async move {
            let found = inner.fetch(place, now).await;
            let outcome = inner.lock().take_in(&inner.issuer, found);
            answers.send_replace(Some(outcome));
        });
        question
    }
}

impl State {
    fn take_in(
        &mut self,
        issuer: &Issuer,
        found: Result<(Kept, Place), Failure>,
    ) -> Result<(), KeysUnavailable> {
        self.down = found.is_err();
        match found {
            Ok((kept, place)) => {
                self.kept = Some(kept);
                self.place = Some(place);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%issuer, %error, "the issuer's keys can't be fetched; the last good ones stay in use for a while");
                self.place = None;
                Err(KeysUnavailable::Failed(error.to_string()))
            }
        }
    }

    /// The last good keys, where they aren't too old.
    fn last_good(&self, now: UnixTime) -> Option<Arc<JwkSet>> {
        let kept = self.kept.as_ref()?;
        (kept.age(now) < LAST_GOOD).then(|| kept.keys.clone())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, place: Option<Place>, now: UnixTime) -> Result<(Kept, Place), Failure> {
        let place = match place {
            Some(place) if (0..PLACE_LIFETIME).contains(&now.since(place.as_of)) => place,
            _ => Place {
                url: self.find_place().await?,
                as_of: now,
            },
        };
        let answer: http::Response<Box<RawValue>> =
            self.fetcher.get_document(&place.url, &JSON).await?;
        let keys = ClientKeys::from_json(answer.body().get().as_bytes())
            .map_err(|error| Failure::Keys(place.url.clone(), error))?;
        let kept = Kept {
            keys: Arc::new(keys.into_jwk_set()),
            as_of: now,
            lifetime: lifetime(answer.headers()),
        };
        Ok((kept, place))
    }

    /// Reads in the issuer's metadata, after all checks (clause ID-DISC-02), where its keys lie.
    async fn find_place(&self) -> Result<Url, Failure> {
        let issuer = &self.issuer;
        let no_place = || Failure::NoPlace(issuer.clone());
        let url = Url::parse(&issuer.at(METADATA)).map_err(|_| no_place())?;
        let metadata: AuthorizationServerMetadata = self.fetcher.get_json(&url).await?;
        let departures = metadata.departures(issuer);
        if !departures.is_empty() {
            return Err(Failure::Metadata(issuer.clone(), departures));
        }
        let place = metadata.jwks_uri.as_deref().map(Url::parse);
        place.and_then(Result::ok).ok_or_else(no_place)
    }
}

#[async_trait]
impl IssuerKeys for RemoteKeys {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let now = self.0.clock.now();
        let question = {
            let mut state = self.0.lock();
            let kept = state.kept.clone().filter(|kept| kept.age(now) < LAST_GOOD);
            if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(now)) {
                return Ok(kept.keys.clone());
            }
            // An issuer that is down keeps nobody waiting.
            let down = state.down;
            let question = self.ask(&mut state, now);
            if let Some(kept) = kept.filter(|kept| down || kept.age(now) < kept.lifetime) {
                return Ok(kept.keys);
            }
            question
        };
        let answer = question.answered().await;
        let last_good = self.0.lock().last_good(now);
        match answer {
            Err(error) => last_good.ok_or(error),
            Ok(()) => last_good.ok_or(KeysUnavailable::AskedJustNow),
        }
    }

    async fn keys_for(&self, token: &TokenOrigin) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let now = self.0.clock.now();
        let question = {
            let mut state = self.0.lock();
            let younger = state.kept.as_ref();
            if let Some(kept) = younger.filter(|kept| token.iat.plus(MARGIN) < kept.as_of) {
                return Ok(kept.keys.clone());
            }
            self.ask(&mut state, now)
        };
        let asked = question.asked;
        question.answered().await?;
        let keys = self.0.lock().last_good(now);
        let keys = keys.ok_or(KeysUnavailable::AskedJustNow)?;
        // The key may have been made since.
        if asked < now && keys.find(&token.kid).is_none() {
            return Err(KeysUnavailable::AskedJustNow);
        }
        Ok(keys)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteKeys").field(&self.0.issuer).finish()
    }
}

/// For how long an answer is good (RFC 9111 section 5.2.2), within our limits.
fn lifetime(headers: &HeaderMap) -> i64 {
    let values = headers.get_all(CACHE_CONTROL).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut lifetime = DEFAULT_LIFETIME;
    for directive in texts.flat_map(|text| text.split(',')).map(str::trim) {
        let directive = directive.to_ascii_lowercase();
        if directive == "no-store" || directive == "no-cache" {
            return *LIFETIMES.start();
        }
        if let Some(Ok(seconds)) = directive.strip_prefix("max-age=").map(str::parse::<i64>) {
            lifetime = seconds;
        }
    }
    lifetime.clamp(*LIFETIMES.start(), *LIFETIMES.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_issuer_says_counts_within_limits() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, http::HeaderValue::from_static(text));
            lifetime(&headers)
        };
        assert_eq!(of("public, max-age=120"), 120);
        assert_eq!(of("Max-Age=1"), 60);
        assert_eq!(of("max-age=31536000, immutable"), 600);
        assert_eq!(of("no-store, max-age=300"), 60);
        assert_eq!(of("max-age=soon"), 300);
        assert_eq!(lifetime(&HeaderMap::new()), 300);
    }
}
