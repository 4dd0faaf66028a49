//! What becomes void when a database goes back in time.

/// What was used up, or taken away, after the backup must not come back: refresh tokens and the
/// sessions that they belong to, authorization requests and codes, browsers that were signed out,
/// consents that were withdrawn, letters' codes, app passwords, and signing keys that were given up.
pub(crate) const VOID: [&str; 11] = [
    "requests",
    "codes",
    "sessions",
    "legacy_sessions",
    "device_accounts",
    "devices",
    "approvals",
    "email_codes",
    "app_passwords",
    "scope_references",
    "signing_keys",
];

/// How many rows became void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Voided {
    /// Sessions of apps, with those that know no OAuth.
    pub sessions: usize,
    /// Browsers, with whoever was signed in there.
    pub browsers: usize,
    /// What people had granted to apps.
    pub approvals: usize,
    /// Passwords for single old apps.
    pub app_passwords: usize,
    /// Keys that sign access tokens.
    pub signing_keys: usize,
}

impl Voided {
    /// Counts what was removed from a table.
    pub(crate) fn add(&mut self, table: &str, rows: usize) {
        match table {
            "sessions" | "legacy_sessions" => self.sessions += rows,
            "devices" => self.browsers += rows,
            "approvals" => self.approvals += rows,
            "app_passwords" => self.app_passwords += rows,
            "signing_keys" => self.signing_keys += rows,
            _ => {}
        }
    }
}
