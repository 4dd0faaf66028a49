//! What was asked, when, and what came of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use atpass_identity::{Observer, Step};
use atpass_protocol::time::{Clock, SystemClock};
use http::HeaderMap;
use http::header::{AGE, DATE};

use super::advice::Finding;
use super::cors;

/// Seconds by which two clocks may differ before it is told. Proofs of a minute ago are refused, so
/// a difference of this size works, but shows that nobody sets one of the clocks.
const CLOCK_TOLERANCE: i64 = 5;

/// One step.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) asks: String,
    /// Since the beginning of the first step.
    pub(crate) began: Duration,
    pub(crate) took: Duration,
    /// `None` where it was given up, because another step made it pointless.
    pub(crate) result: Option<Result<String, String>>,
}

/// A record of steps.
pub(crate) struct Timeline {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    made: Vec<Made>,
    findings: Vec<Finding>,
    /// Documents that came without leave for apps in a browser.
    not_for_browsers: Vec<String>,
}

impl Timeline {
    #[expect(clippy::disallowed_methods, reason = "how long it takes is the result")]
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            state: Mutex::default(),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A step begins.
    pub(crate) fn begin(&self, name: &'static str, title: &'static str, asks: &str) {
        let made = Made {
            name,
            title,
            asks: asks.to_owned(),
            began: self.start.elapsed(),
            took: Duration::ZERO,
            result: None,
        };
        self.with(|state| state.made.push(made));
    }

    /// A step ends.
    pub(crate) fn end(&self, name: &'static str, result: Result<String, String>) {
        let now = self.start.elapsed();
        self.with(|state| {
            let open = |made: &&mut Made| made.name == name && made.result.is_none();
            if let Some(made) = state.made.iter_mut().rev().find(open) {
                made.took = now.saturating_sub(made.began);
                made.result = Some(result);
            }
        });
    }

    pub(crate) fn made(&self) -> Vec<Made> {
        self.with(|state| state.made.clone())
    }

    /// Documents that came without leave for apps in a browser.
    pub(crate) fn not_for_browsers(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.not_for_browsers))
    }

    /// What was noticed on the way.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.with(|state| std::mem::take(&mut state.findings))
    }
}

impl Observer for Timeline {
    fn began(&self, step: Step, asks: &str) {
        self.begin(step.name(), step.title(), asks);
    }

    fn answered(&self, step: Step, headers: &HeaderMap) {
        let made = self.made();
        let Some(asked) = made.iter().rev().find(|made| made.name == step.name()) else {
            return;
        };
        let offset = clock_offset(headers).map(|offset| Finding::clock(&asked.asks, offset));
        self.with(|state| {
            state.findings.extend(offset);
            if !cors::allows_origin(headers) {
                state.not_for_browsers.push(asked.asks.clone());
            }
        });
    }

    fn ended(&self, step: Step, found: Result<&str, &str>) {
        let result = found.map(ToOwned::to_owned).map_err(ToOwned::to_owned);
        self.end(step.name(), result);
    }
}

/// Seconds by which the sender's clock is ahead of ours (negative: behind), where it is worth
/// telling.
fn clock_offset(headers: &HeaderMap) -> Option<i64> {
    // What comes from a cache has the date at which it was made.
    if headers.contains_key(AGE) {
        return None;
    }
    let date = headers.get(DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?;
    let date = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let theirs = i64::try_from(date.as_secs()).ok()?;
    let offset = theirs.saturating_sub(SystemClock.now().as_secs());
    (offset.abs() > CLOCK_TOLERANCE).then_some(offset)
}
