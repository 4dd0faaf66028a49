//! Replay memory on Valkey or Redis, for several nodes.

mod outage;
mod server;

use std::fmt;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use atpass_protocol::dpop::Era;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::UnixTime;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::Mutex;

use crate::memory::MemoryReplay;
use crate::replay::{Fresh, GRACE, Replay, ReplayUnavailable};
pub(crate) use outage::Outage;
pub(crate) use server::Script;
pub use server::{Valkey, ValkeyAddressError};

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
    /// that weren't told. A node that restarts during an outage forgets what it accepted in it, and
    /// goes by an era of its own until the outage is over. Only where the server forgot nothing does
    /// any of that outlast the outage.
    ///
    /// The memory holds [`MemoryReplay::DEFAULT_CAPACITY`] keys. Where it is full, the server
    /// alone counts; when that is down too, the node accepts nothing.
    RememberHere,
}

/// Replay memory on a server that several nodes share.
///
/// # Eras
///
/// What the server forgets, it may forget at any time: it is emptied, restarted without its data or from
/// an older snapshot, replaced by a replica. So it holds the name of its [`Era`] beside the keys, and with
/// it who it is: its `run_id`, which is another at each start, and its `master_replid`, which is another
/// after each replacement. Each key is one script, and so one atomic step on all nodes: where the
/// name is missing, or another server's, a new era begins; a key of another era is refused; else it is set
/// if it isn't there. Whatever was forgotten, its era is over, and with it each nonce with which
/// it could be sent again. No settings of persistence are needed.
///
/// While the server is away, nodes stay in the era of which they heard last. One that began an era of its
/// own would refuse what the others' nonces made, and apps send a request a second time only: with
/// several nodes nobody would get through. With [`WhenDown::Refuse`] the era doesn't matter then, as nothing is
/// accepted; with [`WhenDown::RememberHere`] the node knows what it accepted itself in that era, before and
/// in the outage. A node that starts in an outage has heard of no era. It can't know what was accepted before,
/// so it goes by one of its own, in which nothing was; or, with `Refuse`, gives out no nonce.
///
/// # The server
///
/// - `maxmemory-policy` must be **`noeviction`**. With any other, a server that is full forgets single
///   keys before their time, and what they stand for counts again. It is looked at with each new
///   connection, and a warning is logged. With `noeviction` a full server says so, and that counts as down.
/// - It counts the seconds of a key from when it gets it, so its clock and ours need not agree. But its
///   clock must not be set forward by minutes: keys would go before their time.
/// - It needs `EVALSHA`, `EVAL`, `GET`, `SET` and `INFO`, for keys that begin with the prefix. Where `INFO`
///   isn't allowed, a warning is logged, and only a server that lost the era's name begins another.
/// - A key is as long as the prefix and at most 53 bytes more, and takes some 200 bytes of memory while
///   its time lasts.
pub struct ValkeyReplay {
    valkey: Valkey,
    script: Script,
    prefix: String,
    /// What this node accepted itself; only where it is to go on without the server.
    here: Option<MemoryReplay>,
    outage: Outage,
    /// The era of which this node heard last.
    era: std::sync::Mutex<Option<Era>>,
    /// How many questions for the era alone have begun.
    questions: AtomicU64,
    /// The last such question that was answered, by number. Held by who asks one.
    answered: Mutex<(u64, Result<Era, ReplayUnavailable>)>,
}

/// Makes the era if it is missing or another server's, and sets a key in it once.
///
/// KEYS: the era's, and the key, if there is one. ARGV: a new era, in case it is needed; the era of the
/// key; seconds. Returns the era, and what became of the key.
const ACCEPT: &str = r"
local function told(section, name)
  local info = redis.pcall('INFO', section)
  return type(info) == 'string' and string.match(info, '\n' .. name .. ':(%x+)') or '?'
end
local server = told('server', 'run_id') .. ' ' .. told('replication', 'master_replid')
local era, of = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (.*)$')
if of ~= server then
  era = ARGV[1]
  redis.call('SET', KEYS[1], era .. ' ' .. server)
end
if not KEYS[2] then
  return {era, ''}
end
if ARGV[2] ~= era then
  return {era, 'over'}
end
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then
  return {era, 'first'}
end
return {era, 'seen'}
";

/// The longest that a key is kept, a century: of very large numbers the server says that they
/// can't be, and no proof is good for as long.
const LONGEST: u64 = 100 * 366 * 24 * 60 * 60;

impl ValkeyReplay {
    /// What the names of all keys begin with, where nothing else is said.
    pub const DEFAULT_PREFIX: &str = "atpass:replay:";

    /// On this server.
    pub fn new(valkey: Valkey, when_down: WhenDown) -> Self {
        Self {
            valkey,
            script: Script::new(ACCEPT),
            prefix: Self::DEFAULT_PREFIX.to_owned(),
            here: match when_down {
                WhenDown::Refuse => None,
                WhenDown::RememberHere => Some(MemoryReplay::default()),
            },
            outage: Outage::default(),
            era: std::sync::Mutex::default(),
            questions: AtomicU64::new(0),
            answered: Mutex::new((0, Err(ReplayUnavailable::new("not asked yet")))),
        }
    }

