//! How large a run is, and how long.

use std::str::FromStr;
use std::time::Duration;

use crate::history::Millis;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) sessions: usize,
    /// Of trouble, once the first sessions are there.
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// Between two things that somebody does with a session, on average.
    pub(crate) think: Millis,
    /// Between two attempts to use a session that is over.
    pub(crate) haunt: Millis,
}

impl Plan {
    /// These numbers, unless `cargo xtask faults` gave others.
    pub(crate) fn given_or(sessions: usize, seconds: u64) -> Self {
        let seed = given("ATPASS_FAULTS_SEED").unwrap_or(1);
        Self::new(
            given("ATPASS_FAULTS_SESSIONS").unwrap_or(sessions),
            given("ATPASS_FAULTS_SECONDS").unwrap_or(seconds),
            seed,
        )
    }

    pub(crate) fn new(sessions: usize, seconds: u64, seed: u64) -> Self {
        Self {
            sessions,
            seconds,
            seed,
            // About 25 things a second in all, which two cores can do beside three nodes.
            think: (sessions as u64 * 40).max(400),
            haunt: 300,
        }
    }

    /// Within this, everybody has come to an end: the trouble, and far more than all logins take.
    pub(crate) const fn patience(&self) -> Duration {
        Duration::from_secs(self.seconds + self.sessions as u64 + 300)
    }

    /// People share accounts, as many as the limits on sign-in attempts want.
    pub(crate) const fn accounts(&self) -> usize {
        let shared = self.sessions / 25;
        if shared < 4 { 4 } else { shared }
    }
}

fn given<T: FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")))
}
