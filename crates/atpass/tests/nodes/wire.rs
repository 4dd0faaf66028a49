//! Sends requests, has the witness write down what was told, and keeps what an attacker would keep.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atpass_fetch::{FetchConfig, Fetcher};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::common::Answer;
use crate::history::{Act, Millis, Outcome, Reply, What, Who};
use crate::proxy::{PERSON, REQUEST};
use crate::witness::Witness;

/// Requests that an attacker remembers.
const REMEMBERED: usize = 4000;
/// Seconds after which nobody waits for an answer any longer.
const PATIENCE: u64 = 30;

/// What a request is about, for the witness.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) who: Who,
    pub(crate) account: Option<String>,
    pub(crate) what: What,
    pub(crate) proof: Option<u64>,
    pub(crate) assertion: Option<u64>,
}

/// A form with a proof, as an app posts it.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) path: &'static str,
    pub(crate) body: String,
    pub(crate) proof: String,
    /// The client assertion that is in the body.
    pub(crate) assertion: Option<String>,
    pub(crate) address: String,
    pub(crate) draft: Draft,
}

/// A form that was posted.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) id: u64,
    pub(crate) sent: Millis,
    pub(crate) post: Post,
    /// Its sender was told that it was done.
    told: bool,
}

pub(crate) struct Wire {
    fetcher: Fetcher,
    /// The issuer: the proxy.
    pub(crate) origin: String,
    pub(crate) witness: Arc<Witness>,
    posted: Mutex<VecDeque<Arc<Posted>>>,
}

impl Wire {
    pub(crate) fn new(origin: String, witness: Arc<Witness>) -> Self {
        let limits = FetchConfig {
            per_host: 2048,
            in_all: 4096,
            total_timeout: Duration::from_secs(PATIENCE),
            // Each request is alone on its connection, so that cutting one cuts nothing else.
            keep_alive: Duration::ZERO,
            ..FetchConfig::development()
        };
        Self {
            fetcher: Fetcher::new(limits).unwrap(),
            origin,
            witness,
            posted: Mutex::default(),
        }
    }

    pub(crate) const fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Sends a request. `None` if there was no whole answer.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        address: &str,
        draft: Draft,
    ) -> (u64, Option<Answer>) {
        let id = self.witness.number();
        let headers = request.headers_mut();
        headers.insert(REQUEST, id.into());
        headers.insert(PERSON, address.parse().unwrap());
        let sent = self.witness.now();
        let answer = self.fetcher.fetch(request).await.ok().map(Answer::of);
        let outcome = answer
            .as_ref()
            .map_or(Outcome::Cut { withheld: None }, |answer| {
                Outcome::Told(read(answer))
            });
        let Draft {
            who,
            account,
            what,
            proof,
            assertion,
        } = draft;
        self.witness.write(Act {
            id,
            sent,
            told: self.witness.now(),
            who,
            account,
            what,
            proof,
            assertion,
            outcome,
        });
        (id, answer)
    }

    /// Posts a form: to the proxy, or to a node at this port.
    pub(crate) async fn post(&self, post: &Post, node: Option<u16>) -> Option<Answer> {
        let origin = node.map_or_else(
            || self.origin.clone(),
            |port| format!("http://127.0.0.1:{port}"),
        );
        let request = Request::post(format!("{origin}{}", post.path))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("dpop", &post.proof)
            .body(Bytes::from(post.body.clone()))
            .unwrap();
        let sent = self.witness.now();
        let (id, answer) = self.send(request, &post.address, post.draft.clone()).await;
        if post.draft.who == Who::Owner {
            let told = answer
                .as_ref()
                .is_some_and(|answer| answer.status.is_success());
            let post = post.clone();
            let mut posted = self.posted.lock().unwrap();
            posted.push_back(Arc::new(Posted {
                id,
                sent,
                post,
                told,
            }));
            if posted.len() > REMEMBERED {
                posted.pop_front();
            }
        }
        answer
    }

    /// The requests of which it is known that a node did what they ask, newest first: their proofs and
    /// assertions have counted.
    pub(crate) fn done(&self) -> Vec<Arc<Posted>> {
        let posted = self.posted.lock().unwrap();
        let withheld = |id| {
            let status = self.witness.withheld(id);
            status.is_some_and(|status| (200..300).contains(&status))
        };
        let done = posted.iter().rev();
        done.filter(|posted| posted.told || withheld(posted.id))
            .cloned()
            .collect()
    }
}

fn read(answer: &Answer) -> Reply {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().map(ToOwned::to_owned);
    let claims = body["access_token"].as_str().and_then(claims);
    let session = claims.as_ref().and_then(|claims| claims["sid"].as_str());
    Reply {
        status: answer.status.as_u16(),
        error: text("error").unwrap_or_default(),
        json: body.is_object(),
        sub: text("sub"),
        session: session.map(ToOwned::to_owned),
    }
}

/// The claims of an access token, which its app has no business with.
fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// The session of an access token.
pub(crate) fn session_of(token: &str) -> Option<String> {
    Some(claims(token)?["sid"].as_str()?.to_owned())
}