    /// With another beginning of all keys. Nodes that are to know of each other have the same.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whether the last that was heard of the server is that it can't be used.
    pub fn is_down(&self) -> bool {
        self.outage.is_down()
    }

    /// Asks the server for its era, and to accept a key, if there is one. Learns the era.
    async fn ask(&self, key: Option<AskedKey<'_>>) -> Result<(Era, String), ReplayUnavailable> {
        let turn = match self.here {
            Some(_) => self.outage.turn_unless_probed(),
            None => Some(self.outage.turn()),
        };
        let turn = turn.ok_or_else(|| ReplayUnavailable::new("the server is down"))?;
        let before = self.heard();
        let mut names = vec![format!("{}era", self.prefix)];
        // A new name each time: one that came twice could bring a past era back.
        let mut arguments = vec![Era::begin(&SystemRandom).to_string()];
        if let Some(AskedKey { era, key, seconds }) = key {
            let key = BASE64URL_NOPAD.encode(key);
            names.push(format!("{}dpop:{key}", self.prefix));
            arguments.push(era.to_string());
            arguments.push(seconds.min(LONGEST).to_string());
        }
        let answer = self.valkey.run(&self.script, &names, &arguments).await;
        let answer = answer.map_err(ReplayUnavailable::new);
        let answer = answer.and_then(|(era, fresh): (String, String)| {
            let era = Era::parse(&era);
            era.map(|era| (era, fresh))
                .ok_or_else(|| ReplayUnavailable::new("the name of the era can't be read"))
        });
        if self.outage.note(turn, answer.is_err()) {
            self.log_change(answer.as_ref().err());
        }
        if let Ok((era, _)) = &answer {
            self.learn(*era, before);
        }
        answer
    }

    /// The era of which this node heard last.
    fn heard(&self) -> Option<Era> {
        // Nothing that is done under the lock can be left half done.
        *self.era.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer to what was asked when `before` was the era. If another was heard of since, that one may
    /// be newer.
    fn learn(&self, era: Era, before: Option<Era>) {
        let mut known = self.era.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == before && *known != Some(era) {
            if before.is_some() {
                tracing::warn!(
                    server = self.valkey.address(),
                    "Valkey was emptied, restarted or replaced: nonces from before are refused, and \
                     apps are told to use new ones"
                );
            }
            *known = Some(era);
        }
    }

    fn log_change(&self, failure: Option<&ReplayUnavailable>) {
        let server = self.valkey.address();
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

/// A key to accept, and for how long it is to be known.
struct AskedKey<'a> {
    era: Era,
    key: &'a [u8; 32],
    seconds: u64,
}

impl fmt::Debug for ValkeyReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValkeyReplay")
            .field("server", &self.valkey.address())
            .field("prefix", &self.prefix)
            .field("here", &self.here)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Replay for ValkeyReplay {
    fn era(&self) -> Option<Era> {
        let own = || self.here.as_ref().and_then(Replay::era);
        self.heard().or_else(own)
    }

    async fn ask_era(&self) -> Result<Era, ReplayUnavailable> {
        let began = self.questions.load(Ordering::Acquire);
        let mut answered = match &self.here {
            // Somebody finds out whether the server is back; who can go on without needn't wait.
            Some(_) if self.outage.is_down() => self.answered.try_lock().ok(),
            _ => Some(self.answered.lock().await),
        };
        // A question that began after this call is as good as one of its own. One that was under way
        // already isn't: its answer may be older than what the caller heard of.
        if let Some(answered) = &mut answered
            && answered.0 <= began
        {
            let number = self.questions.fetch_add(1, Ordering::AcqRel) + 1;
            let answer = self.ask(None).await.map(|(era, _)| era);
            **answered = (number, answer);
        }
        match (answered.as_deref(), self.era()) {
            (Some((_, Err(error))), _) if self.here.is_none() => Err(error.clone()),
            (_, Some(era)) => Ok(era),
            (_, None) => Err(ReplayUnavailable::new(
                "the server has not been reached yet",
            )),
        }
    }

    async fn accept_once(
        &self,
        era: Era,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        if self.era() != Some(era) {
            return Ok(Fresh::EraOver);
        }
        // Before the server is asked: so a key that was accepted in an outage is known here also
        // when the server is back, and one that was accepted before it is known in it.
        let here = self.here.as_ref();
        let here = here.map(|here| here.remember(era, key, until, now));
        if here == Some(Ok(Fresh::Seen)) {
            return Ok(Fresh::Seen);
        }
        let seconds = match u64::try_from(until.plus(GRACE).since(now)) {
            Ok(0) | Err(_) => return Ok(Fresh::First),
            Ok(seconds) => seconds,
        };
        let asked = AskedKey { era, key, seconds };
        match (self.ask(Some(asked)).await, here) {
            (Ok((_, fresh)), _) => match fresh.as_str() {
                "first" => Ok(Fresh::First),
                "seen" => Ok(Fresh::Seen),
                "over" => Ok(Fresh::EraOver),
                _ => Err(ReplayUnavailable::new("the script's answer can't be read")),
            },
            (Err(error), None) => Err(error),
            (Err(_), Some(_)) if self.era() != Some(era) => Ok(Fresh::EraOver),
            (Err(_), Some(here)) => here,
        }
    }
}
