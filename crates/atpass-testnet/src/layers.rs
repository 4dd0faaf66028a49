//! What stands before the routes of every server of the network.

use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::id::Issuer;
use atpass_protocol::time::Clock;
use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::DATE;

use crate::distance::Distance;
use crate::request_log::RequestLog;

/// The same routes, with the network's own time in each answer (RFC 9110 section 6.6.1): clients learn
/// from it how far their clocks are off.
pub(crate) fn dated(router: Router, clock: &Arc<dyn Clock>) -> Router {
    let clock = clock.clone();
    router.layer(axum::middleware::map_response(
        move |mut response: Response| {
            let seconds = u64::try_from(clock.now().as_secs()).unwrap_or_default();
            let date = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
            if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(date)) {
                response.headers_mut().insert(DATE, date);
            }
            std::future::ready(response)
        },
    ))
}

/// The same routes, with each request written down, and so far away.
pub(crate) fn logged(
    router: Router,
    origin: &Issuer,
    log: &RequestLog,
    distance: &Distance,
) -> Router {
    let (origin, log, distance) = (origin.clone(), log.clone(), distance.clone());
    router.layer(axum::middleware::from_fn(
        move |request: Request, next: Next| {
            let (log, distance) = (log.clone(), distance.clone());
            let place = log.begin(&request, origin.at(request.uri().path()));
            async move {
                distance.travel().await;
                log.end(place, next.run(request).await).await
            }
        },
    ))
}
