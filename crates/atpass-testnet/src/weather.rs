//! A bad network in front of the token endpoint: requests and answers that get lost, come late, or come
//! twice. It keeps count of what it did, and of refresh tokens that were sent though their answer had
//! arrived.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atpass_protocol::random::{self, Random, SystemRandom};
use atpass_protocol::request::Form;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use tower::ServiceExt;

/// How often each mishap happens: of 1000 requests.
#[derive(Clone, Copy, Debug)]
pub struct Forecast {
    /// The request never arrives, and its connection breaks.
    pub lost_request: u16,
    /// The request is carried out, and the connection breaks before the answer.
    pub lost_answer: u16,
    /// The answer takes up to half a second longer.
    pub late: u16,
    /// The request arrives twice, and the second answer is the one that gets through.
    pub twice: u16,
    /// A page of some proxy comes in place of the answer.
    pub proxy_page: u16,
}

impl Forecast {
    /// Nothing happens.
    pub const FAIR: Self = Self {
        lost_request: 0,
        lost_answer: 0,
        late: 0,
        twice: 0,
        proxy_page: 0,
    };
    /// One request of five has a mishap.
    pub const STORM: Self = Self {
        lost_request: 40,
        lost_answer: 60,
        late: 50,
        twice: 30,
        proxy_page: 20,
    };
}

/// The weather, and what it has done so far. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Weather(Arc<Sky>);

#[derive(Debug)]
struct Sky {
    forecast: Mutex<Forecast>,
    /// Refresh tokens by hash: whether an answer with new tokens has got through.
    tokens: Mutex<HashMap<[u8; 32], bool>>,
    requests: AtomicU64,
    refreshed: AtomicU64,
    mishaps: AtomicU64,
    sent_again: AtomicU64,
    sent_after_answer: AtomicU64,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeatherReport {
    /// Refresh requests.
    pub requests: u64,
    /// Answers with new tokens that got through.
    pub refreshed: u64,
    /// Requests with a mishap.
    pub mishaps: u64,
    /// Refresh tokens that were sent more than once: without an answer, there is no other way.
    pub sent_again: u64,
    /// Those of them whose answer had got through: whoever received it has died, or made a mistake.
    pub sent_after_answer: u64,
}

enum Mishap {
    None,
    LostRequest,
    LostAnswer,
    Late(Duration),
    Twice,
    ProxyPage,
}

impl Weather {
    /// As forecast.
    pub fn new(forecast: Forecast) -> Self {
        Self(Arc::new(Sky {
            forecast: Mutex::new(forecast),
            tokens: Mutex::default(),
            requests: AtomicU64::default(),
            refreshed: AtomicU64::default(),
            mishaps: AtomicU64::default(),
            sent_again: AtomicU64::default(),
            sent_after_answer: AtomicU64::default(),
        }))
    }

    /// Changes from here on.
    pub fn change(&self, forecast: Forecast) {
        *self
            .0
            .forecast
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = forecast;
    }

    /// What has happened so far.
    pub fn report(&self) -> WeatherReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WeatherReport {
            requests: count(&self.0.requests),
            refreshed: count(&self.0.refreshed),
            mishaps: count(&self.0.mishaps),
            sent_again: count(&self.0.sent_again),
            sent_after_answer: count(&self.0.sent_after_answer),
        }
    }

    /// The routes, with this weather before their token endpoint.
    pub(crate) fn over(&self, routes: Router) -> Router {
        let weather = self.clone();
        Router::new().fallback(move |request: Request| {
            let (weather, routes) = (weather.clone(), routes.clone());
            async move {
                if request.uri().path() == "/oauth/token" {
                    weather.pass(&routes, request).await
                } else {
                    call(&routes, request).await
                }
            }
        })
    }

    async fn pass(&self, routes: &Router, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else {
            return broken();
        };
        let again = || Request::from_parts(parts.clone(), Body::from(body.clone()));
        let token = Form::parse(&body)
            .ok()
            .and_then(|form| form.get("refresh_token").map(ToOwned::to_owned))
            .map(|token| atpass_protocol::secret::Secret::new(token).sha256());
        if let Some(token) = token {
            self.note_request(token);
        }
        let mishap = self.mishap();
        if !matches!(mishap, Mishap::None) {
            self.0.mishaps.fetch_add(1, Ordering::Relaxed);
        }
        let answer = match mishap {
            Mishap::LostRequest => return broken(),
            Mishap::LostAnswer => {
                call(routes, again()).await;
                return broken();
            }
            Mishap::ProxyPage => {
                call(routes, again()).await;
                return Response::builder()
                    .status(502)
                    .body(Body::from("<h1>Bad Gateway</h1>"))
                    .unwrap_or_default();
            }
            Mishap::Late(wait) => {
                // Nothing to wait for but the time itself.
                let never = std::future::pending::<()>();
                let _ = tokio::time::timeout(wait, never).await;
                call(routes, again()).await
            }
            Mishap::Twice => {
                call(routes, again()).await;
                call(routes, again()).await
            }
            Mishap::None => call(routes, again()).await,
        };
        if let Some(token) = token
            && answer.status().is_success()
        {
            self.note_answer(token);
        }
        answer
    }

    fn note_request(&self, token: [u8; 32]) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(&token) {
            None => drop(tokens.insert(token, false)),
            Some(answered) => {
                self.0.sent_again.fetch_add(1, Ordering::Relaxed);
                let after = u64::from(*answered);
                self.0.sent_after_answer.fetch_add(after, Ordering::Relaxed);
            }
        }
    }

    fn note_answer(&self, token: [u8; 32]) {
        self.0.refreshed.fetch_add(1, Ordering::Relaxed);
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(token, true);
    }

    fn mishap(&self) -> Mishap {
        let forecast = *self
            .0
            .forecast
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut draw = u16::from_ne_bytes(random::bytes::<2>(&SystemRandom)) % 1000;
        let mut falls = |share: u16| {
            let hit = draw < share;
            draw = draw.wrapping_sub(share);
            hit
        };
        if falls(forecast.lost_request) {
            Mishap::LostRequest
        } else if falls(forecast.lost_answer) {
            Mishap::LostAnswer
        } else if falls(forecast.late) {
            let mut byte = [0];
            SystemRandom.fill(&mut byte);
            let [byte] = byte;
            Mishap::Late(Duration::from_millis(2 * u64::from(byte)))
        } else if falls(forecast.twice) {
            Mishap::Twice
        } else if falls(forecast.proxy_page) {
            Mishap::ProxyPage
        } else {
            Mishap::None
        }
    }
}

async fn call(routes: &Router, request: Request) -> Response {
    let answer: Result<Response, Infallible> = routes.clone().oneshot(request).await;
    answer.unwrap_or_else(|never| match never {})
}

/// An answer that never gets through: the connection breaks in the middle of it.
fn broken() -> Response {
    let cut_off = futures::stream::iter([
        Ok(Bytes::from_static(b"{")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    Response::new(Body::from_stream(cut_off))
}
