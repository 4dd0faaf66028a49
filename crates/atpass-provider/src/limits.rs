//! How often somebody may try to sign in, or to make an account.

use std::net::IpAddr;

use atpass_replay::{Quota, RateLimit, RateLimits, RetryAfter};

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
    pair: RateLimit,
    address: RateLimit,
    account: RateLimit,
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
    pub(crate) fn new(limits: &RateLimits) -> Self {
        Self {
            pair: limits.limit("sign-in-pair", PAIR),
            address: limits.limit("sign-in-address", ADDRESS),
            account: limits.limit("sign-in-account", ACCOUNT),
        }
    }

    /// Counts an attempt, or says in how many seconds one may be made. `account` is what was
    /// typed, known or not, so that the answer doesn't tell which accounts exist.
    pub(crate) async fn attempt(
        &self,
        account: &str,
        address: Option<IpAddr>,
        known_device: bool,
    ) -> Result<(), RetryAfter> {
        let address = address.map_or_else(String::new, network);
        let pair = format!("{address} {account}");
        let mut attempt = vec![(&self.address, &*address), (&self.pair, &*pair)];
        if !known_device {
            attempt.push((&self.account, account));
        }
        RateLimit::check_all(&attempt).await
    }
}

/// Limits on new accounts: 10 attempts an hour from each address. Those count that reach whoever makes
/// accounts, because their answers tell which handles and e-mail addresses are taken.
#[derive(Debug)]
pub(crate) struct SignUpLimits(RateLimit);

const SIGN_UP: Quota = Quota {
    burst: 10,
    refill_seconds: 360,
};

impl SignUpLimits {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        Self(limits.limit("sign-up", SIGN_UP))
    }

    /// Counts an attempt, or says in how many seconds one may be made.
    pub(crate) async fn attempt(&self, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        let address = address.map_or_else(String::new, network);
        self.0.check(&address).await
    }
}

impl crate::Provider {
    /// Counts an attempt to sign in with a password elsewhere than on the pages, where there is no browser to
    /// know the person by.
    pub async fn count_sign_in(
        &self,
        account: &Identifier,
        address: Option<IpAddr>,
    ) -> Result<(), RetryAfter> {
        let account = account.to_string();
        let attempt = self.limits().attempt(&account, address, false);
        attempt
            .await
            .inspect_err(|_| audit::record(Event::SignInLimited))
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
