//! Whether apps that run in a browser may use a server (Fetch standard, "HTTP CORS protocol").

use atpass_fetch::Fetcher;
use atpass_protocol::metadata::AuthorizationServerMetadata;
use bytes::Bytes;
use futures::future::join_all;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, Method, Request};

use super::advice::Finding;
use super::timeline::Timeline;

/// The origin of an app that nobody knows, as most apps are.
const APP: &str = "https://app.example.com";

/// Asks again, as a browser would, for documents that came without leave for every origin: some
/// servers give it only to those who name theirs.
pub(crate) async fn check_documents(fetcher: &Fetcher, urls: &[String]) -> Vec<Finding> {
    let checks = urls.iter().map(|url| async move {
        let request = Request::get(url).header(ORIGIN, APP).body(Bytes::new());
        let answer = fetcher.fetch(request.ok()?).await.ok()?;
        (!allows_origin(answer.headers())).then(|| {
            Finding::warning(
                "cors_missing",
                format!("{url} can't be read by apps in a browser"),
                "answer with the header Access-Control-Allow-Origin: *".into(),
            )
        })
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Asks each endpoint as a browser would ask it before a request with a proof.
pub(crate) async fn check_endpoints(
    fetcher: &Fetcher,
    timeline: &Timeline,
    server: &AuthorizationServerMetadata,
) -> Vec<Finding> {
    let endpoints = [
        (
            "cors_par",
            "CORS of PAR",
            Some(&server.pushed_authorization_request_endpoint),
        ),
        ("cors_token", "CORS of token", Some(&server.token_endpoint)),
        (
            "cors_revocation",
            "CORS of revocation",
            server.revocation_endpoint.as_ref(),
        ),
    ];
    let checks = endpoints.into_iter().filter_map(|(name, title, url)| {
        let url = url?;
        Some(async move {
            timeline.begin(name, title, &format!("OPTIONS {url}"));
            let result = preflight(fetcher, url).await;
            timeline.end(name, result.clone());
            let why = result.err()?;
            Some(Finding::warning(
                "cors_missing",
                format!("apps in a browser can't use {url}: {why}"),
                "answer OPTIONS requests with Access-Control-Allow-Origin: * and \
                 Access-Control-Allow-Headers: DPoP, Content-Type; and expose DPoP-Nonce on every \
                 answer"
                    .into(),
            ))
        })
    });
    join_all(checks).await.into_iter().flatten().collect()
}

async fn preflight(fetcher: &Fetcher, url: &str) -> Result<String, String> {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(url)
        .header(ORIGIN, APP)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, "content-type,dpop")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let answer = fetcher
        .fetch(request)
        .await
        .map_err(|error| error.stage.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status().as_u16()));
    }
    if !allows_origin(answer.headers()) {
        return Err("it allows no other origin".into());
    }
    if !allows_header(answer.headers(), "dpop") {
        return Err("it doesn't allow the header DPoP".into());
    }
    Ok("open to apps in a browser".into())
}

pub(crate) fn allows_origin(headers: &HeaderMap) -> bool {
    let allowed = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN);
    allowed.is_some_and(|origin| origin == "*" || origin == APP)
}

fn allows_header(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(ACCESS_CONTROL_ALLOW_HEADERS)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|allowed| allowed.trim() == "*" || allowed.trim().eq_ignore_ascii_case(name))
}
