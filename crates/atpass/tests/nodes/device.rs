//! An app on somebody's device, with a DPoP key: it pushes, exchanges, refreshes and revokes, and tries
//! again with a new proof where it got no answer.

use std::sync::{Arc, Mutex};

use atpass_protocol::client_assertion::{ASSERTION_TYPE, NewAssertion};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::{ClientId, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, SystemClock};

use crate::apps::{App, SCOPE};
use crate::common::{Answer, Signer, form};
use crate::history::{Exchange, Millis, What, Who};
use crate::moment::pause;
use crate::wire::{Draft, Post, Wire};

const PAR: &str = "/oauth/par";
const TOKEN: &str = "/oauth/token";
const REVOKE: &str = "/oauth/revoke";

/// For how long an app tries again: a lost answer can be had again for 60 seconds.
const PERSEVERANCE: Millis = 55_000;

pub(crate) struct Device {
    pub(crate) app: App,
    pub(crate) key: PrivateKey,
    pub(crate) address: String,
    nonce: Mutex<Option<String>>,
    wire: Arc<Wire>,
}

/// A code, and what its owner needs to exchange it.
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) verifier: CodeVerifier,
}

impl Code {
    /// How the witness calls it.
    fn name(&self) -> String {
        self.code.chars().take(12).collect()
    }
}

/// What a request is for, in the app's words.
struct Request<'a> {
    path: &'static str,
    pairs: Vec<(&'a str, &'a str)>,
    who: Who,
    account: Option<&'a str>,
}

impl Device {
    pub(crate) fn new(app: App, address: &str, wire: Arc<Wire>) -> Self {
        Self {
            app,
            key: PrivateKey::generate().unwrap(),
            address: address.to_owned(),
            nonce: Mutex::new(None),
            wire,
        }
    }

    /// The same app with another key.
    pub(crate) fn stranger(&self) -> Self {
        Self::new(self.app.clone(), &self.address, self.wire.clone())
    }

    /// The form, with a new proof and, where the app has a key, a new assertion.
    fn post(&self, request: &Request<'_>, what: What) -> Post {
        let mut pairs = request.pairs.clone();
        let assertion = self
            .app
            .signer
            .as_ref()
            .map(|signer| self.assertion(signer));
        if let Some(assertion) = &assertion {
            pairs.push(("client_assertion_type", ASSERTION_TYPE));
            pairs.push(("client_assertion", assertion));
        }
        let number = || self.wire.witness.number();
        Post {
            path: request.path,
            body: form(&pairs),
            proof: self.proof(request.path),
            address: self.address.clone(),
            draft: Draft {
                who: request.who,
                account: request.account.map(ToOwned::to_owned),
                what,
                proof: Some(number()),
                assertion: assertion.is_some().then(number),
            },
            assertion,
        }
    }

    /// A new proof for a POST to the authorization server.
    fn proof(&self, path: &str) -> String {
        let nonce = self.nonce.lock().unwrap().clone();
        let proof = DpopProof {
            htm: "POST",
            htu: &format!("{}{path}", self.wire.origin),
            nonce: nonce.as_deref(),
            access_token: None,
            iat: SystemClock.now(),
        };
        proof.sign(&self.key, &SystemRandom).unwrap()
    }

    fn assertion(&self, signer: &Signer) -> String {
        let assertion = NewAssertion {
            client_id: &ClientId::parse(&self.app.client_id).unwrap(),
            issuer: &Issuer::parse(&self.wire.origin).unwrap(),
            kid: &signer.kid,
            bound_to: None,
            iat: SystemClock.now(),
        };
        assertion.sign(&signer.key, &SystemRandom).unwrap()
    }

    /// One attempt; keeps the nonce of the answer.
    async fn attempt(&self, post: &Post, node: Option<u16>) -> Option<Answer> {
        let answer = self.wire.post(post, node).await?;
        let nonce = answer.header("dpop-nonce");
        if !nonce.is_empty() {
            *self.nonce.lock().unwrap() = Some(nonce.to_owned());
        }
        Some(answer)
    }

    /// Tries until it is told something that isn't a failure of the nodes' own; `None` where that takes
    /// too long. `what` is told whether an attempt before may have been done.
    async fn insist(&self, request: &Request<'_>, what: impl Fn(bool) -> What) -> Option<Answer> {
        let witness = &self.wire.witness;
        let began = witness.now();
        let (mut wait, mut troubled, mut asked) = (100, false, 0);
        while witness.now() - began < PERSEVERANCE {
            let post = self.post(request, what(troubled));
            match self.attempt(&post, None).await {
                Some(answer) if answer.error() == "use_dpop_nonce" => {
                    asked += 1;
                    if asked == 2 {
                        witness.asked_twice();
                    }
                    if asked < 5 {
                        continue;
                    }
                }
                Some(answer) if !answer.status.is_server_error() => return Some(answer),
                _ => (troubled, asked) = (true, 0),
            }
            pause(wait).await;
            wait = (wait * 2).min(1000);
        }
        None
    }

