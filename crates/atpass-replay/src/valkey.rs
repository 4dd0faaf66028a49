//! Replay memory on Valkey or Redis, for several nodes.

mod server;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use atpass_protocol::time::UnixTime;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::Mutex;

use crate::memory::MemoryReplay;
use crate::replay::{Fresh, GRACE, Namespace, Replay, ReplayUnavailable};
use server::Server;

/// What a node does while it can't reach the server, or while the server can't remember more.
///
/// There is no default: it is a choice between answering nobody and answering too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDown {
    /// It accepts nothing: each request is refused as our own failure until the server is back.
    Refuse,
    /// It goes on with a memory of its own, and raises an alarm.
    ///
    /// What this node accepted it refuses at all times: before, during and after an outage. But
    /// the nodes don't know of each other: while the server is away, who caught a proof can use it
    /// **once on each node**, and until the proof's time is over also afterwards, on those nodes
    /// that weren't told. A node that restarts during an outage forgets what it accepted in it.
    ///
    /// The memory holds [`MemoryReplay::DEFAULT_CAPACITY`] keys. Where it is full, the server
    /// alone counts; when that is down too, the node accepts nothing.
    RememberHere,
}

/// The address isn't one of a Valkey or Redis server. Says nothing of the address, which may hold
/// a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the address of the replay memory must be like `redis://user:password@host:6379/0`, or `rediss://` with TLS"
)]
pub struct ValkeyAddressError;

/// Replay memory on a Valkey or Redis server that several nodes share.
///
/// Each key is one `SET` with `NX` and `EX`: one command, so one winner on all nodes. The server
/// counts the seconds from when it gets the command, so its clock and ours need not agree.
///
/// # The server
///
/// - It is connected to with the first key, so a node starts also while it is down. A connection
///   that takes longer than a second, or an answer that does, counts as down.
/// - `maxmemory-policy` must be **`noeviction`**. With any other, a server that is full forgets
///   keys before their time, and what they stand for counts again. It is looked at with each new
///   connection, where the server allows `INFO`, and a warning is logged. With `noeviction` a full
///   server says so, and that counts as down.
/// - What it forgets counts again. One that is to remember across its own restarts needs
///   `appendonly yes`, and `appendfsync always` or it loses the last second; one that is replaced
///   by a replica loses what the replica hadn't got.
/// - It needs the commands `SET` and `INFO`, for keys that begin with the prefix. A key is as long
///   as the prefix and at most 53 bytes more, and takes some 200 bytes of memory while its time
///   lasts.
/// - With `rediss://` its certificate is checked against the system's roots.
pub struct ValkeyReplay {
    server: Server,
    prefix: String,
    /// What this node accepted itself; only where it is to go on without the server.
    here: Option<MemoryReplay>,
    /// How often the server went away and came back. Odd while it is away.
    outages: AtomicU64,
    /// Held by the one request that finds out whether the server is back.
    probe: Mutex<()>,
}

impl ValkeyReplay {
    /// What the names of all keys begin with, where nothing else is said.
    pub const DEFAULT_PREFIX: &str = "atpass:replay:";

    /// On the server at this URL: `redis://`, `valkey://`, with TLS `rediss://` or `valkeys://`, or
    /// `unix://`. Doesn't connect yet.
    ///
    /// With TLS, it makes aws-lc-rs the cryptography of this process's rustls, where none was
    /// chosen.
    pub fn open(url: &str, when_down: WhenDown) -> Result<Self, ValkeyAddressError> {
        Ok(Self {
            server: Server::open(url).ok_or(ValkeyAddressError)?,
            prefix: Self::DEFAULT_PREFIX.to_owned(),
            here: match when_down {
                WhenDown::Refuse => None,
                WhenDown::RememberHere => Some(MemoryReplay::default()),
            },
            outages: AtomicU64::new(0),
            probe: Mutex::new(()),
        })
    }

    /// With another beginning of all keys. Nodes that are to know of each other have the same.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whether the last that was heard of the server is that it can't be used.
    pub fn is_down(&self) -> bool {
        is_odd(self.outages.load(Ordering::Acquire))
    }

    /// Asks the server.
    async fn ask(
        &self,
        namespace: Namespace,
        key: &[u8; 32],
        seconds: u64,
    ) -> Result<Fresh, ReplayUnavailable> {
        let before = self.outages.load(Ordering::Acquire);
        // While it is down, one request waits to find out whether it is back. The others needn't
        // wait with it, where they can go on without.
        let _probe = match &self.here {
            Some(_) if is_odd(before) => match self.probe.try_lock() {
                Ok(probe) => Some(probe),
                Err(_) => return Err(ReplayUnavailable::new("the server is down")),
            },
            _ => None,
        };
        let key = BASE64URL_NOPAD.encode(key);
        let name = format!("{}{}:{key}", self.prefix, namespace.as_str());
        let result = self.server.set_once(&name, seconds).await;
        self.note(before, result.as_ref().err());
        result
    }

    /// Notes how a request went, and logs it when that ends or begins an outage. A request that
    /// began before the last change knows nothing new.
    fn note(&self, before: u64, failure: Option<&ReplayUnavailable>) {
        if is_odd(before) == failure.is_some() {
            return;
        }
        let change = self.outages.compare_exchange(
            before,
            before.wrapping_add(1),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if change.is_err() {
            return;
        }
        let server = self.server.address();
        match (failure, &self.here) {
            (None, _) => tracing::info!(server, "the replay memory's server is back"),
            (Some(error), None) => tracing::error!(
                server,
                %error,
                "the replay memory's server is down: requests are refused"
            ),
            (Some(error), Some(_)) => tracing::error!(
                server,
                %error,
                "ALARM: the replay memory's server is down: each node remembers for itself, and \
                 what one node accepted another may accept again"
            ),
        }
    }
}

const fn is_odd(number: u64) -> bool {
    number % 2 == 1
}

impl fmt::Debug for ValkeyReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValkeyReplay")
            .field("server", &self.server.address())
            .field("prefix", &self.prefix)
            .field("here", &self.here)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Replay for ValkeyReplay {
    async fn accept_once(
        &self,
        namespace: Namespace,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        // Before the server is asked: so a key that was accepted in an outage is known here also
        // when the server is back, and one that was accepted before it is known in it.
        let here = match &self.here {
            Some(here) => Some(here.accept_once(namespace, key, until, now).await),
            None => None,
        };
        if here == Some(Ok(Fresh::Seen)) {
            return Ok(Fresh::Seen);
        }
        let seconds = match u64::try_from(until.plus(GRACE).since(now)) {
            Ok(0) | Err(_) => return Ok(Fresh::First),
            Ok(seconds) => seconds,
        };
        match (self.ask(namespace, key, seconds).await, here) {
            (Ok(fresh), _) => Ok(fresh),
            (Err(error), None) => Err(error),
            (Err(_), Some(here)) => here,
        }
    }
}
