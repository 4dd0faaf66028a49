//! The pages that people meet: sign-in, account choice, consent, and what went wrong.
//!
//! Plain forms, no scripts. Each handler takes a [`BrowserRequest`] and gives a [`Page`];
//! [`crate::routes`] knows the HTTP on both sides.

pub(crate) mod account;
mod authorize;
mod browser;
mod choose;
mod consent;
mod form_post;
mod pending;
mod sign_in;
pub(crate) mod view;

pub(crate) use authorize::authorize;
pub(crate) use browser::{BrowserRequest, cookie_name};
pub(crate) use choose::choose;
pub(crate) use consent::decide;
pub(crate) use sign_in::sign_in;

use std::sync::LazyLock;

use askama::Template;
use atpass_protocol::secret::Secret;
use data_encoding::BASE64URL_NOPAD;

use crate::error::EndpointError;
use crate::provider::Provider;
use view::{Layout, Problem};

/// The style sheet of all pages.
pub(crate) const STYLESHEET: &str = include_str!("style.css");
/// Where it is served. The name changes with its content, so that it may be cached for good.
pub(crate) static STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = Secret::new(STYLESHEET).sha256();
    format!("/oauth/style-{}.css", BASE64URL_NOPAD.encode(&digest[..9]))
});

/// What a page handler answers.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) body: PageBody,
    /// A `Set-Cookie` header.
    pub(crate) cookie: Option<String>,
}

#[derive(Debug)]
pub(crate) enum PageBody {
    /// A page.
    Html {
        status: u16,
        html: String,
        sources: Sources,
    },
    /// On to another URL, with GET (303).
    SeeOther(String),
}

/// What a page may use besides this server's own, for its content security policy.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Where a form on it may lead in the end: the origin of the client's redirect URI. Browsers
    /// hold redirects after a form against `form-action`.
    pub(crate) form: Option<String>,
    /// Where a trusted client's picture comes from.
    pub(crate) image: Option<String>,
    /// The one script, by its hash.
    pub(crate) script: Option<String>,
}

impl Page {
    pub(crate) fn see_other(location: impl Into<String>) -> Self {
        Self {
            body: PageBody::SeeOther(location.into()),
            cookie: None,
        }
    }

    fn html(status: u16, template: &impl Template, sources: Sources) -> Result<Self, PageError> {
        let html = template
            .render()
            .map_err(|error| EndpointError::Unavailable(format!("template: {error}")))?;
        Ok(Self {
            body: PageBody::Html {
                status,
                html,
                sources,
            },
            cookie: None,
        })
    }

    fn with_cookie(mut self, cookie: Option<String>) -> Self {
        self.cookie = cookie.or(self.cookie);
        self
    }
}

/// Why a page can't be shown. It becomes an error page: the redirect URI is only ever used once a
/// pushed request was found, and then the handlers answer with a redirect themselves.
#[derive(Debug)]
pub(crate) enum PageError {
    /// The browser, or the app behind it, did something wrong.
    Problem {
        status: u16,
        title: &'static str,
        message: &'static str,
        /// For the developer of the app.
        detail: Option<String>,
    },
    /// A part of ours failed.
    Endpoint(EndpointError),
}

impl<E: Into<EndpointError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Endpoint(error.into())
    }
}

impl PageError {
    fn problem(status: u16, title: &'static str, message: &'static str) -> Self {
        Self::Problem {
            status,
            title,
            message,
            detail: None,
        }
    }

    fn with_detail(self, text: impl std::fmt::Display) -> Self {
        match self {
            Self::Problem {
                status,
                title,
                message,
                ..
            } => Self::Problem {
                status,
                title,
                message,
                detail: Some(text.to_string()),
            },
            Self::Endpoint(error) => Self::Endpoint(error),
        }
    }

    /// The page that says so.
    pub(crate) fn page(self, provider: &Provider) -> Page {
        let (status, title, message, detail) = match self {
            Self::Problem {
                status,
                title,
                message,
                detail,
            } => (status, title, message, detail),
            Self::Endpoint(EndpointError::OAuth(error)) => (
                400,
                "This request can’t be used",
                "The app sent something that this server doesn’t accept. Go back to the app and try again.",
                Some(error.to_string()),
            ),
            Self::Endpoint(EndpointError::Unavailable(detail)) => {
                tracing::error!(detail, "page failed");
                (
                    503,
                    "Something went wrong here",
                    "This is our fault, not yours. Nothing was changed. Please try again in a moment.",
                    None,
                )
            }
        };
        let template = Problem {
            layout: layout(provider),
            title,
            message,
            detail: detail.as_deref(),
            status,
        };
        let html = template.render().unwrap_or_else(|_| title.to_owned());
        Page {
            body: PageBody::Html {
                status,
                html,
                sources: Sources::default(),
            },
            cookie: None,
        }
    }
}

fn layout(provider: &Provider) -> Layout<'_> {
    let config = provider.config();
    Layout {
        server_host: config.issuer.host(),
        stylesheet: &STYLESHEET_PATH,
        development: config.development,
    }
}
