//! A resource server under load while the keys of its issuer are rotated: none of the requests may
//! fail.
//!
//! Settings: `RATE`, requests a second, and `FOR`, how many seconds. Requests go out by the clock,
//! whether or not those before them were answered. In that time the network's own clock goes through
//! an hour and a half: a key is published ten minutes before it signs and an hour after it signed
//! last, so some are seen to their end. Prints one line of JSON.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "whoever runs it reads why it ended"
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/elsewhere.rs"]
mod elsewhere;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::TokenOrigin;
use atpass_provider::keys::new_key;
use atpass_provider::store::Store;
use atpass_resource::{IssuerKeys, ResourceLayer, VerifiedRequest};
use atpass_testnet::{ManualClock, RequestLog};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use common::{App, Lab, Tokens};
use elsewhere::Elsewhere;
use http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// As many apps call in turn.
const SESSIONS: i64 = 20;
/// Seconds of the network's time in one run, however long it takes.
const STORY: i64 = 5400;
/// The network's clock moves in steps of so many seconds.
const STEP: i64 = 5;
/// Seconds of the network's time from one rotation to the next, and between two refreshes of a session.
const ROTATION: i64 = 900;
const REFRESH: i64 = 300;
/// Bytes of an answer.
const LONGEST: usize = 64 * 1024;

/// A session, as those who call with it see it.
struct Session {
    key: PrivateKey,
    access: Mutex<String>,
    nonce: Mutex<String>,
}

/// An app with its session.
struct Member {
    app: App,
    refresh: String,
    session: Arc<Session>,
}

/// Whom to call.
#[derive(Clone)]
struct Target {
    client: Client<HttpConnector, Body>,
    url: String,
    clock: ManualClock,
}

/// How much.
#[derive(Clone, Copy)]
struct Plan {
    rate: u32,
    seconds: u32,
}

impl Plan {
    fn requests(self) -> usize {
        usize::try_from(self.rate * self.seconds).unwrap()
    }
}

/// How the requests ended.
#[derive(Default)]
struct Outcome {
    /// From when a request was to go out until it was answered.
    latencies: Vec<Duration>,
    /// What was said instead of 200, and how often.
    failures: BTreeMap<String, usize>,
}

#[tokio::main]
async fn main() {
    let plan = Plan {
        rate: setting("RATE"),
        seconds: setting("FOR"),
    };
    let log = RequestLog::default();
    let lab = Lab::start_logged(log.clone()).await;
    let (elsewhere, url) = serve(&lab, log).await;
    let first = kids(&elsewhere).await;
    let mut members = Vec::new();
    for _ in 0..SESSIONS {
        members.push(login(&lab).await);
        // Sign-ins of one account are limited to a few a minute.
        lab.clock.advance(60);
    }
    for member in &mut members {
        member.refresh(lab.clock.now()).await;
        *member.session.nonce.lock().unwrap() = elsewhere.server.next_nonce().unwrap_or_default();
    }
    let sessions: Vec<_> = members
        .iter()
        .map(|member| member.session.clone())
        .collect();
    let target = Target {
        client: Client::builder(TokioExecutor::new()).build_http(),
        url,
        clock: elsewhere.clock.clone(),
    };

    let length = Duration::from_secs(plan.seconds.into());
    let issuer = tokio::spawn(run_issuer(lab, members, length));
    let (outcome, took) = load(&target, &sessions, plan).await;
    let signed_with = issuer.await.unwrap();
    let last = kids(&elsewhere).await;

    let requests = outcome.latencies.len();
    let failed: usize = outcome.failures.values().sum();
    let answer = json!({
        "seconds": took.as_secs_f64(),
        "requests": requests,
        "perSecond": f64::from(u32::try_from(requests).unwrap()) / took.as_secs_f64(),
        "p50Ms": outcome.percentile(50),
        "p99Ms": outcome.percentile(99),
        "keysThatSigned": signed_with,
        "keysGone": first.difference(&last).count(),
        "keyFetches": elsewhere.fetches(),
        "failed": failed,
        "failures": outcome.failures,
    });
    println!("{}", json!({ "rotation": answer }));
}

impl Outcome {
    /// Milliseconds, of the sorted latencies.
    fn percentile(&self, percent: usize) -> f64 {
        let place = self.latencies.len() * percent / 100;
        let latency = self.latencies.get(place).copied().unwrap_or_default();
        latency.as_secs_f64() * 1000.0
    }
}

fn setting<T: FromStr>(name: &str) -> T {
    let value = std::env::var(name).ok().and_then(|text| text.parse().ok());
    value.unwrap_or_else(|| panic!("set {name} to a number"))
}

