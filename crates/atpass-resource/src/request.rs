//! Whole requests, for services without tower.

use axum::extract::OriginalUri;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri};

use crate::{Refusal, ResourceServer, VerifiedRequest};

impl ResourceServer {
    /// Verifies a request of any service: who calls, or else the answer that refuses it.
    ///
    /// ```
    /// use atpass_protocol::scope::Repo;
    /// use atpass_resource::{Refusal, ResourceServer};
    /// use http::{Request, Response};
    ///
    /// async fn service(server: &ResourceServer, request: Request<String>) -> Response<String> {
    ///     let answer = write_post(server, &request).await;
    ///     answer.unwrap_or_else(Response::from)
    /// }
    ///
    /// async fn write_post(
    ///     server: &ResourceServer,
    ///     request: &Request<String>,
    /// ) -> Result<Response<String>, Refusal> {
    ///     let caller = server.verify_request(request).await?;
    ///     let allowed = caller.require(Repo::create("app.example.post"));
    ///     allowed.map_err(|error| server.refuse(error))?;
    ///     let mut answer = Response::new(format!("a post by {}", caller.did()));
    ///     server.mark(answer.headers_mut());
    ///     Ok(answer)
    /// }
    /// ```
    pub fn verify_request<B>(
        &self,
        request: &Request<B>,
    ) -> impl Future<Output = Result<VerifiedRequest, Refusal>> + Send {
        // The body, which may not be `Sync`, stays out of what waits.
        self.verify_head(Head {
            method: request.method(),
            uri: whole_uri(request.uri(), request.extensions()),
            headers: request.headers(),
        })
    }

    /// The same for a request whose body was taken off.
    pub async fn verify_parts(&self, parts: &Parts) -> Result<VerifiedRequest, Refusal> {
        self.verify_head(Head {
            method: &parts.method,
            uri: whole_uri(&parts.uri, &parts.extensions),
            headers: &parts.headers,
        })
        .await
    }

    async fn verify_head(&self, head: Head<'_>) -> Result<VerifiedRequest, Refusal> {
        let Head {
            method,
            uri,
            headers,
        } = head;
        self.verify(method, uri.path(), uri.query(), headers)
            .await
            .map_err(|error| self.refuse(error))
    }
}

/// What of a request is looked at.
struct Head<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

/// Under a nested axum router the URI is shortened; the caller's proof is over all of it.
fn whole_uri<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a Uri {
    let original = extensions.get::<OriginalUri>();
    original.map_or(uri, |original| &original.0)
}
