//! Refreshes of stored sessions, signed as their apps would.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use atpass_protocol::client_assertion::{ASSERTION_TYPE, NewAssertion};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::Issuer;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_provider::refresh::RefreshTokens;

use crate::apps::AppKey;
use crate::drive::{PATH, Post};
use crate::population::{Draw, Population, Session};

/// Makes refreshes, and knows of each session which token is the current one.
pub struct Refreshes<'a> {
    pub population: &'a Population,
    pub issuer: Issuer,
    pub tokens: RefreshTokens,
    /// Whether sessions of confidential apps are among them.
    pub confidential: bool,
    /// Of those that aren't as they were stored.
    pub generations: HashMap<u64, u32>,
    pub draw: Draw,
}

impl Refreshes<'_> {
    /// So many, of different sessions among the first `size`. All of them must be sent.
    pub fn sign(&mut self, count: usize, size: u64, nonce: &str) -> Result<Vec<Post>> {
        let population = self.population;
        let confidential = self.confidential;
        let numbers = self.draw.distinct(count, size, |number| {
            let session = population.session(number);
            let fits = confidential || population.apps[session.app].key.is_none();
            fits && session.ended_at.is_none()
        })?;
        let now = SystemClock.now();
        let sign = |number| self.refresh(number, nonce, now);
        numbers.into_iter().map(sign).collect()
    }

    fn refresh(&mut self, number: u64, nonce: &str, now: UnixTime) -> Result<Post> {
        let session = self.population.session(number);
        let current = self.generations.entry(number).or_insert(session.generation);
        let token = self.tokens.token(session.id, *current);
        *current += 1;
        let app = &self.population.apps[session.app];
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", token.expose())
            .append_pair("client_id", app.id.as_str());
        if let Some(key) = &app.key {
            let assertion = self.assertion(&session, key, now)?;
            form.append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", &assertion);
        }
        let proof = DpopProof {
            htm: "POST",
            htu: &self.issuer.at(PATH),
            nonce: Some(nonce),
            access_token: None,
            iat: now,
        };
        let key = &self.population.keys[session.key];
        Ok(Post {
            proof: proof
                .sign(key, &SystemRandom)
                .map_err(|error| anyhow!(error))?,
            form: form.finish(),
        })
    }

    fn assertion(&self, session: &Session, key: &AppKey, now: UnixTime) -> Result<String> {
        let assertion = NewAssertion {
            client_id: &self.population.apps[session.app].id,
            issuer: &self.issuer,
            kid: AppKey::KID,
            bound_to: None,
            iat: now,
        };
        Ok(assertion.sign(&key.private, &SystemRandom)?)
    }
}
