//! The requests: signed beforehand, as a client would.

use std::sync::Arc;

use anyhow::{Context, Result};
use atpass_protocol::dpop::{DpopProof, NonceKeeper};
use atpass_protocol::id::{ClientId, Did, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_protocol::token::{AccessTokenClaims, Audience, Confirmation, SessionId, new_token_id};
use atpass_replay::{MemoryReplay, Replay as _};
use data_encoding::BASE64URL_NOPAD;

use crate::{Input, rivals};

pub(crate) const METHOD: &str = "POST";
pub(crate) const URL: &str = "https://pds.example.com/xrpc/com.atproto.repo.createRecord";
pub(crate) const COLLECTION: &str = "app.example.post";
pub(crate) const KID: &str = "k1";

/// As many people call in turn.
const SESSIONS: usize = 16;

/// Who takes part.
pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    pub(crate) origin: Issuer,
    pub(crate) audience: Did,
    pub(crate) nonces: NonceKeeper,
    /// Which proofs were seen: all servers here are one.
    pub(crate) replay: Arc<MemoryReplay>,
    /// The issuer's.
    pub(crate) key: PrivateKey,
    sessions: Vec<Session>,
}

struct Session {
    key: PrivateKey,
    token: String,
}

/// A request, in the forms in which the verifiers take it. They are made before the clock runs: a
/// server has them from its HTTP library.
#[derive(Clone)]
pub(crate) struct Case {
    /// Which of the sessions it is of.
    pub(crate) session: usize,
    /// The public key of the session, as in SEC 1 section 2.3.3.
    pub(crate) point: Vec<u8>,
    pub(crate) token: String,
    pub(crate) nonce: String,
    pub(crate) proof: String,
    /// What of the proof is signed.
    pub(crate) signed: String,
    pub(crate) signature: Vec<u8>,
    pub(crate) request: http::Request<()>,
}

impl Scene {
    pub(crate) fn new() -> Result<Self> {
        let mut scene = Self {
            issuer: Issuer::parse("https://auth.example.com")?,
            origin: Issuer::parse("https://pds.example.com")?,
            audience: Did::parse("did:web:pds.example.com")?,
            nonces: NonceKeeper::new(&HmacKey::new(&[1; 32])),
            replay: Arc::default(),
            key: PrivateKey::generate()?,
            sessions: Vec::new(),
        };
        for _ in 0..SESSIONS {
            let key = PrivateKey::generate()?;
            let token = scene.token(&key)?;
            scene.sessions.push(Session { key, token });
        }
        Ok(scene)
    }

    /// The nonces that are good for the proofs.
    pub(crate) fn nonces(&self) -> NonceKeeper {
        let era = self.replay.era();
        era.map_or_else(|| self.nonces.clone(), |era| self.nonces.in_era(era))
    }

    /// The public keys of the sessions.
    pub(crate) fn points(&self) -> Result<Vec<Vec<u8>>> {
        let keys = self.sessions.iter().map(|session| point(&session.key));
        keys.collect()
    }

    /// So many requests, the sessions in turn.
    pub(crate) fn cases(&self, number: u32, input: Input) -> Result<Vec<Case>> {
        let sessions = self.sessions.iter().enumerate().cycle();
        sessions
            .take(usize::try_from(number)?)
            .map(|(place, session)| self.case(place, session, input))
            .collect()
    }

    fn case(&self, place: usize, session: &Session, input: Input) -> Result<Case> {
        let now = SystemClock.now();
        let token = match input {
            Input::NewTokens => self.token(&session.key)?,
            Input::HeldTokens | Input::RskyNonces => session.token.clone(),
        };
        let nonce = match input {
            Input::RskyNonces => rivals::rsky_nonce(now)?,
            Input::HeldTokens | Input::NewTokens => self.nonces().issue(now),
        };
        let proof = DpopProof {
            htm: METHOD,
            htu: URL,
            nonce: Some(&nonce),
            access_token: Some(&token),
            iat: now,
        };
        let proof = proof.sign(&session.key, &SystemRandom)?;
        let case = Case {
            session: place,
            point: point(&session.key)?,
            token,
            nonce,
            proof: String::new(),
            signed: String::new(),
            signature: Vec::new(),
            request: http::Request::new(()),
        };
        case.with_proof(proof)
    }

    fn token(&self, key: &PrivateKey) -> Result<String> {
        let now = SystemClock.now();
        let scope = format!("atproto repo:{COLLECTION} rpc:app.example.feed?aud=*");
        let claims = AccessTokenClaims {
            iss: self.issuer.clone(),
            aud: Audience(self.audience.clone()),
            sub: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz")?,
            client_id: ClientId::parse("https://app.example.com/client-metadata.json")?,
            scope: ScopeSet::parse(&scope)?,
            cnf: Confirmation {
                jkt: key.thumbprint(),
            },
            jti: new_token_id(&SystemRandom),
            sid: SessionId::generate(&SystemRandom),
            iat: now,
            exp: now.plus(900),
        };
        Ok(claims.sign(KID, &self.key)?)
    }
}

impl Case {
    /// The same request with another proof.
    fn with_proof(self, proof: String) -> Result<Self> {
        let (signed, signature) = proof.rsplit_once('.').context("a proof has three parts")?;
        let request = http::Request::builder()
            .method(METHOD)
            .uri(URL)
            .header("authorization", format!("DPoP {}", self.token))
            .header("dpop", &proof)
            .body(())?;
        Ok(Self {
            signed: signed.to_owned(),
            signature: BASE64URL_NOPAD.decode(signature.as_bytes())?,
            request,
            proof,
            ..self
        })
    }

    /// The same request with the signature of another: a good one, of something else.
    pub(crate) fn signed_as(self, other: &Self) -> Result<Self> {
        let signature = BASE64URL_NOPAD.encode(&other.signature);
        let proof = format!("{}.{signature}", self.signed);
        self.with_proof(proof)
    }
}

fn point(key: &PrivateKey) -> Result<Vec<u8>> {
    let jwk = serde_json::to_value(key.public())?;
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = jwk.get(name).and_then(serde_json::Value::as_str);
        let coordinate = coordinate.context("a key has two coordinates")?;
        point.extend(BASE64URL_NOPAD.decode(coordinate.as_bytes())?);
    }
    Ok(point)
}
