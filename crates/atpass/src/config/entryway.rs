//! From plain values to an entryway and its PDSes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use atpass_entryway::mail::{MailConfig, MailConfigError, MailTransport, Post};
use atpass_entryway::{EntrywayConfig, PdsConfig, SignUpPolicy};
use atpass_protocol::id::{Did, DidMethod, Handle, Issuer};
use atpass_protocol::jose::K256Key;
use atpass_protocol::secret::Secret;

use super::Loaded;
use super::check::Check;
use super::settings::{Pds, SignUp};

/// Seconds of an access token for an official PDS, at most: such a PDS can't ask whether it was revoked.
const LONGEST_ACCESS_TOKEN: i64 = 900;

/// An entryway as it was configured.
#[derive(Clone, Debug)]
pub(crate) struct EntrywayPlan {
    pub(crate) config: EntrywayConfig,
    /// The rotation keys of accounts' DIDs that are in files; empty where the database has it.
    pub(crate) plc_keys: Vec<K256Key>,
    /// How letters go, if they do.
    pub(crate) mail: Option<MailConfig>,
}

impl Check<'_> {
    /// The entryway, where PDSes are configured.
    pub(super) fn entryway(
        &mut self,
        loaded: &Loaded,
        origin: Option<&Issuer>,
    ) -> Option<EntrywayPlan> {
        let settings = &loaded.settings;
        let chosen = &settings.entryway;
        let text = chosen.did.as_deref();
        let did = text.and_then(|text| self.read("entryway.did", text, known_did(text)));
        let keys = chosen.plc_keys.iter();
        let plc_keys: Vec<_> = keys
            .filter_map(|file| {
                let key = plc_key(&loaded.base().join(file));
                self.read("entryway.plc_keys", file, key)
            })
            .collect();
        let mail = self.mail(loaded);
        if settings.pds.is_empty() {
            if chosen.sign_up != SignUp::Closed {
                self.problem(
                    "entryway.sign_up",
                    "new accounts need a PDS: write [[pds]] and its keys",
                );
            }
            return None;
        }
        let pdses: Vec<_> = (0..)
            .zip(&settings.pds)
            .filter_map(|(place, pds)| self.pds(loaded, place, pds))
            .collect();
        self.alone(&pdses);
        let lifetime = settings.lifetimes.access_token;
        if lifetime > LONGEST_ACCESS_TOKEN {
            let message = format!(
                "is {lifetime}; with [[pds]] it must be {LONGEST_ACCESS_TOKEN} at most, because such a PDS can't ask whether a token was revoked"
            );
            self.problem("lifetimes.access_token", message);
        }
        let sign_up = match chosen.sign_up {
            SignUp::Closed => SignUpPolicy::Closed,
            SignUp::Invite => SignUpPolicy::Invite,
            SignUp::Open => SignUpPolicy::Open,
        };
        if sign_up != SignUpPolicy::Closed
            && !pdses
                .iter()
                .any(|pds| pds.takes_new_accounts && !pds.handle_domains.is_empty())
        {
            let message =
                "no [[pds]] takes new accounts: one needs handle_domains, and new_accounts";
            self.problem("entryway.sign_up", message);
        }
        let origin = origin?.clone();
        let did = match did {
            Some(did) => did,
            None => self.read("issuer", origin.as_str(), did_of(&origin))?,
        };
        if pdses.iter().any(|pds| pds.origin == origin) {
            self.problem(
                "issuer",
                "is the origin of a [[pds]]; an entryway has its own",
            );
        }
        if pdses.iter().any(|pds| pds.did == did) {
            self.problem("entryway.did", format!("{did} is the DID of a [[pds]]"));
        }
        Some(EntrywayPlan {
            config: EntrywayConfig {
                did,
                origin,
                pdses,
                sign_up,
            },
            plc_keys,
            mail,
        })
    }

    fn mail(&mut self, loaded: &Loaded) -> Option<MailConfig> {
        let chosen = &loaded.settings.mail;
        let base = loaded.base();
        let password = chosen.smtp_password_file.as_ref();
        let password = password.and_then(|file| {
            let password = secret_in(&base.join(file));
            self.read("mail.smtp_password_file", file, password)
        });
        let transport = match (&chosen.smtp, &chosen.folder) {
            (Some(url), None) => MailTransport::Smtp {
                url: url.clone(),
                user: chosen.smtp_user.clone(),
                password,
            },
            (None, Some(folder)) => MailTransport::Folder(base.join(folder)),
            (Some(_), Some(_)) => {
                self.problem(
                    "mail.folder",
                    "letters go by smtp or into a folder, not both",
                );
                return None;
            }
            (None, None) => {
                if chosen.from.is_some() {
                    self.problem("mail.from", "letters need a way: write smtp");
                }
                return None;
            }
        };
        let Some(from) = &chosen.from else {
            self.problem("mail.smtp", "letters need a sender: write from");
            return None;
        };
        let config = MailConfig {
            from: from.clone(),
            transport,
        };
        if let Err(error) = Post::new(&config) {
            let key = match error {
                MailConfigError::From => "mail.from",
                MailConfigError::Credentials => "mail.smtp_user",
                MailConfigError::Url | MailConfigError::Tls(_) => "mail.smtp",
            };
            self.problem(key, error);
        }
        Some(config)
    }

    fn pds(&mut self, loaded: &Loaded, place: usize, pds: &Pds) -> Option<PdsConfig> {
        let key = |name: &str| format!("pds[{place}].{name}");
        if pds.origin.is_empty() {
            let message = "is missing: the public origin of the PDS, such as origin = \"https://pds.example.com\"";
            self.problem_of(&key("origin"), "pds", message);
            return None;
        }
        let origin = self.read(&key("origin"), &pds.origin, Issuer::parse(&pds.origin));
        let did = match (&pds.did, &origin) {
            (Some(text), _) => self.read(&key("did"), text, known_did(text)),
            (None, Some(origin)) => self.read(&key("origin"), &pds.origin, did_of(origin)),
            (None, None) => None,
        };
        let domains = pds.handle_domains.iter().filter_map(|text| {
            let text = text.trim_start_matches('.');
            self.read(&key("handle_domains"), text, handle_domain(text))
        });
        let handle_domains = domains.collect();
        let file = &pds.admin_password_file;
        let admin_password = if file.is_empty() {
            let message = "is missing: the file with the PDS_ADMIN_PASSWORD of this PDS";
            self.problem_of(&key("admin_password_file"), "pds", message);
            None
        } else {
            let password = secret_in(&loaded.base().join(file));
            self.read(&key("admin_password_file"), file, password)
        };
        Some(PdsConfig {
            origin: origin?,
            did: did?,
            handle_domains,
            admin_password: admin_password?,
            takes_new_accounts: pds.new_accounts,
        })
    }

    /// No two PDSes have the same origin or DID: accounts could not be told apart.
    fn alone(&mut self, pdses: &[PdsConfig]) {
        let (mut origins, mut dids) = (BTreeSet::new(), BTreeSet::new());
        let mut passwords = Vec::new();
        for pds in pdses {
            if !origins.insert(&pds.origin) {
                self.problem("pds", format!("two have the origin {}", pds.origin));
            }
            if !dids.insert(&pds.did) {
                self.problem(
                    "pds",
                    format!("two have the DID {}; say which by did", pds.did),
                );
            }
            if passwords.contains(&&pds.admin_password) {
                let message =
                    "two have the same admin password: the admin of one would be that of the other";
                self.problem("pds", message);
            }
            passwords.push(&pds.admin_password);
        }
    }
}