/// The resource server, over HTTP, and the URL to call.
async fn serve(lab: &Lab, log: RequestLog) -> (Elsewhere, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = Elsewhere::start(lab, Issuer::parse(&origin).unwrap(), log);
    let answer = async |caller: VerifiedRequest| caller.did().to_string();
    let router = Router::new().route("/x", get(answer));
    let router = router.layer(ResourceLayer::new(elsewhere.server.clone()));
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    (elsewhere, format!("{origin}/x"))
}

/// The names of the keys that the resource server knows.
async fn kids(elsewhere: &Elsewhere) -> BTreeSet<String> {
    let keys = elsewhere.keys.keys().await.unwrap();
    keys.keys.iter().map(|key| key.kid.clone()).collect()
}

async fn login(lab: &Lab) -> Member {
    let app = lab.app();
    let tokens = app.login().await;
    let session = Session {
        key: PrivateKey::from_pkcs8(&app.key.to_pkcs8().unwrap()).unwrap(),
        access: Mutex::new(tokens.access),
        nonce: Mutex::default(),
    };
    Member {
        app,
        refresh: tokens.refresh,
        session: Arc::new(session),
    }
}

/// Moves the network's clock, rotates its keys and refreshes the sessions. Returns how many keys have
/// signed.
async fn run_issuer(lab: Lab, mut members: Vec<Member>, length: Duration) -> usize {
    let steps = STORY / STEP;
    let mut ticks = interval(length / u32::try_from(steps).unwrap());
    let mut signed_with = BTreeSet::new();
    for step in 0..steps {
        ticks.tick().await;
        lab.clock.advance(STEP);
        if step * STEP % ROTATION == 0 {
            let key = new_key(false, lab.clock.now()).unwrap();
            lab.network.store().add_signing_key(&key).await.unwrap();
            lab.network.refresh().await.unwrap();
        }
        if step * STEP % (REFRESH / SESSIONS) == 0 {
            members.rotate_left(1);
            if let Some(member) = members.first_mut() {
                let access = member.refresh(lab.clock.now()).await;
                signed_with.insert(TokenOrigin::read(&access).unwrap().kid);
            }
        }
    }
    signed_with.len()
}

impl Member {
    async fn refresh(&mut self, now: UnixTime) -> String {
        self.app.now = now;
        let tokens = Tokens::of(&self.app.refresh(&self.refresh).await);
        self.refresh = tokens.refresh;
        self.session
            .access
            .lock()
            .unwrap()
            .clone_from(&tokens.access);
        tokens.access
    }
}

/// Sends the requests, and waits for the last answer. Returns how long that took.
async fn load(target: &Target, sessions: &[Arc<Session>], plan: Plan) -> (Outcome, Duration) {
    let mut calls = JoinSet::new();
    // Where it is late, those that were to go out follow at once.
    let mut ticks = interval(Duration::from_secs(1) / plan.rate);
    let begun = Instant::now();
    for session in sessions.iter().cycle().take(plan.requests()) {
        let due = ticks.tick().await;
        let (target, session) = (target.clone(), session.clone());
        calls.spawn(async move {
            let answer = target.call(&session).await;
            (due.elapsed(), answer)
        });
    }
    let mut outcome = Outcome::default();
    for (latency, answer) in calls.join_all().await {
        outcome.latencies.push(latency);
        if let Err(failure) = answer {
            *outcome.failures.entry(failure).or_default() += 1;
        }
    }
    outcome.latencies.sort_unstable();
    (outcome, begun.elapsed())
}

impl Target {
    /// A call, or what it failed with.
    async fn call(&self, session: &Session) -> Result<(), String> {
        let access = session.access.lock().unwrap().clone();
        let nonce = session.nonce.lock().unwrap().clone();
        let proof = DpopProof {
            htm: "GET",
            htu: &self.url,
            nonce: Some(&nonce),
            access_token: Some(&access),
            iat: self.clock.now(),
        };
        let request = Request::get(&self.url)
            .header("authorization", format!("DPoP {access}"))
            .header("dpop", proof.sign(&session.key, &SystemRandom).unwrap())
            .body(Body::empty())
            .unwrap();
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let body = axum::body::to_bytes(Body::new(body), LONGEST).await;
        let body = body.map_err(|error| error.to_string())?;
        if let Some(nonce) = head.headers.get("dpop-nonce") {
            nonce
                .to_str()
                .unwrap()
                .clone_into(&mut session.nonce.lock().unwrap());
        }
        if head.status == StatusCode::OK {
            Ok(())
        } else {
            Err(format!(
                "{} {}",
                head.status,
                String::from_utf8_lossy(&body)
            ))
        }
    }
}
