//! The clients that are known for the moment: fetched by one caller at a time, kept as long as their
//! hosts and the protocol allow, and remembered for a while when a host is down.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use atpass_fetch::Fetcher;
use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::id::{ClientId, ClientIdKind};
use atpass_protocol::time::UnixTime;
use tokio::sync::Mutex as AsyncMutex;

use super::document::{ClientProblem, FoundClient, fetch_client};
use super::{Client, SharedClient};
use crate::error::EndpointError;
use crate::provider::ProviderConfig;

/// The least and most seconds for which a document is good, whatever its host says: a key that was
/// taken away must be noticed (clause AS-CLI-16), and a host must not be asked for each request.
const SHORTEST: i64 = 60;
const LONGEST: i64 = 600;
/// Seconds for which a failure is kept.
const FAILURE: i64 = 10;
/// Seconds between two fetches that a mismatch asks for.
const SHORTEST_REFETCH: i64 = 10;
/// Seconds for which the last good document serves existing sessions while its host is down or
/// talks nonsense (clause AS-CLI-17).
const GRACE: i64 = 24 * 60 * 60;
/// The most clients that are kept.
const CAPACITY: usize = 10_000;

/// How recent the metadata must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// For a new login: within its time.
    Recent,
    /// For a session that exists: within its time, or the last good one while its host fails.
    LastGood,
    /// Something didn't fit what is known: fetched anew, if that wasn't done just now.
    Mismatch,
    /// The same for a session that exists.
    MismatchLastGood,
}

impl Freshness {
    const fn is_forced(self) -> bool {
        matches!(self, Self::Mismatch | Self::MismatchLastGood)
    }

    const fn has_grace(self) -> bool {
        matches!(self, Self::LastGood | Self::MismatchLastGood)
    }

    /// The same, after a mismatch.
    pub(crate) const fn forced(self) -> Self {
        match self {
            Self::Recent | Self::Mismatch => Self::Mismatch,
            Self::LastGood | Self::MismatchLastGood => Self::MismatchLastGood,
        }
    }
}

/// What is known of one client.
#[derive(Default)]
struct Known {
    good: Option<(SharedClient, UnixTime)>,
    good_until: Option<UnixTime>,
    /// When it was last asked for, and with which failure.
    asked: Option<UnixTime>,
    failure: Option<ClientProblem>,
}

type Slot = Arc<AsyncMutex<Known>>;

/// Finds clients.
pub(crate) struct ClientRegistry {
    fetcher: Fetcher,
    trusted: HashSet<ClientId>,
    blocked: HashSet<String>,
    slots: Mutex<HashMap<ClientId, (Slot, UnixTime)>>,
}

impl ClientRegistry {
    pub(crate) fn new(fetcher: Fetcher, config: &ProviderConfig) -> Self {
        Self {
            fetcher,
            trusted: config.trusted_clients.iter().cloned().collect(),
            blocked: config.blocked_clients.iter().cloned().collect(),
            slots: Mutex::default(),
        }
    }

    /// The client of this id.
    pub(crate) async fn find(
        &self,
        client_id: &ClientId,
        freshness: Freshness,
        now: UnixTime,
    ) -> Result<SharedClient, EndpointError> {
        if self.is_blocked(client_id) {
            return Err(OAuthError::new(
                OAuthErrorCode::UnauthorizedClient,
                "the operator of this server has blocked this client",
            )
            .into());
        }
        if let ClientIdKind::Loopback(_) = client_id.kind() {
            // All of it is in its name: there is nothing to keep.
            let mut known = Known::default();
            let found = fetch_client(&self.fetcher, client_id).await;
            known.keep(found, self.trusted.contains(client_id), now);
            return known.answer(freshness, now);
        }
        let slot = self.slot(client_id, now);
        // Whoever comes while another one fetches waits, and finds the answer.
        let mut known = slot.lock().await;
        if known.must_be_asked_for(freshness, now) {
            let found = fetch_client(&self.fetcher, client_id).await;
            known.keep(found, self.trusted.contains(client_id), now);
        }
        known.answer(freshness, now)
    }

    fn is_blocked(&self, client_id: &ClientId) -> bool {
        if self.blocked.is_empty() {
            return false;
        }
        let host = match client_id.kind() {
            ClientIdKind::Document(url) => url.host_str().map(ToOwned::to_owned),
            ClientIdKind::Loopback(_) => Some("localhost".to_owned()),
        };
        self.blocked.contains(client_id.as_str())
            || host.is_some_and(|host| self.blocked.contains(&host))
    }

    fn slot(&self, client_id: &ClientId, now: UnixTime) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= CAPACITY && !slots.contains_key(client_id) {
            drop_oldest(&mut slots);
        }
        let entry = slots.entry(client_id.clone());
        let (slot, used) = entry.or_insert_with(|| (Slot::default(), now));
        *used = now;
        slot.clone()
    }
}

/// Makes room for a tenth of them, so that not each new client pays.
fn drop_oldest(slots: &mut HashMap<ClientId, (Slot, UnixTime)>) {
    let mut times: Vec<_> = slots.values().map(|(_, used)| *used).collect();
    times.sort_unstable();
    if let Some(&until) = times.get(CAPACITY / 10) {
        slots.retain(|_, (_, used)| *used > until);
    }
    // All of them were used in the same second.
    if slots.len() >= CAPACITY {
        slots.clear();
    }
}

impl Known {
    fn must_be_asked_for(&self, freshness: Freshness, now: UnixTime) -> bool {
        let age = self.asked.map(|asked| now.since(asked));
        // A clock that went back trusts nothing.
        let asked_within = |seconds| age.is_some_and(|age| (0..seconds).contains(&age));
        if self.failure.is_some() {
            return !asked_within(FAILURE);
        }
        if freshness.is_forced() {
            return !asked_within(SHORTEST_REFETCH);
        }
        !(asked_within(LONGEST) && self.good_until.is_some_and(|until| now < until))
    }

    fn keep(&mut self, found: Result<FoundClient, ClientProblem>, trusted: bool, now: UnixTime) {
        self.asked = Some(now);
        match found {
            Ok(found) => {
                let life = found.max_age.unwrap_or(LONGEST).clamp(SHORTEST, LONGEST);
                let client = Client {
                    metadata: found.metadata,
                    keys: found.keys,
                    trusted,
                };
                self.good = Some((Arc::new(client), now));
                self.good_until = Some(now.plus(life));
                self.failure = None;
            }
            Err(problem) => {
                tracing::info!(%problem, "a client's metadata can't be used");
                self.failure = Some(problem);
            }
        }
    }

    fn answer(&self, freshness: Freshness, now: UnixTime) -> Result<SharedClient, EndpointError> {
        match (&self.failure, &self.good) {
            (None, Some((client, _))) => Ok(client.clone()),
            (Some(_), Some((client, at)))
                if freshness.has_grace() && (0..GRACE).contains(&now.since(*at)) =>
            {
                Ok(client.clone())
            }
            // A session must not be lost because a host is down: its client shall try again.
            (Some(problem), _) if freshness.has_grace() && problem.is_transient() => {
                Err(EndpointError::Unavailable(problem.to_string()))
            }
            (Some(problem), _) => Err(refusal(problem).into()),
            (None, None) => Err(EndpointError::Unavailable(
                "a client was neither found nor refused".into(),
            )),
        }
    }
}

fn refusal(problem: &ClientProblem) -> OAuthError {
    let code = match problem {
        ClientProblem::LoopbackScope(_) => OAuthErrorCode::InvalidClient,
        _ => OAuthErrorCode::InvalidClientMetadata,
    };
    OAuthError::new(code, problem)
}
