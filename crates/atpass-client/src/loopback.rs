//! Logins of programs on the person's own machine: a listener on a free port takes the browser's one
//! request, and shows a page that says so (RFC 8252 section 7.3).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atpass_protocol::id::RedirectUri;
use atpass_protocol::request::State;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::Url;

use crate::login::{LoginOptions, LoginRequest};
use crate::{ClientError, OAuthClient, Session, page};

/// Where the browser comes back to.
const PATH: &str = "/callback";
/// Attempts to find a port that is free on both addresses.
const MOST_ATTEMPTS: u32 = 16;
/// How long a browser may take for its one request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A client's redirect URI on this machine: `http://127.0.0.1` and a path. Any port will do.
pub const LOOPBACK_REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// Why a login on this machine didn't come to an end.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The login failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no port to listen on.
    #[error("no port of 127.0.0.1 can be used: {0}")]
    Listen(#[source] std::io::Error),
    /// Nobody came.
    #[error("nobody finished the sign-in within {} seconds", .0.as_secs())]
    TimedOut(Duration),
}

/// A listener for one login.
#[derive(Debug)]
pub struct LoopbackListener {
    v4: TcpListener,
    /// Some browsers take `localhost` for this one. Absent on a machine without IPv6.
    v6: Option<TcpListener>,
    redirect_uri: RedirectUri,
    port: u16,
}

/// A browser's request, and where its page goes.
struct Arrival {
    query: String,
    page: oneshot::Sender<Page>,
}

enum Page {
    Done { who: String },
    Failed { why: String },
}

impl OAuthClient {
    /// The whole login of a program on the person's machine: listens, gives `show` the URL to open in
    /// the person's browser, and waits for at most `patience`.
    ///
    /// One of the client's redirect URIs is [`LOOPBACK_REDIRECT_URI`].
    pub async fn login_here(
        &self,
        typed: &str,
        options: LoginOptions,
        patience: Duration,
        show: impl FnOnce(&Url) + Send,
    ) -> Result<Session, LoopbackError> {
        let listener = LoopbackListener::bind().await?;
        let options = options.redirect_uri(listener.redirect_uri().clone());
        let login = self.login_with(typed, options).await?;
        show(&login.url);
        listener.finish(self, &login, patience).await
    }
}

impl LoopbackListener {
    /// Listens on a free port of this machine, on both addresses that `localhost` may mean.
    pub async fn bind() -> Result<Self, LoopbackError> {
        let mut failure = None;
        for _ in 0..MOST_ATTEMPTS {
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let v4 = v4.map_err(LoopbackError::Listen)?;
            let port = v4.local_addr().map_err(LoopbackError::Listen)?.port();
            let v6 = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(v6) => Some(v6),
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                    failure = Some(error);
                    continue;
                }
                Err(_) => None,
            };
            // RFC 8252 section 8.3: the address, never the name.
            let redirect_uri = RedirectUri::parse(&format!("http://127.0.0.1:{port}{PATH}"))
                .map_err(|error| ClientError::Config(error.into()))?;
            return Ok(Self {
                v4,
                v6,
                redirect_uri,
                port,
            });
        }
        let failure = failure.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
        Err(LoopbackError::Listen(failure))
    }

    /// Where the answer of the login goes ([`LoginOptions::redirect_uri`]).
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Waits for the browser, finishes the login, and shows the person how it ended. Requests that
    /// don't belong to this login are turned away, and change nothing.
    pub async fn finish(
        self,
        client: &OAuthClient,
        login: &LoginRequest,
        patience: Duration,
    ) -> Result<Session, LoopbackError> {
        let (arrival, arrived) = oneshot::channel();
        let arrival = Arc::new(Mutex::new(Some(arrival)));
        let mut listeners = JoinSet::new();
        for listener in [Some(self.v4), self.v6].into_iter().flatten() {
            let expected = Expected {
                state: login.state.clone(),
                port: self.port,
                arrival: arrival.clone(),
            };
            listeners.spawn(serve(listener, expected));
        }
        let arrival = tokio::time::timeout(patience, arrived).await;
        let Ok(Ok(arrival)) = arrival else {
            return Err(LoopbackError::TimedOut(patience));
        };
        let finished = client.callback(&arrival.query).await;
        let page = match &finished {
            Ok(session) => Page::Done {
                who: match &login.handle {
                    Some(handle) => handle.to_string(),
                    None => session.did().to_string(),
                },
            },
            Err(error) => Page::Failed {
                why: error.user_message(),
            },
        };
        // Where the browser has gone away, there is nobody to show it to.
        if arrival.page.send(page).is_ok() {
            // The listener that the browser reached ends by itself once the page is sent.
            let sent = listeners.join_next();
            let _ = tokio::time::timeout(Duration::from_secs(1), sent).await;
        }
        Ok(finished?)
    }
}

