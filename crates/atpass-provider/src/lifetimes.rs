//! How long things live, in seconds, within what the protocol allows.

use atpass_protocol::time::UnixTime;

/// The lifetimes of an authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Access token. At most 1800.
    pub access_token: i64,
    /// Pushed authorization request.
    pub authorization_request: i64,
    /// Authorization code. At most 600 (RFC 6749 section 4.1.2).
    pub code: i64,
    /// Session, and refresh token, of a public client. At most 14 days.
    pub public_session: i64,
    /// Session of a confidential client.
    pub confidential_session: i64,
    /// Refresh token of a confidential client. At most 180 days.
    pub confidential_refresh: i64,
    /// For how long after a refresh its lost answer can be had again.
    pub refresh_recovery: i64,
    /// A remembered device that isn't used.
    pub remembered_device: i64,
    /// A device that isn't to be remembered, for the case that its browser never closes.
    pub unremembered_device: i64,
    /// Permission set, until it is resolved anew. At most a day, and at least an access token's.
    pub permission_set_stale: i64,
    /// Permission set that can't be resolved anew, until no session may begin with it.
    pub permission_set_expiry: i64,
}

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token: 900,
            authorization_request: 300,
            code: 60,
            public_session: 14 * DAY,
            confidential_session: 730 * DAY,
            confidential_refresh: 90 * DAY,
            refresh_recovery: 60,
            remembered_device: 180 * DAY,
            unremembered_device: 12 * HOUR,
            permission_set_stale: DAY,
            permission_set_expiry: 90 * DAY,
        }
    }
}

/// A lifetime outside of what the protocol allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lifetime {name} is {value} s; it must be between {least} and {most}")]
pub struct LifetimeError {
    name: &'static str,
    value: i64,
    least: i64,
    most: i64,
}

impl LifetimeError {
    /// An access token that would live longer than `most`.
    pub(crate) const fn access_token(value: i64, most: i64) -> Self {
        Self {
            name: "access_token",
            value,
            least: 30,
            most,
        }
    }
}

impl Lifetimes {
    /// Checks every value against the protocol's bounds, and names the first outside of them.
    pub fn check(&self) -> Result<(), LifetimeError> {
        let bounds = [
            ("access_token", self.access_token, 30, 1800),
            (
                "authorization_request",
                self.authorization_request,
                30,
                3600,
            ),
            ("code", self.code, 10, 600),
            ("public_session", self.public_session, 60, 14 * DAY),
            (
                "confidential_session",
                self.confidential_session,
                60,
                3650 * DAY,
            ),
            (
                "confidential_refresh",
                self.confidential_refresh,
                60,
                180 * DAY,
            ),
            ("refresh_recovery", self.refresh_recovery, 0, 300),
            ("remembered_device", self.remembered_device, HOUR, 400 * DAY),
            ("unremembered_device", self.unremembered_device, 600, DAY),
            (
                "permission_set_stale",
                self.permission_set_stale,
                self.access_token,
                DAY,
            ),
            (
                "permission_set_expiry",
                self.permission_set_expiry,
                self.permission_set_stale,
                365 * DAY,
            ),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(LifetimeError {
                    name,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }
}

impl Lifetimes {
    /// When a session that begins `now` ends.
    pub(crate) const fn session_end(&self, confidential: bool, now: UnixTime) -> UnixTime {
        now.plus(if confidential {
            self.confidential_session
        } else {
            self.public_session
        })
    }

    /// When a refresh token that is made `now` ends: a public client's with its session, however
    /// often it is used (clause AS-REF-03).
    pub(crate) fn refresh_end(
        &self,
        confidential: bool,
        session_end: UnixTime,
        now: UnixTime,
    ) -> UnixTime {
        if confidential {
            session_end.min(now.plus(self.confidential_refresh))
        } else {
            session_end
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clauses AS-TOK-05 and AS-REF-03: the protocol's bounds can't be configured away.
    #[test]
    fn bounds() {
        assert_eq!(Lifetimes::default().check(), Ok(()));
        let long = Lifetimes {
            access_token: 1801,
            ..Lifetimes::default()
        };
        assert!(
            long.check()
                .unwrap_err()
                .to_string()
                .contains("access_token")
        );
        assert!(
            Lifetimes {
                public_session: 14 * DAY + 1,
                ..Lifetimes::default()
            }
            .check()
            .is_err()
        );
    }
}