fn known_did(text: &str) -> Result<Did, String> {
    let did = Did::parse(text).map_err(|error| error.to_string())?;
    did.method()
        .is_some()
        .then_some(did)
        .ok_or_else(|| "expected a did:plc, or the did:web of a host".into())
}

/// The `did:web` of an origin's host.
fn did_of(origin: &Issuer) -> Result<Did, String> {
    let host = origin.host().replace(':', "%3A");
    let did = Did::parse(&format!("did:web:{host}")).ok();
    did.filter(|did| did.method() == Some(DidMethod::Web))
        .ok_or_else(|| "has no did:web (a port, or no name): set did".into())
}

/// A domain below which handles are given.
fn handle_domain(text: &str) -> Result<String, String> {
    // With a label before it, it must be a handle.
    let domain = text.to_lowercase();
    if !domain.contains('.') {
        return Err("a whole top-level domain can't be one's own".into());
    }
    Handle::parse(&format!("a.{domain}"))
        .map(|_| domain)
        .map_err(|_| "expected a domain, such as pds.example.com".into())
}

/// What a file of one line holds.
pub(super) fn secret_in(file: &Path) -> Result<Secret, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    match text.trim() {
        "" => Err("the file is empty".into()),
        text => Ok(Secret::new(text)),
    }
}

fn plc_key(file: &Path) -> Result<K256Key, String> {
    let text = secret_in(file)?;
    K256Key::from_hex(text.expose()).map_err(|error| error.to_string())
}
