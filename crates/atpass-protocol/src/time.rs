//! Time as the protocol counts it: whole seconds, and only ever passed in.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z (the `NumericDate` of RFC 7519 section 2).
///
/// Arithmetic saturates, so that a value sent by a peer can never overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(i64);

impl UnixTime {
    /// From seconds since the epoch.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// This many seconds later (earlier when negative).
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time as others write it: seconds that may have a fraction (`NumericDate`, RFC 7519 section 2),
/// which is cut off. Numbers beyond all times are the first or the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Number")]
pub struct NumericDate(pub UnixTime);

/// Not a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is a number of seconds")]
pub struct NumericDateError;

impl TryFrom<serde_json::Number> for NumericDate {
    type Error = NumericDateError;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from a finite float ends at the first or last integer"
    )]
    fn try_from(number: serde_json::Number) -> Result<Self, NumericDateError> {
        let float = || number.as_f64().filter(|float| float.is_finite());
        let seconds = number.as_i64().or_else(|| Some(float()?.floor() as i64));
        seconds
            .map(|seconds| Self(UnixTime::from_secs(seconds)))
            .ok_or(NumericDateError)
    }
}

/// Where a program's edge gets the time from. Rules take `now`, never a clock.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> UnixTime;

    /// Milliseconds since the epoch, for what shall be in the order of its making. Rules count whole seconds.
    fn millis(&self) -> i64 {
        self.now().as_secs().saturating_mul(1000)
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        let seconds = since_epoch().as_secs();
        UnixTime(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    fn millis(&self) -> i64 {
        i64::try_from(since_epoch().as_millis()).unwrap_or(i64::MAX)
    }
}

fn since_epoch() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock is read"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}
