//! What stands before all routes: other sites can't make a person's browser change anything here.

use ::axum::extract::{Request, State};
use ::axum::middleware::Next;
use ::axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use super::SignIn;
use crate::ClientKind;

pub(super) async fn guard(
    State(sign_in): State<SignIn>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(there) = the_address(&sign_in, &request) {
        return Redirect::temporary(&there).into_response();
    }
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !is_safe && is_foreign(request.headers(), &sign_in.0.origin) {
        let text = "This request comes from another site, and was not carried out.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    request.extensions_mut().insert(sign_in);
    next.run(request).await
}

/// Whether another site made the browser send this. A browser says so (Fetch Metadata, or `Origin`);
/// who says nothing is no browser, and has nobody's cookies.
fn is_foreign(headers: &HeaderMap, origin: &Url) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(from)) => from != origin.origin().ascii_serialization(),
        (None, None) => false,
    }
}

/// A developer who typed `localhost` is sent to the address at which the login comes back: cookies of
/// the one aren't seen at the other.
fn the_address(sign_in: &SignIn, request: &Request) -> Option<String> {
    if sign_in.client().config().kind() != ClientKind::Loopback || request.method() != Method::GET {
        return None;
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    if host.split(':').next() != Some("localhost") {
        return None;
    }
    let path = request.uri().path_and_query()?.as_str();
    let origin = sign_in.0.origin.origin().ascii_serialization();
    Some(format!("{origin}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites() {
        let origin = Url::parse("https://app.example.com/").unwrap();
        for (headers, foreign) in [
            (vec![], false),
            (vec![("sec-fetch-site", "same-origin")], false),
            (vec![("sec-fetch-site", "none")], false),
            (vec![("sec-fetch-site", "same-site")], true),
            (vec![("sec-fetch-site", "cross-site")], true),
            (vec![("sec-fetch-site", "?")], true),
            (vec![("origin", "https://app.example.com")], false),
            (vec![("origin", "https://app.example.com:444")], true),
            (vec![("origin", "https://evil.example")], true),
            (vec![("origin", "null")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_foreign(&map, &origin), foreign, "{headers:?}");
        }
    }
}
