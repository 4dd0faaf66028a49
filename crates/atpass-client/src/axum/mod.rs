//! Sign-in for an axum app: routes, a cookie that names the session, and an extractor.
//!
//! The crate's front page has a whole app ([A web app in 30 lines](crate#a-web-app-in-30-lines)).
//!
//! | route | does |
//! | --- | --- |
//! | `POST /oauth/login` | field `identifier`: what the person typed; field `return_to`: a path of the app to come back to |
//! | `GET /oauth/callback` | where the authorization server sends the browser |
//! | `POST /oauth/logout` | ends the session |
//! | `GET /oauth/client-metadata.json`, `GET /oauth/jwks.json` | the app's identity, where it publishes one |
//!
//! The callback, the metadata and the keys are served where the client's configuration says that they
//! are. Cookies are encrypted, out of reach for scripts, and sent over TLS only where the app is; a login
//! is finished in the browser in which it began, and nowhere else. A browser has one session at a time:
//! a second sign-in ends the first, of whatever account. Requests that change something are
//! refused when another site made the browser send them, for all of the app's routes.

mod backend;
mod cookies;
mod extract;
mod guard;
mod routes;

use std::sync::Arc;

use ::axum::response::{IntoResponse, Response};
use ::axum::routing::{get, post};
use ::axum::{Router, middleware};
use atpass_protocol::id::ClientIdKind;
use atpass_protocol::seal::SealingKeys;
use http::{StatusCode, header};
use url::{Origin, Url};

pub use backend::{AssertionBackend, AssertionRequest};
pub use extract::{NotSignedIn, SignedIn};

use crate::config::ConfigError;
use crate::{ClientError, LoginRequest, OAuthClient, page};
use cookies::Cookies;

/// What answers when a login fails.
type OnError = dyn Fn(&ClientError) -> Response + Send + Sync;

/// Sign-in for one app. Cheap to clone.
#[derive(Clone)]
pub struct SignIn(Arc<Inner>);

struct Inner {
    client: OAuthClient,
    cookies: Cookies,
    /// The app's public origin, from its configuration and never from a request.
    origin: Url,
    callback: String,
    sign_in_page: String,
    on_error: Box<OnError>,
}

impl SignIn {
    /// For this client, whose first redirect URI is a URL of the app. `cookies` encrypts the cookies; it
    /// is kept, or everybody is signed out when the app starts again.
    pub fn new(client: OAuthClient, cookies: SealingKeys) -> Result<Self, ConfigError> {
        const NOT_OURS: ConfigError = ConfigError::Url(
            "the client's first redirect URI must be an http or https URL of the app",
        );
        let callback = client.config().redirect_uris().first().ok_or(NOT_OURS)?;
        let callback = Url::parse(callback.as_str()).map_err(|_| NOT_OURS)?;
        let Origin::Tuple(scheme, ..) = callback.origin() else {
            return Err(NOT_OURS);
        };
        let mut origin = callback.clone();
        origin.set_path("");
        origin.set_query(None);
        Ok(Self(Arc::new(Inner {
            cookies: Cookies::new(cookies, scheme == "https"),
            callback: callback.path().to_owned(),
            client,
            origin,
            sign_in_page: "/".to_owned(),
            on_error: Box::new(error_page),
        })))
    }

    /// The path of the app's page with the sign-in form, `/` if not set: where people are sent who are
    /// not signed in and should be.
    #[must_use]
    pub fn sign_in_page(self, path: impl Into<String>) -> Self {
        self.change(|inner| inner.sign_in_page = path.into())
    }

    /// What answers when a login fails, in place of a plain page. [`ClientError::user_message`] is
    /// a sentence for people.
    #[must_use]
    pub fn on_error(
        self,
        answer: impl Fn(&ClientError) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.change(|inner| inner.on_error = Box::new(answer))
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = match Arc::try_unwrap(self.0) {
            Ok(inner) => inner,
            Err(shared) => Inner {
                client: shared.client.clone(),
                cookies: shared.cookies.clone(),
                origin: shared.origin.clone(),
                callback: shared.callback.clone(),
                sign_in_page: shared.sign_in_page.clone(),
                on_error: Box::new(move |error| (shared.on_error)(error)),
            },
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// The client.
    pub fn client(&self) -> &OAuthClient {
        &self.0.client
    }

    /// Sends the browser to a login that the app began itself, such as one that asks for more scopes
    /// ([`Session::upgrade_scopes`](crate::Session::upgrade_scopes)). It comes back to `return_to`, a
    /// path of the app.
    pub fn redirect(&self, login: &LoginRequest, return_to: &str) -> Response {
        routes::begin(self, login, Some(return_to.to_owned()))
    }

    /// The app with the routes of this module, its extractor, and the guard against other sites.
    pub fn add_to<S: Clone + Send + Sync + 'static>(self, app: Router<S>) -> Router<S> {
        let config = self.client().config();
        let mut routes = Router::new()
            .route("/oauth/login", post(routes::login))
            .route("/oauth/logout", post(routes::logout))
            .route(&self.0.callback, get(routes::callback));
        if let ClientIdKind::Document(url) = config.client_id().kind()
            && url.origin() == self.0.origin.origin()
        {
            routes = routes.route(url.path(), get(routes::metadata));
        }
        if let Some(url) = config.published_jwks_uri()
            && url.origin() == self.0.origin.origin()
            && config.jwks().is_some()
        {
            routes = routes.route(url.path(), get(routes::jwks));
        }
        let guard = middleware::from_fn_with_state(self.clone(), guard::guard);
        app.merge(routes.with_state(self)).layer(guard)
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("client", &self.0.client)
            .finish_non_exhaustive()
    }
}

/// A plain page, for apps that have none of their own.
fn error_page(error: &ClientError) -> Response {
    let status = if error.is_transient() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let html = page::html("Not signed in", &error.user_message(), Some(("/", "Back")));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            page::CONTENT_SECURITY_POLICY,
        ),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, html).into_response()
}
