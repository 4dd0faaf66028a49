//! A network that takes new accounts, and a person who fills the form in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_provider::accounts::Account;
use atpass_provider::sign_up::{NewAccount, SignUp, SignUpError};
use atpass_store::{AccountError, NewAccount as Row, StoredAccounts};
use atpass_testnet::NetworkConfig;
use data_encoding::BASE32_NOPAD;

use crate::common::{Answer, App, Browser, Lab, csrf, form};

pub(crate) const PATH: &str = "/oauth/authorize/sign-up";
pub(crate) const INVITE: &str = "welcome-1";
pub(crate) const PASSWORD: &str = "correct horse battery";
const AUDIENCE: &str = "did:web:localhost";

/// Makes accounts beside the network's own.
struct Register {
    accounts: StoredAccounts,
    domains: Vec<String>,
    needs_invite: bool,
    watched: Watched,
}

/// What a test sees of it, and does to it.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    /// Whether the PDS can't be reached.
    pub(crate) down: Arc<AtomicBool>,
    /// What was asked for.
    asked: Arc<Mutex<Vec<NewAccount>>>,
}

impl Watched {
    pub(crate) fn asked(&self) -> Vec<NewAccount> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

pub(crate) fn did_of(handle: &str) -> Did {
    let digest = Secret::new(handle).sha256();
    let name = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    Did::parse(&format!("did:plc:{}", name.get(..24).unwrap())).unwrap()
}

#[async_trait]
impl SignUp for Register {
    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn needs_invite(&self) -> bool {
        self.needs_invite
    }

    async fn sign_up(&self, new: NewAccount, now: UnixTime) -> Result<Account, SignUpError> {
        let asked = &self.watched.asked;
        asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(new.clone());
        if self.watched.down.load(Ordering::SeqCst) {
            return Err(SignUpError::Unavailable("connection refused".into()));
        }
        if self.needs_invite && new.invite.as_deref() != Some(INVITE) {
            return Err(SignUpError::Invite);
        }
        if new.handle.as_str().starts_with("admin.") {
            return Err(SignUpError::HandleRefused);
        }
        let account = Account {
            did: did_of(new.handle.as_str()),
            handle: new.handle.clone(),
            audience: Did::parse(AUDIENCE).unwrap(),
            active: true,
        };
        let row = Row {
            did: account.did.clone(),
            handle: new.handle,
            email: Some(new.email),
            audience: account.audience.clone(),
            password: new.password,
        };
        match self.accounts.add(row, now).await {
            Ok(()) => Ok(account),
            Err(AccountError::DidTaken | AccountError::HandleTaken) => {
                Err(SignUpError::HandleTaken)
            }
            Err(AccountError::EmailTaken) => Err(SignUpError::EmailTaken),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A network that takes new accounts.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) watched: Watched,
}

impl Scene {
    pub(crate) async fn start(domains: &[&str], needs_invite: bool) -> Self {
        let watched = Watched::default();
        let change = |config: &mut NetworkConfig| {
            let (domains, watched) = (domains.iter().map(ToString::to_string), watched.clone());
            let domains: Vec<String> = domains.collect();
            config.sign_up = Some(Box::new(move |accounts| {
                Arc::new(Register {
                    accounts: accounts.clone(),
                    domains: domains.clone(),
                    needs_invite,
                    watched: watched.clone(),
                })
            }));
        };
        let lab = Lab::configured(change).await;
        Self { lab, watched }
    }

    /// A person whose app has pushed a request.
    pub(crate) async fn visit(&self, extra: &[(&str, &str)]) -> Visit {
        let app = self.lab.app();
        let verifier = CodeVerifier::generate(&SystemRandom);
        let request_uri = app.push(&verifier, extra).await;
        let browser = Browser::new(&app);
        Visit {
            app,
            browser,
            verifier,
            request_uri,
        }
    }
}

pub(crate) struct Visit {
    pub(crate) app: App,
    pub(crate) browser: Browser,
    pub(crate) verifier: CodeVerifier,
    pub(crate) request_uri: String,
}

impl Visit {
    /// The first page.
    pub(crate) async fn open(&self) -> Answer {
        self.browser.open(&self.app, &self.request_uri).await
    }

    /// The same, after a button with this choice.
    pub(crate) async fn choose(&self, page: &Answer, choice: &str) -> Answer {
        let csrf = csrf(page);
        let pairs = [
            ("client_id", self.app.client_id.as_str()),
            ("request_uri", &self.request_uri),
            ("csrf", &csrf),
            ("account", choice),
        ];
        let answer = self.browser.submit("/oauth/authorize/choose", &pairs).await;
        self.browser.get(answer.header("location")).await
    }

    /// The form of a new account.
    pub(crate) async fn form(&self) -> Answer {
        let query = form(&[
            ("client_id", &self.app.client_id),
            ("request_uri", &self.request_uri),
            ("account", "new"),
        ]);
        self.browser.get(&format!("/oauth/authorize?{query}")).await
    }

    /// Sends the form on this page, well filled in but for these fields.
    pub(crate) async fn submit(&self, page: &Answer, changes: &[(&str, &str)]) -> Answer {
        let csrf = csrf(page);
        let pairs = [
            ("client_id", self.app.client_id.as_str()),
            ("request_uri", &self.request_uri),
            ("csrf", &csrf),
        ];
        self.browser.submit(PATH, &filled(&pairs, changes)).await
    }
}

/// A form about carol, but for these fields.
pub(crate) fn filled<'a>(
    hidden: &[(&'a str, &'a str)],
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut pairs = hidden.to_vec();
    pairs.extend([
        ("name", "carol"),
        ("domain", "example.com"),
        ("email", "carol@mail.example"),
        ("password", PASSWORD),
    ]);
    pairs.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
    pairs.extend_from_slice(changes);
    pairs
}

/// A handle, parsed.
pub(crate) fn handle(text: &str) -> Handle {
    Handle::parse(text).unwrap()
}
