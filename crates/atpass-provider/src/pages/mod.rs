//! The pages that people meet: sign-in, account choice, new account, consent, and what went wrong.
//!
//! Plain forms, no scripts. Each handler takes a [`BrowserRequest`] and gives a [`Page`];
//! [`crate::routes`] knows the HTTP on both sides.

pub(crate) mod account;
mod authorize;
mod browser;
mod choose;
mod consent;
mod error;
mod form_post;
mod language;
mod new_account;
mod pending;
mod permissions;
mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod view;

pub(crate) use authorize::authorize;
pub(crate) use browser::{BrowserRequest, cookie_name};
pub(crate) use choose::choose;
pub(crate) use consent::decide;
pub(crate) use error::PageError;
pub(crate) use language::Language;
pub(crate) use sign_in::sign_in;

use std::sync::LazyLock;

use askama::Template;
use atpass_protocol::secret::Secret;
use data_encoding::BASE64URL_NOPAD;
use i18n_embed_fl::fl;

use crate::error::EndpointError;
use crate::provider::Provider;
use view::Layout;

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

/// What every page shows, in this language.
fn layout<'a>(provider: &'a Provider, language: &'static Language) -> Layout<'a> {
    let config = provider.config();
    let texts = language.texts();
    // The page marks the domain up, so that the text comes in two parts.
    let place = '\u{fffc}';
    let text = fl!(texts, "on-server", host = place.to_string());
    let (before, after) = text.split_once(place).unwrap_or((&text, ""));
    Layout {
        server_host: config.issuer.host(),
        before_host: before.to_owned(),
        after_host: after.to_owned(),
        stylesheet: &STYLESHEET_PATH,
        development: config.development,
        language: language.tag,
        texts,
    }
}
