//! One log line and the figures for each request. The query is never among them: it may hold what
//! is nobody's business.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode, Uri};

use super::metrics::{Metrics, Stopwatch};

/// The longest path that is written, in characters; a longer one is no path of ours.
const LONGEST_PATH: usize = 100;

/// Watches a request from its first line to its answer.
pub(super) async fn observe(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let under_way = UnderWay {
        route: request.extensions().get::<MatchedPath>().cloned(),
        uri: request.uri().clone(),
        method: method(request.method()),
        stopwatch: Stopwatch::start(),
        answered: None,
        metrics,
    };
    under_way.metrics.begin();
    let response = next.run(request).await;
    under_way.finish(response.status());
    response
}

/// The methods that exist; whatever else somebody sends is one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A request under way. Dropped without an answer when its client goes away.
struct UnderWay {
    metrics: Metrics,
    route: Option<MatchedPath>,
    uri: Uri,
    method: &'static str,
    stopwatch: Stopwatch,
    answered: Option<StatusCode>,
}

impl UnderWay {
    fn finish(mut self, status: StatusCode) {
        self.answered = Some(status);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let took = self.stopwatch.seconds();
        let outcome = match self.answered {
            None => "aborted",
            Some(status) if status.is_server_error() => "failed",
            Some(status) if status.is_client_error() => "refused",
            Some(status) if status.is_redirection() => "redirected",
            Some(_) => "ok",
        };
        let status = self.answered.map_or(0, |status| status.as_u16());
        let route = self.route.as_ref().map_or("unknown", MatchedPath::as_str);
        self.metrics.end(route, self.method, status, took);
        tracing::info!(
            target: "atpass::request",
            method = self.method,
            path = self.uri.path().chars().take(LONGEST_PATH).collect::<String>(),
            status,
            outcome,
            milliseconds = (took * 1e6).round() / 1e3,
            "request"
        );
    }
}
