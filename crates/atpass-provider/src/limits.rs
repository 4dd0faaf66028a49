//! How often somebody may try to sign in, or to make an account.

use std::net::IpAddr;
use std::sync::Arc;

use atpass_protocol::time::Clock;
use atpass_replay::{Quota, RateLimiter, RetryAfter};

use crate::accounts::Identifier;
use crate::audit::{self, Event};

/// Limits on sign-in attempts.
///
/// The tight limit is on the pair of account and address, so that a stranger who guesses from
/// elsewhere can't lock the owner out; a looser one is on the address, over all accounts; the
/// loosest on the account, over all addresses, and it doesn't bind a browser in which the account
/// is signed in already.
#[derive(Debug)]
pub(crate) struct SignInLimits {
    pair: RateLimiter,
    address: RateLimiter,
    account: RateLimiter,
}

/// Attempts in a burst, and seconds until each of them is given back.
const PAIR: Quota = Quota {
    burst: 10,
    refill_seconds: 30,
};
const ADDRESS: Quota = Quota {
    burst: 60,
    refill_seconds: 5,
};
const ACCOUNT: Quota = Quota {
    burst: 100,
    refill_seconds: 36,
};

impl SignInLimits {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            pair: RateLimiter::new(PAIR, clock.clone()),
            address: RateLimiter::new(ADDRESS, clock.clone()),
            account: RateLimiter::new(ACCOUNT, clock),
        }
    }

    /// Counts an attempt, or says in how many seconds one may be made. `account` is what was
    /// typed, known or not, so that the answer doesn't tell which accounts exist.
    pub(crate) fn attempt(
        &self,
        account: &str,
        address: Option<IpAddr>,
        known_device: bool,
    ) -> Result<(), RetryAfter> {
        let address = address.map_or_else(String::new, network);
        self.address.check(&address)?;
        self.pair.check(&format!("{address} {account}"))?;
        if known_device {
            Ok(())
        } else {
            self.account.check(account)
        }
    }
}

/// Limits on new accounts: 10 attempts an hour from each address. Those count that reach whoever makes
/// accounts, because their answers tell which handles and e-mail addresses are taken.
#[derive(Debug)]
pub(crate) struct SignUpLimits(RateLimiter);

const SIGN_UP: Quota = Quota {
    burst: 10,
    refill_seconds: 360,
};

impl SignUpLimits {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(RateLimiter::new(SIGN_UP, clock))
    }

    /// Counts an attempt, or says in how many seconds one may be made.
    pub(crate) fn attempt(&self, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        self.0.check(&address.map_or_else(String::new, network))
    }
}

impl crate::Provider {
    /// Counts an attempt to sign in with a password elsewhere than on the pages, where there is no browser to
    /// know the person by.
    pub fn count_sign_in(
        &self,
        account: &Identifier,
        address: Option<IpAddr>,
    ) -> Result<(), RetryAfter> {
        let attempt = self.limits().attempt(&account.to_string(), address, false);
        attempt.inspect_err(|_| audit::record(Event::SignInLimited))
    }
}

/// The address as one party's: all of IPv4, the /64 network of IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
