//! The PDSes behind an entryway, and how new accounts come.

use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::secret::Secret;

/// What an entryway is configured with.
#[derive(Clone, Debug)]
pub struct EntrywayConfig {
    /// Its own DID (`PDS_ENTRYWAY_DID`): the audience of what PDSes forward for their accounts.
    pub did: Did,
    /// Its origin: the issuer of the authorization server.
    pub origin: Issuer,
    /// The PDSes behind it.
    pub pdses: Vec<PdsConfig>,
    /// Who may make an account.
    pub sign_up: SignUpPolicy,
}

/// A PDS behind an entryway.
#[derive(Clone, Debug)]
pub struct PdsConfig {
    /// Its public origin.
    pub origin: Issuer,
    /// Its DID: the audience of its access tokens.
    pub did: Did,
    /// The domains of its new accounts' handles, without a leading dot. Several PDSes may share one: a new
    /// account goes to the one with the fewest.
    pub handle_domains: Vec<String>,
    /// Its `PDS_ADMIN_PASSWORD`: to tell it of new handles and of accounts that are put to rest or deleted.
    pub admin_password: Secret,
    /// Whether new accounts go there.
    pub takes_new_accounts: bool,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Nobody.
    #[default]
    Closed,
    /// Who has an invite code.
    Invite,
    /// Everybody.
    Open,
}

impl EntrywayConfig {
    /// The PDS of this DID.
    pub fn pds(&self, did: &Did) -> Option<&PdsConfig> {
        self.pdses.iter().find(|pds| pds.did == *did)
    }

    /// Whether a handle is below one of the domains, so that this server answers for it.
    pub fn gives(&self, handle: &Handle) -> bool {
        let handle = handle.as_str();
        let mut domains = self.pdses.iter().flat_map(|pds| &pds.handle_domains);
        domains.any(|domain| {
            let name = handle.strip_suffix(domain.as_str());
            name.is_some_and(|name| name.len() > 1 && name.ends_with('.'))
        })
    }
}
