//! Time and chance of a run: how long it has been going on, waiting, and dice that a seed repeats.

use std::time::{Duration, Instant};

use crate::history::Millis;

/// Since the run began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where a run looks at the clock"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Millis {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}

/// Lets time pass: a load is spread over it, and an outage lasts.
#[expect(
    clippy::disallowed_methods,
    reason = "the time itself is what is waited for"
)]
pub(crate) async fn pause(milliseconds: Millis) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Chance that a seed repeats (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Each user of a run's seed has a number of its own.
    pub(crate) const fn new(seed: u64, user: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ user.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `from` up to, and without, `to`.
    pub(crate) const fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// An index into so many.
    pub(crate) fn index(&mut self, of: usize) -> usize {
        usize::try_from(self.between(0, of as u64)).unwrap()
    }

    /// With so many chances in a thousand.
    pub(crate) const fn chance(&mut self, per_mille: u64) -> bool {
        self.between(0, 1000) < per_mille
    }
}
