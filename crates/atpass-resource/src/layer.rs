//! A tower layer that lets verified requests through, and marks every answer.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Body;
use futures::future::BoxFuture;
use http::{Request, Response};
use tower::{Layer, Service};

use crate::ResourceServer;
use crate::challenge::add_metadata_url;

/// Puts a [`ResourceServer`] before a service. What it lets through carries a
/// [`crate::VerifiedRequest`] in its extensions.
#[derive(Clone, Debug)]
pub struct ResourceLayer(ResourceServer);

impl ResourceLayer {
    /// The layer of this resource server.
    pub const fn new(server: ResourceServer) -> Self {
        Self(server)
    }
}

impl<S> Layer<S> for ResourceLayer {
    type Service = ResourceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResourceService {
            server: self.0.clone(),
            inner,
        }
    }
}

/// A service behind a [`ResourceLayer`].
#[derive(Clone, Debug)]
pub struct ResourceService<S> {
    server: ResourceServer,
    inner: S,
}

impl<S, B> Service<Request<B>> for ResourceService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone waits in its place.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let server = self.server.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let verified = server.verify_parts(&parts).await;
            let mut response = match verified {
                Ok(verified) => {
                    parts.extensions.insert(verified);
                    inner.call(Request::from_parts(parts, body)).await?
                }
                Err(refusal) => return Ok(refusal.into()),
            };
            // The handler may have refused as well.
            add_metadata_url(&mut response, &server);
            server.mark(response.headers_mut());
            Ok(response)
        })
    }
}
