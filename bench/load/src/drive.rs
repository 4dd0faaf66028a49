//! Load: requests that were signed beforehand, so many in flight at once or so many a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tower::ServiceExt;

use crate::pace::{self, Times};

/// The path of all requests here.
pub const PATH: &str = "/oauth/token";

/// A request that is ready to go out.
pub struct Post {
    pub proof: String,
    pub form: String,
}

/// Who answers.
#[derive(Clone)]
pub enum Target {
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

impl Target {
    pub fn servers(addresses: Vec<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self::Servers {
            client: Client::builder(hyper_util::rt::TokioExecutor::new()).build(connector),
            addresses: addresses.into(),
            turn: Arc::default(),
        }
    }

    /// The nonce that a server gives to whoever comes with a bad proof.
    pub async fn nonce(&self) -> Result<String> {
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
pub async fn in_flight(target: &Target, posts: Vec<Post>, many: usize) -> Result<Times> {
    let target = target.clone();
    let send = move |post| {
        let target = target.clone();
        async move { target.send(post).await }
    };
    pace::in_flight(posts, many, send).await
}

/// All of the requests, so many a second.
pub(crate) async fn at_rate(target: &Target, posts: Vec<Post>, per_second: u32) -> Result<Times> {
    let target = target.clone();
    let send = move |post| {
        let target = target.clone();
        async move { target.send(post).await }
    };
    pace::at_rate(posts, per_second, send).await
}