    /// One attempt, and once more with the right nonce where it wasn't.
    async fn try_twice(
        &self,
        request: &Request<'_>,
        what: &What,
        node: Option<u16>,
    ) -> Option<Answer> {
        let answer = self
            .attempt(&self.post(request, what.clone()), node)
            .await?;
        if answer.error() != "use_dpop_nonce" {
            return Some(answer);
        }
        self.attempt(&self.post(request, what.clone()), node).await
    }

    fn authorization_request<'a>(
        &'a self,
        (state, challenge): (&'a str, &'a str),
        hint: &'a str,
        who: Who,
    ) -> Request<'a> {
        let pairs = vec![
            ("client_id", self.app.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", self.app.redirect_uri),
            ("scope", SCOPE),
            ("state", state),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", hint),
        ];
        Request {
            path: PAR,
            pairs,
            who,
            account: None,
        }
    }

    /// Pushes a request; returns its `request_uri`.
    pub(crate) async fn push(&self, verifier: &CodeVerifier, hint: &str) -> Option<String> {
        let challenge = verifier.challenge().to_string();
        let state = format!("state-{challenge}");
        let request = self.authorization_request((&state, &challenge), hint, Who::Owner);
        let answer = self.insist(&request, |_| What::Push).await?;
        Some(answer.json()["request_uri"].as_str()?.to_owned())
    }

    /// Asks one node to take a request, to see whether it works.
    pub(crate) async fn probe(&self, node: u16) -> bool {
        let challenge = CodeVerifier::generate(&SystemRandom)
            .challenge()
            .to_string();
        let request = self.authorization_request(("probe", &challenge), "probe.test", Who::Probe);
        let answer = self.try_twice(&request, &What::Push, Some(node)).await;
        answer.is_some_and(|answer| answer.status.is_success())
    }

    /// Pushes a request with somebody else's assertion, and a proof of its own.
    pub(crate) async fn push_stolen(&self, assertion: &str, number: u64, node: Option<u16>) {
        let challenge = CodeVerifier::generate(&SystemRandom)
            .challenge()
            .to_string();
        let names = ("stolen", challenge.as_str());
        let mut request = self.authorization_request(names, "stolen.test", Who::Attacker);
        request.pairs.extend([
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ]);
        for _ in 0..2 {
            let mut post = self.post(&request, What::Push);
            post.draft.assertion = Some(number);
            match self.attempt(&post, node).await {
                Some(answer) if answer.error() == "use_dpop_nonce" => {}
                _ => return,
            }
        }
    }

    fn code_request<'a>(&'a self, code: &'a Code, account: &'a str, who: Who) -> Request<'a> {
        let pairs = vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.app.client_id.as_str()),
            ("redirect_uri", self.app.redirect_uri),
            ("code", code.code.as_str()),
            ("code_verifier", code.verifier.expose()),
        ];
        Request {
            path: TOKEN,
            pairs,
            who,
            account: Some(account),
        }
    }

    pub(crate) async fn exchange(&self, code: &Code, account: &str) -> Option<Answer> {
        let request = self.code_request(code, account, Who::Owner);
        let what = |troubled| What::Exchange {
            code: code.name(),
            how: if troubled {
                Exchange::AfterTrouble
            } else {
                Exchange::First
            },
        };
        self.insist(&request, what).await
    }

    /// By its rightful holder, who had the tokens already.
    pub(crate) async fn exchange_again(&self, code: &Code, account: &str) -> Option<Answer> {
        let request = self.code_request(code, account, Who::Owner);
        let what = |_| What::Exchange {
            code: code.name(),
            how: Exchange::AfterSuccess,
        };
        self.insist(&request, what).await
    }

    /// By somebody who knows everything but the key.
    pub(crate) async fn exchange_stolen(&self, code: &Code, account: &str) {
        let request = self.code_request(code, account, Who::Attacker);
        let what = What::Exchange {
            code: code.name(),
            how: Exchange::AfterTrouble,
        };
        self.try_twice(&request, &what, None).await;
    }

    pub(crate) async fn refresh(
        &self,
        token: &str,
        account: &str,
        (session, last): (&str, bool),
    ) -> Option<Answer> {
        let request = Request {
            path: TOKEN,
            pairs: vec![
                ("grant_type", "refresh_token"),
                ("client_id", &self.app.client_id),
                ("refresh_token", token),
            ],
            who: Who::Owner,
            account: Some(account),
        };
        let what = |_| What::Refresh {
            session: session.to_owned(),
            last,
        };
        self.insist(&request, what).await
    }

    pub(crate) async fn revoke(&self, token: &str, session: &str) -> Option<Answer> {
        let request = Request {
            path: REVOKE,
            pairs: vec![("client_id", &self.app.client_id), ("token", token)],
            who: Who::Owner,
            account: None,
        };
        let what = |_| What::Revoke {
            session: session.to_owned(),
        };
        self.insist(&request, what).await
    }
}
