//! The verified request as an axum extractor.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{ResourceError, VerifiedRequest};

impl<S: Sync> FromRequestParts<S> for VerifiedRequest {
    type Rejection = ResourceError;

    /// Fails with [`ResourceError::NotGuarded`] where the route isn't behind a
    /// [`crate::ResourceLayer`]: never with an unverified caller.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ResourceError> {
        let verified = parts.extensions.get::<Self>().cloned();
        verified.ok_or(ResourceError::NotGuarded)
    }
}
