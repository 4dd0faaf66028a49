//! The session of a request.

use std::ops::Deref;

use ::axum::extract::{FromRequestParts, OptionalFromRequestParts};
use ::axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{Method, StatusCode, header};

use super::SignIn;
use crate::{ClientError, Session};

/// The session of the person who sent the request. As `Option<SignedIn>`, `None` for people who aren't
/// signed in; as `SignedIn`, they are sent to the sign-in page.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Session);

impl Deref for SignedIn {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

/// Why a request has no session.
#[derive(Debug)]
pub enum NotSignedIn {
    /// A page that a browser asked for: it is sent to the sign-in page.
    Page {
        /// The path of the sign-in page.
        sign_in_page: String,
    },
    /// Anything else: status 401.
    Unauthorized,
    /// The session store failed: status 503.
    Store(ClientError),
    /// The routes aren't under [`SignIn::add_to`]: status 500.
    NotAdded,
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            Self::Page { sign_in_page } => Redirect::to(&sign_in_page).into_response(),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response(),
            Self::Store(error) => {
                tracing::error!(%error, "a session could not be looked up");
                (StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment.\n").into_response()
            }
            Self::NotAdded => {
                tracing::error!("SignedIn is used by routes that SignIn::add_to wasn't given");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

async fn find(parts: &Parts) -> Result<Option<SignedIn>, NotSignedIn> {
    let sign_in = parts
        .extensions
        .get::<SignIn>()
        .ok_or(NotSignedIn::NotAdded)?;
    let Some(key) = sign_in.0.cookies.session(&parts.headers) else {
        return Ok(None);
    };
    let session = sign_in.client().restore(&key).await;
    Ok(session.map_err(NotSignedIn::Store)?.map(SignedIn))
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotSignedIn> {
        if let Some(session) = find(parts).await? {
            return Ok(session);
        }
        let accept = parts.headers.get(header::ACCEPT);
        let wants_page = accept
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
        let sign_in = parts.extensions.get::<SignIn>();
        Err(match sign_in {
            Some(sign_in) if wants_page && parts.method == Method::GET => NotSignedIn::Page {
                sign_in_page: sign_in.0.sign_in_page.clone(),
            },
            _ => NotSignedIn::Unauthorized,
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, NotSignedIn> {
        find(parts).await
    }
}

impl<S: Sync> FromRequestParts<S> for SignIn {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotSignedIn> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or(NotSignedIn::NotAdded)
    }
}
