//! The routes.

use ::axum::extract::State;
use ::axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::SignIn;
use crate::{ClientError, LoginRequest};

/// The longest of what a person types, in bytes.
const LONGEST_IDENTIFIER: usize = 2048;
/// The longest path to come back to, in bytes. It lies in an encrypted cookie, and browsers drop cookies
/// of more than 4096 bytes (RFC 6265bis section 5.6).
const LONGEST_RETURN: usize = 1024;

pub(super) async fn login(State(sign_in): State<SignIn>, body: Bytes) -> Response {
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(&body);
        let found = fields.find(|(field, _)| field == name);
        found.map(|(_, value)| value.into_owned())
    };
    let identifier = field("identifier").unwrap_or_default();
    if identifier.len() > LONGEST_IDENTIFIER {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    match sign_in.client().login(&identifier).await {
        Ok(login) => begin(&sign_in, &login, field("return_to")),
        Err(error) => failed(&sign_in, &error),
    }
}

/// Sends the browser to the login's page, with a cookie that binds the login to this browser.
pub(super) fn begin(sign_in: &SignIn, login: &LoginRequest, return_to: Option<String>) -> Response {
    let return_to = return_to.filter(|path| is_local(path));
    let return_to = return_to.unwrap_or_else(|| "/".to_owned());
    let cookie = sign_in.0.cookies.set_login(&login.state, return_to);
    with_cookies(Redirect::to(login.url.as_str()), [cookie])
}

pub(super) async fn callback(
    State(sign_in): State<SignIn>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let state = parameters.find(|(name, _)| name == "state");
    let state = state
        .map(|(_, state)| state.into_owned())
        .unwrap_or_default();
    let cookies = &sign_in.0.cookies;
    // A login is finished in the browser in which it began, or somebody could sign it in as themselves.
    let Some(login) = cookies.login(&headers, &state) else {
        // The page loaded again: who is signed in by now isn't told that something failed.
        if cookies.session(&headers).is_some() {
            return Redirect::to("/").into_response();
        }
        return failed(&sign_in, &ClientError::UnknownState);
    };
    let over = cookies.remove_login(&state);
    match sign_in.client().callback(query).await {
        Ok(session) => {
            // The session that this browser had before is nobody's any more.
            if let Some(old) = cookies.session(&headers) {
                end(&sign_in, &old).await;
            }
            let cookie = cookies.set_session(session.key());
            with_cookies(Redirect::to(&login.return_to), [cookie, over])
        }
        Err(error) => with_cookies(failed(&sign_in, &error), [over]),
    }
}

pub(super) async fn logout(State(sign_in): State<SignIn>, headers: HeaderMap) -> Response {
    let cookies = &sign_in.0.cookies;
    if let Some(key) = cookies.session(&headers) {
        end(&sign_in, &key).await;
    }
    with_cookies(Redirect::to("/"), [cookies.remove_session()])
}

async fn end(sign_in: &SignIn, key: &crate::SessionKey) {
    let ended = match sign_in.client().restore(key).await {
        Ok(Some(session)) => session.logout().await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "a session was signed out here, and its server could not be told");
    }
}

/// Clause C-META-01.
pub(super) async fn metadata(State(sign_in): State<SignIn>) -> Response {
    match sign_in.client().metadata_document() {
        Some(document) => json(document),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The public keys. What this prints is made of [`atpass_protocol::jose::PublishedKey`]s, which hold
/// nothing else.
pub(super) async fn jwks(State(sign_in): State<SignIn>) -> Response {
    let keys = sign_in.client().jwks();
    match keys.and_then(|keys| serde_json::to_string(&keys).ok()) {
        Some(keys) => json(keys),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn json(text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        // Servers see a new key soon.
        (CACHE_CONTROL, "public, max-age=60"),
    ];
    (headers, text).into_response()
}

fn failed(sign_in: &SignIn, error: &ClientError) -> Response {
    tracing::info!(%error, stage = ?error.stage(), "a login failed");
    (sign_in.0.on_error)(error)
}

fn with_cookies<const N: usize>(
    response: impl IntoResponse,
    cookies: [Option<HeaderValue>; N],
) -> Response {
    let mut response = response.into_response();
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Whether it is a path of this app that a cookie can hold, and nothing that a browser takes for another site.
fn is_local(path: &str) -> bool {
    let is_clean = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    path.len() <= LONGEST_RETURN && path.starts_with('/') && !path.starts_with("//") && is_clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_app() {
        let longest = format!("/{}", "x".repeat(1023));
        for good in ["/", "/notes?x=1", "/a//b", &longest] {
            assert!(is_local(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/\t/e",
            &format!("{longest}x"),
        ] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
