//! Requests of stored sessions to a resource server.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use anyhow::{Context, Result, anyhow, ensure};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::Did;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::scope::{Repo, ScopeSet};
use atpass_protocol::time::{Clock, SystemClock};
use atpass_protocol::token::{AccessTokenClaims, Audience, Confirmation, new_token_id};
use http::Request;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::apps::SCOPE;
use crate::pace::Times;
use crate::population::{AUDIENCE, Population};
use crate::server::{self, Server};

const METHOD: &str = "POST";
const URL: &str = "https://pds.example.com/xrpc/com.atproto.repo.createRecord";
const COLLECTION: &str = "app.example.post";

/// An access token, and whose it is.
pub(crate) struct Token {
    session: u64,
    text: String,
}

/// An access token for each of these sessions.
pub(crate) fn tokens(
    population: &Population,
    server: &Server,
    sessions: &[u64],
) -> Result<Vec<Token>> {
    let (kid, key) = &server.signing;
    let now = SystemClock.now();
    let scope = ScopeSet::parse(SCOPE)?;
    let token = |&number: &u64| {
        let session = population.session(number);
        let claims = AccessTokenClaims {
            iss: server::issuer()?,
            aud: Audience(Did::parse(AUDIENCE)?),
            sub: Did::parse(&session.did)?,
            client_id: population.apps[session.app].id.clone(),
            scope: scope.clone(),
            cnf: Confirmation {
                jkt: population.keys[session.key].thumbprint(),
            },
            jti: new_token_id(&SystemRandom),
            sid: session.id,
            iat: now,
            exp: now.plus(900),
        };
        Ok(Token {
            session: number,
            text: claims.sign(kid, key).map_err(|error| anyhow!(error))?,
        })
    };
    sessions.iter().map(token).collect()
}

/// A request with each of the tokens, and a proof of its own.
fn requests(
    population: &Population,
    server: &Server,
    tokens: &[Token],
) -> Result<Vec<Request<()>>> {
    let now = SystemClock.now();
    let nonce = server.resource.next_nonce().context("a nonce")?;
    let request = |token: &Token| {
        let proof = DpopProof {
            htm: METHOD,
            htu: URL,
            nonce: Some(&nonce),
            access_token: Some(&token.text),
            iat: now,
        };
        let key = &population.keys[population.session(token.session).key];
        let request = Request::builder()
            .method(METHOD)
            .uri(URL)
            .header("authorization", format!("DPoP {}", token.text))
            .header("dpop", proof.sign(key, &SystemRandom)?)
            .body(())?;
        Ok(request)
    };
    tokens.iter().map(request).collect()
}

/// Verifies a request with each of the tokens, on as many threads as there are cores.
pub(crate) async fn verify(
    population: &Population,
    server: &Server,
    tokens: &[Token],
) -> Result<Times> {
    let requests = requests(population, server, tokens)?;
    let left = Arc::new(Mutex::new(requests.into_iter()));
    let threads = available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..threads {
        let (resource, left) = (server.resource.clone(), left.clone());
        workers.spawn(async move {
            let next = || {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                left.next()
            };
            let mut each = Vec::new();
            while let Some(request) = next() {
                let begun = Instant::now();
                let caller = resource.verify_request(&request).await;
                each.push(begun.elapsed());
                let caller = caller.map_err(|error| anyhow!("a good request: {error:?}"))?;
                let may = caller.require(Repo::create(COLLECTION));
                ensure!(may.is_ok(), "a good request may not do what its scope says");
            }
            anyhow::Ok(each)
        });
    }
    let mut each = Vec::new();
    while let Some(worker) = workers.join_next().await {
        each.extend(worker??);
    }
    Ok(Times::new(each, begun.elapsed()))
}
