//! Rate limits on a server that several nodes share.

use async_trait::async_trait;
use atpass_protocol::secret::HmacKey;
use data_encoding::BASE64URL_NOPAD;

use super::{Asked, Counters, RetryAfter};
use crate::valkey::{Outage, Script, Valkey};

/// What the names of all keys begin with.
const PREFIX: &str = "atpass:limit:";

/// The generic cell rate algorithm (GCRA): a key holds the time at which its quota is whole again,
/// and goes at that time.
///
/// One step for all limits of an attempt, with one clock for all nodes: the server's. It counts in
/// microseconds, which a Lua number holds exactly for every quota. A clock that was set back can't make
/// anybody wait for longer than a whole quota.
///
/// KEYS: of each limit. ARGV: burst and seconds to refill, of each. Returns 0, or the seconds to wait.
const CHECK: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for index, key in ipairs(KEYS) do
  local refill = ARGV[2 * index] * 1000000
  local quota = ARGV[2 * index - 1] * refill
  local whole = tonumber(redis.call('GET', key) or now)
  whole = math.min(math.max(whole, now), now + quota) + refill
  local wait = whole - quota - now
  if wait > 0 then
    return math.ceil(wait / 1000000)
  end
  local lasts = math.ceil((whole - now) / 1000)
  redis.call('SET', key, string.format('%.0f', whole), 'PX', string.format('%.0f', lasts))
end
return 0
";

/// The counters of all limits.
pub(super) struct SharedLimits {
    valkey: Valkey,
    script: Script,
    key: HmacKey,
    outage: Outage,
}

impl SharedLimits {
    pub(super) fn new(valkey: Valkey, key: &HmacKey) -> Self {
        Self {
            valkey,
            script: Script::new(CHECK),
            key: key.derive("rate-limits"),
            outage: Outage::default(),
        }
    }

    /// Under which a limit counts a key. 128 bits: nobody finds one that shares another's counter.
    fn name(&self, asked: &Asked<'_>) -> String {
        let Asked { name, key, .. } = asked;
        let tag = self.key.sign(&[name.as_bytes(), b"\0", key.as_bytes()]);
        let mut short = BASE64URL_NOPAD.encode(&tag);
        short.truncate(22);
        format!("{PREFIX}{name}:{short}")
    }
}

#[async_trait]
impl Counters for SharedLimits {
    /// An attempt whose answer was lost with the connection is sent once more, and may count twice.
    async fn check(&self, attempt: &[Asked<'_>]) -> Option<Result<(), RetryAfter>> {
        // The others needn't wait for the one that finds out whether the server is back.
        let turn = self.outage.turn_unless_probed()?;
        let names = attempt.iter().map(|asked| self.name(asked));
        let names: Vec<_> = names.collect();
        let quotas = attempt.iter().map(|asked| asked.quota);
        let arguments: Vec<_> = quotas
            .flat_map(|quota| [quota.burst.max(1), quota.refill_seconds.max(1)])
            .map(|number| number.to_string())
            .collect();
        let answer = self.valkey.run::<u64>(&self.script, &names, &arguments);
        let answer = answer.await;
        if self.outage.note(turn, answer.is_err()) {
            let server = self.valkey.address();
            match &answer {
                Ok(_) => tracing::info!(server, "the rate limits' server is back"),
                Err(error) => tracing::error!(
                    server,
                    %error,
                    "ALARM: the rate limits' server is down: each node counts attempts for itself, \
                     so there can be as many times more of them as there are nodes"
                ),
            }
        }
        match answer {
            Ok(0) => Some(Ok(())),
            Ok(seconds) => Some(Err(RetryAfter { seconds })),
            Err(_) => None,
        }
    }
}
