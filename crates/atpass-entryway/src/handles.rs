//! Which handles an entryway gives: one label before one of its domains.

use atpass_protocol::id::Handle;

use crate::EntrywayConfig;

/// Names that could be taken for the server itself, or that mail and web servers have.
const RESERVED: [&str; 48] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "atpass",
    "atproto",
    "auth",
    "billing",
    "blog",
    "cdn",
    "contact",
    "did",
    "dns",
    "docs",
    "email",
    "entryway",
    "ftp",
    "handle",
    "help",
    "hostmaster",
    "imap",
    "info",
    "legal",
    "login",
    "mail",
    "moderation",
    "moderator",
    "noreply",
    "oauth",
    "official",
    "pds",
    "plc",
    "postmaster",
    "privacy",
    "root",
    "security",
    "sign-in",
    "sign-up",
    "smtp",
    "staff",
    "status",
    "support",
    "system",
    "webmaster",
    "www",
];

/// The lengths of the label, as official PDSes have them.
const SHORTEST: usize = 3;
const LONGEST: usize = 18;

/// Why a handle isn't given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    /// It is below none of the domains.
    #[error("this server gives no handles of this domain")]
    Domain,
    /// There is more than one label before the domain.
    #[error("the part before the domain can't have a dot")]
    Dot,
    /// The label is too short.
    #[error("the part before the domain has 3 characters at least")]
    Short,
    /// The label is too long.
    #[error("the part before the domain has 18 characters at most")]
    Long,
    /// Nobody can have it; nor a name that is shown in other letters than it has.
    #[error("this handle is reserved")]
    Reserved,
}

impl EntrywayConfig {
    /// Whether a new owner may have this handle, if nobody has it: returns its domain.
    pub fn may_give(&self, handle: &Handle) -> Result<&str, NotGiven> {
        let text = handle.as_str();
        let mut domains = self.pdses.iter().flat_map(|pds| &pds.handle_domains);
        if domains.clone().any(|domain| domain == text) || self.is_host(text) {
            return Err(NotGiven::Reserved);
        }
        if !self.gives(handle) {
            return Err(NotGiven::Domain);
        }
        let (label, rest) = text.split_once('.').ok_or(NotGiven::Domain)?;
        let domain = domains.find(|domain| *domain == rest);
        let domain = domain.ok_or(NotGiven::Dot)?;
        // A handle has letters, digits and hyphens only: as many bytes as characters.
        if label.len() < SHORTEST {
            Err(NotGiven::Short)
        } else if label.len() > LONGEST {
            Err(NotGiven::Long)
        } else if RESERVED.contains(&label) || label.starts_with("xn--") {
            Err(NotGiven::Reserved)
        } else {
            Ok(domain)
        }
    }

    /// Whether one of the servers lives at this name: its owner could answer in its place.
    fn is_host(&self, name: &str) -> bool {
        let pdses = self.pdses.iter().map(|pds| &pds.origin);
        pdses.chain([&self.origin]).any(|origin| {
            let host = origin.host();
            host.split_once(':').map_or(host, |(host, _)| host) == name
        })
    }

    /// The domains of new accounts' handles, in the order of the PDSes.
    pub(crate) fn domains_of_new_accounts(&self) -> Vec<String> {
        let mut domains = Vec::new();
        if self.sign_up == crate::SignUpPolicy::Closed {
            return domains;
        }
        let pdses = self.pdses.iter().filter(|pds| pds.takes_new_accounts);
        for domain in pdses.flat_map(|pds| &pds.handle_domains) {
            if !domains.contains(domain) {
                domains.push(domain.clone());
            }
        }
        domains
    }
}

#[cfg(test)]
mod tests {
    use atpass_protocol::id::{Did, Issuer};
    use atpass_protocol::secret::Secret;

    use super::*;
    use crate::{PdsConfig, SignUpPolicy};

    fn config() -> EntrywayConfig {
        let pds = |name: &str, domains: &[&str], takes_new_accounts| PdsConfig {
            origin: Issuer::parse(&format!("https://{name}.example.com")).unwrap(),
            did: Did::parse(&format!("did:web:{name}.example.com")).unwrap(),
            handle_domains: domains.iter().map(|&domain| domain.into()).collect(),
            admin_password: Secret::new("hunter2"),
            takes_new_accounts,
        };
        EntrywayConfig {
            did: Did::parse("did:web:entry.example.com").unwrap(),
            origin: Issuer::parse("https://entry.example.com").unwrap(),
            pdses: vec![
                pds("amanita", &["example.com", "mushrooms.example.com"], true),
                pds("boletus", &["example.com", "old.example"], false),
            ],
            sign_up: SignUpPolicy::Open,
        }
    }

    #[test]
    fn what_is_given() {
        let config = config();
        let may = |text: &str| config.may_give(&Handle::parse(text).unwrap());
        for (handle, answer) in [
            ("alice.example.com", Ok("example.com")),
            ("Alice.Example.com", Ok("example.com")),
            ("a-1.example.com", Ok("example.com")),
            ("abc.example.com", Ok("example.com")),
            ("abcdefghijklmnopqr.example.com", Ok("example.com")),
            ("alice.mushrooms.example.com", Ok("mushrooms.example.com")),
            ("alice.old.example", Ok("old.example")),
            ("ab.example.com", Err(NotGiven::Short)),
            ("abcdefghijklmnopqrs.example.com", Err(NotGiven::Long)),
            ("alice.bob.example.com", Err(NotGiven::Dot)),
            ("admin.example.com", Err(NotGiven::Reserved)),
            ("WWW.example.com", Err(NotGiven::Reserved)),
            // Servers and domains of our own.
            ("entry.example.com", Err(NotGiven::Reserved)),
            ("amanita.example.com", Err(NotGiven::Reserved)),
            ("mushrooms.example.com", Err(NotGiven::Reserved)),
            ("example.com", Err(NotGiven::Reserved)),
            ("alice.example.org", Err(NotGiven::Domain)),
            ("notexample.com", Err(NotGiven::Domain)),
            ("alice.notexample.com", Err(NotGiven::Domain)),
        ] {
            assert_eq!(may(handle), answer, "{handle}");
        }
    }

    #[test]
    fn what_is_offered() {
        let mut config = config();
        assert_eq!(
            config.domains_of_new_accounts(),
            ["example.com", "mushrooms.example.com"]
        );
        config.sign_up = SignUpPolicy::Closed;
        assert!(config.domains_of_new_accounts().is_empty());
    }
}