/// What the one good request looks like.
#[derive(Clone)]
struct Expected {
    state: State,
    port: u16,
    /// Taken by the first that comes.
    arrival: Arc<Mutex<Option<oneshot::Sender<Arrival>>>>,
}

async fn serve(listener: TcpListener, expected: Expected) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(answer_on(stream, expected.clone()));
                    }
                    // A connection that broke before it began is nobody's loss.
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            Some(done) = connections.join_next() => {
                if matches!(done, Ok(true)) {
                    return;
                }
            }
        }
    }
}

/// Answers the requests of one connection. Whether the login's own was among them.
async fn answer_on(stream: TcpStream, expected: Expected) -> bool {
    let done = std::sync::atomic::AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        let expected = expected.clone();
        let done = &done;
        async move {
            let (response, was_it) = answer(request, expected).await;
            done.fetch_or(was_it, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A browser that opens a connection and sends nothing mustn't hold anything up.
    let patience = HEAD_TIMEOUT + Duration::from_mins(1);
    let _ = tokio::time::timeout(patience, connection).await;
    done.into_inner()
}

async fn answer(request: Request<Incoming>, expected: Expected) -> (Response<Full<Bytes>>, bool) {
    let query = request.uri().query().unwrap_or_default();
    let is_ours = request.method() == Method::GET
        && request.uri().path() == PATH
        && is_this_machine(request.headers(), expected.port);
    let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state");
    if !is_ours || state.is_none_or(|(_, state)| state != expected.state.as_str()) {
        let text = "This page belongs to no sign-in. Start again in the program.\n";
        return (answer_with(StatusCode::NOT_FOUND, "Not found", text), false);
    }
    let (sender, shown) = oneshot::channel();
    let arrival = Arrival {
        query: query.to_owned(),
        page: sender,
    };
    let first = {
        let mut waiting = expected
            .arrival
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.take()
    };
    // The second request of one login (a page loaded again, while the first is still at work or later)
    // finds nobody waiting.
    if first.is_none_or(|first| first.send(arrival).is_err()) {
        let text = "This sign-in is finished. You can close this window.\n";
        return (answer_with(StatusCode::OK, "Finished", text), false);
    }
    let response = match shown.await {
        Ok(Page::Done { who }) => answer_with(
            StatusCode::OK,
            "You are signed in",
            &format!("As {who}. You can close this window and go back to the program."),
        ),
        Ok(Page::Failed { why }) => answer_with(
            StatusCode::BAD_REQUEST,
            "You are not signed in",
            &format!("{why} Go back to the program to try again."),
        ),
        Err(_) => answer_with(StatusCode::GONE, "The program has ended", "Start it again."),
    };
    (response, true)
}

/// Whether the browser meant this machine, and not a name that somebody made to point here.
fn is_this_machine(headers: &HeaderMap, port: u16) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.strip_suffix(&format!(":{port}")));
    matches!(host, Some("127.0.0.1" | "localhost" | "[::1]"))
}

fn answer_with(status: StatusCode, title: &str, text: &str) -> Response<Full<Bytes>> {
    let html = page::html(title, text, None);
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            page::CONTENT_SECURITY_POLICY,
        ),
        // The URL has the code in it.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
