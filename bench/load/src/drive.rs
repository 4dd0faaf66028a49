//! Load: requests that were signed beforehand, so many in flight at once or so many a second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;

/// The path of all requests here.
pub(crate) const PATH: &str = "/oauth/token";

/// A request that is ready to go out.
pub(crate) struct Post {
    pub(crate) proof: String,
    pub(crate) form: String,
}

/// Who answers.
#[derive(Clone)]
pub(crate) enum Target {
    /// The routes of a server in this process.
    Routes(Router),
    /// Servers, in turn.
    Servers {
        client: Client<HttpConnector, Body>,
        /// Their addresses.
        addresses: Arc<[String]>,
        turn: Arc<AtomicUsize>,
    },
}

/// How long requests took.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// From when a request was to go out until it was answered.
    each: Vec<Duration>,
    /// From the first to the last.
    pub(crate) all: Duration,
}

impl Times {
    pub(crate) fn new(each: Vec<Duration>, all: Duration) -> Self {
        Self { each, all }
    }

    pub(crate) fn count(&self) -> usize {
        self.each.len()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.each.extend(other.each);
        self.all += other.all;
    }

    pub(crate) fn per_second(&self) -> f64 {
        real(self.count()) / self.all.as_secs_f64()
    }

    /// Microseconds within which so many of a thousand were answered.
    pub(crate) fn microseconds(&self, per_thousand: usize) -> f64 {
        let mut sorted = self.each.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * per_thousand).div_ceil(1000).max(1) - 1;
        let found = sorted.get(place).copied().unwrap_or_default();
        found.as_secs_f64() * 1e6
    }
}

/// A count as a number to reckon with: none here is too large for that.
pub(crate) fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

impl Target {
    pub(crate) fn servers(addresses: Vec<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self::Servers {
            client: Client::builder(hyper_util::rt::TokioExecutor::new()).build(connector),
            addresses: addresses.into(),
            turn: Arc::default(),
        }
    }

    /// The nonce that a server gives to whoever comes with a bad proof.
    pub(crate) async fn nonce(&self) -> Result<String> {
        let Self::Servers {
            client, addresses, ..
        } = self
        else {
            bail!("the routes are asked in another way");
        };
        let address = addresses.first().context("a server")?;
        let request = Request::post(format!("http://{address}{PATH}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("dpop", "none")
            .body(Body::empty())?;
        let answer = client.request(request).await?;
        let nonce = answer.headers().get("dpop-nonce").context("a nonce")?;
        Ok(nonce.to_str()?.to_owned())
    }

    /// Sends one; anything but success is an error.
    async fn send(&self, post: Post) -> Result<()> {
        let request = Request::post(match self {
            Self::Routes(_) => PATH.to_owned(),
            Self::Servers {
                addresses, turn, ..
            } => {
                let turn = turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
                format!("http://{}{PATH}", addresses[turn])
            }
        });
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("dpop", post.proof)
            .body(Body::from(post.form))?;
        match self {
            Self::Routes(routes) => {
                let answer = routes.clone().oneshot(request).await?;
                let (status, body) = read(answer).await?;
                check(status, &body)
            }
            Self::Servers { client, .. } => {
                let (status, body) = read(client.request(request).await?).await?;
                check(status, &body)
            }
        }
    }
}

async fn read<B>(answer: Response<B>) -> Result<(StatusCode, Bytes)>
where
    B: http_body::Body,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (head, body) = answer.into_parts();
    Ok((head.status, body.collect().await?.to_bytes()))
}

fn check(status: StatusCode, body: &[u8]) -> Result<()> {
    if status != StatusCode::OK {
        let said = String::from_utf8_lossy(body);
        bail!("a refresh was answered with {status}: {said}");
    }
    Ok(())
}

/// All of the requests, so many at once.
pub(crate) async fn in_flight(target: &Target, posts: Vec<Post>, many: usize) -> Result<Times> {
    let left = Arc::new(Mutex::new(posts.into_iter()));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..many {
        let (target, left) = (target.clone(), left.clone());
        workers.spawn(async move {
            let next = || {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                left.next()
            };
            let mut each = Vec::new();
            while let Some(post) = next() {
                let begun = Instant::now();
                target.send(post).await?;
                each.push(begun.elapsed());
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

/// All of the requests, so many a second: each goes out when it is due, whether or not those before it were
/// answered, and its time counts from that moment.
pub(crate) async fn at_rate(target: &Target, posts: Vec<Post>, per_second: u32) -> Result<Times> {
    let (runtime, target) = (Handle::current(), target.clone());
    let gap = Duration::from_secs(1) / per_second;
    let begun = Instant::now();
    // On a thread of its own: the runtime's timers are too coarse, by a millisecond.
    let sender = std::thread::spawn(move || {
        let mut due = begun;
        let mut under_way = Vec::with_capacity(posts.len());
        for post in posts {
            due += gap;
            wait_until(due);
            let target = target.clone();
            under_way.push(runtime.spawn(async move {
                target.send(post).await?;
                anyhow::Ok(due.elapsed())
            }));
        }
        under_way
    });
    let sent = tokio::task::spawn_blocking(move || sender.join()).await?;
    let Ok(under_way) = sent else {
        bail!("the thread that sends has panicked");
    };
    let mut each = Vec::with_capacity(under_way.len());
    for answer in under_way {
        each.push(answer.await??);
    }
    Ok(Times::new(each, begun.elapsed()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "requests go out by the clock; there is nothing else to wait for"
)]
fn wait_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
