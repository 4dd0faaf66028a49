//! Pages that say what went wrong.

use askama::Template;
use i18n_embed_fl::fl;

use super::language::Language;
use super::view::Problem as ProblemPage;
use super::{Page, PageBody, Sources, layout};
use crate::error::EndpointError;
use crate::provider::Provider;

/// Why a page can't be shown. It becomes an error page: the redirect URI is only ever used once a
/// pushed request was found, and then the handlers answer with a redirect themselves.
#[derive(Debug)]
pub(crate) struct PageError {
    kind: Kind,
    /// For the developer of the app.
    detail: Option<&'static str>,
    /// Where the request has one of its own.
    language: Option<&'static Language>,
}

#[derive(Debug)]
enum Kind {
    /// The browser, or the app behind it, did something wrong.
    Problem(Problem),
    /// A part of ours failed, or the app's request is wrong.
    Endpoint(EndpointError),
}

/// What people can run into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Problem {
    /// A form that isn't from our page in this browser.
    ForeignForm,
    /// A form without one of its buttons.
    UndecidedForm,
    /// A form about an account that isn't signed in.
    SignedOut,
    /// No pushed request is named.
    IncompleteLink,
    /// The pushed request isn't there, or no longer.
    Expired,
    /// The app's request is against the rules.
    BadRequest,
    /// Our own failure.
    Ours,
}

impl Problem {
    const fn status(self) -> u16 {
        match self {
            Self::ForeignForm | Self::SignedOut => 403,
            Self::UndecidedForm | Self::IncompleteLink | Self::Expired | Self::BadRequest => 400,
            Self::Ours => 503,
        }
    }

    /// Title and message.
    fn words(self, language: &Language) -> (String, String) {
        let texts = language.texts();
        match self {
            Self::ForeignForm => (
                fl!(texts, "problem-form-title"),
                fl!(texts, "problem-form-foreign"),
            ),
            Self::UndecidedForm => (
                fl!(texts, "problem-form-title"),
                fl!(texts, "problem-form-undecided"),
            ),
            Self::SignedOut => (
                fl!(texts, "problem-signed-out-title"),
                fl!(texts, "problem-signed-out"),
            ),
            Self::IncompleteLink => (fl!(texts, "problem-link-title"), fl!(texts, "problem-link")),
            Self::Expired => (
                fl!(texts, "problem-expired-title"),
                fl!(texts, "problem-expired"),
            ),
            Self::BadRequest => (
                fl!(texts, "problem-request-title"),
                fl!(texts, "problem-request"),
            ),
            Self::Ours => (fl!(texts, "problem-ours-title"), fl!(texts, "problem-ours")),
        }
    }
}

impl<E: Into<EndpointError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::new(Kind::Endpoint(error.into()))
    }
}

impl PageError {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            language: None,
        }
    }

    pub(super) const fn problem(problem: Problem) -> Self {
        Self::new(Kind::Problem(problem))
    }

    pub(super) const fn with_detail(mut self, text: &'static str) -> Self {
        self.detail = Some(text);
        self
    }

    /// In the language of the request that it is about.
    pub(super) const fn in_language(mut self, language: &'static Language) -> Self {
        self.language = Some(language);
        self
    }

    /// The page that says so, in the browser's language where the request has none of its own.
    pub(crate) fn page(self, provider: &Provider, language: &'static Language) -> Page {
        let language = self.language.unwrap_or(language);
        let (problem, detail) = match self.kind {
            Kind::Problem(problem) => (problem, self.detail.map(ToOwned::to_owned)),
            Kind::Endpoint(EndpointError::OAuth(error)) => {
                (Problem::BadRequest, Some(error.to_string()))
            }
            Kind::Endpoint(EndpointError::Unavailable(detail)) => {
                tracing::error!(detail, "page failed");
                (Problem::Ours, None)
            }
        };
        let (title, message) = problem.words(language);
        let template = ProblemPage {
            layout: layout(provider, language),
            title: &title,
            message: &message,
            detail: detail.as_deref(),
            status: problem.status(),
        };
        let html = template.render().unwrap_or(title);
        Page {
            body: PageBody::Html {
                status: problem.status(),
                html,
                sources: Sources::default(),
            },
            cookie: None,
        }
    }
}
