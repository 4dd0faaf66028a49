//! The app's requests, one after the other.

use std::sync::Arc;

use askama::Template;
use atpass_client::{ClientError, Session, SessionKey};
use atpass_protocol::request::Form;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use cookie::{Cookie, SameSite};
use data_encoding::BASE64URL_NOPAD;
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::App;
use super::view::{NoteView, STYLESHEET, STYLESHEET_PATH, SignedIn, SignedOut};

/// The collection of the app's records.
const COLLECTION: &str = "app.example.note";
/// Cookie that names the session.
const SESSION: &str = "notes-session";
/// Cookie that binds a login to the browser in which it began.
const LOGIN: &str = "notes-login";

type AppState = State<Arc<App>>;

/// Sends people who typed `localhost` to the address that the login comes back to, and puts the
/// usual headers on every page.
pub(super) async fn frame(State(app): AppState, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| host != app.origin.host()) {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        return see_other(&app.origin.at(path));
    }
    let mut response = next.run(request).await;
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
        app.server
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

pub(super) async fn stylesheet() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=60"),
    ];
    (headers, STYLESHEET).into_response()
}

pub(super) async fn home(State(app): AppState, headers: HeaderMap) -> Response {
    match current(&app, &headers).await {
        Ok(Some(session)) => signed_in(&app, &session, None).await,
        Ok(None) => signed_out(&app, "", None),
        Err(error) => signed_out(&app, "", Some(&error)),
    }
}

pub(super) async fn sign_in(State(app): AppState, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let handle = form
        .as_ref()
        .ok()
        .and_then(|form| form.get("handle"))
        .unwrap_or_default();
    begin(&app, handle, handle).await
}

pub(super) async fn sign_in_at_server(State(app): AppState) -> Response {
    begin(&app, app.server.as_str(), "").await
}

async fn begin(app: &App, typed: &str, handle: &str) -> Response {
    match app.client.login(typed).await {
        Ok(login) => {
            let response = see_other(login.url.as_str());
            with_cookie(response, &cookie(LOGIN, login.state.as_str()))
        }
        Err(error) => signed_out(app, handle, Some(&error)),
    }
}

pub(super) async fn callback(State(app): AppState, uri: Uri, headers: HeaderMap) -> Response {
    let query = uri.query().unwrap_or_default();
    // The login must have begun in this browser, or somebody could sign it in as themselves.
    let began = Form::parse(query.as_bytes())
        .ok()
        .and_then(|form| form.get("state").map(ToOwned::to_owned));
    if began.is_none() || began != read_cookie(&headers, LOGIN) {
        return signed_out(&app, "", Some(&ClientError::UnknownState));
    }
    match app.client.callback(query).await {
        Ok(session) => with_cookie(see_other("/"), &cookie(SESSION, session.key().as_str())),
        Err(error) => signed_out(&app, "", Some(&error)),
    }
}

pub(super) async fn write_note(State(app): AppState, headers: HeaderMap, body: Bytes) -> Response {
    let (session, form) = match posted(&app, &headers, &body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let text = form.get("text").unwrap_or_default().trim();
    if text.is_empty() {
        return signed_in(&app, &session, Some("Write something first.")).await;
    }
    let record = json!({
        "repo": session.did(),
        "collection": COLLECTION,
        "record": { "$type": COLLECTION, "text": text, "createdAt": app.clock.now() },
    });
    let written = call(
        session
            .post("/xrpc/com.atproto.repo.createRecord", &record)
            .await,
    );
    after(&app, &session, written.map(|_| ())).await
}

pub(super) async fn delete_note(State(app): AppState, headers: HeaderMap, body: Bytes) -> Response {
    let (session, form) = match posted(&app, &headers, &body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let record = json!({
        "repo": session.did(),
        "collection": COLLECTION,
        "rkey": form.get("rkey"),
    });
    let deleted = call(
        session
            .post("/xrpc/com.atproto.repo.deleteRecord", &record)
            .await,
    );
    after(&app, &session, deleted.map(|_| ())).await
}

pub(super) async fn refresh(State(app): AppState, headers: HeaderMap, body: Bytes) -> Response {
    let session = match posted(&app, &headers, &body).await {
        Ok((session, _)) => session,
        Err(response) => return response,
    };
    let refreshed = session
        .refresh()
        .await
        .map_err(|error| error.user_message());
    after(&app, &session, refreshed).await
}

pub(super) async fn sign_out(State(app): AppState, headers: HeaderMap, body: Bytes) -> Response {
    let session = match posted(&app, &headers, &body).await {
        Ok((session, _)) => session,
        Err(response) => return response,
    };
    if let Err(error) = session.logout().await {
        tracing::warn!(%error, "the session was forgotten, but not revoked");
    }
    let mut gone = cookie(SESSION, "");
    gone.make_removal();
    with_cookie(see_other("/"), &gone)
}

/// Back to the page, or the page again with what went wrong.
async fn after(app: &App, session: &Session, result: Result<(), String>) -> Response {
    match result {
        Ok(()) => see_other("/"),
        Err(problem) => signed_in(app, session, Some(&problem)).await,
    }
}

/// The session of a form that came from one of our pages.
async fn posted(app: &App, headers: &HeaderMap, body: &Bytes) -> Result<(Session, Form), Response> {
    let session = current(app, headers)
        .await
        .map_err(|error| signed_out(app, "", Some(&error)))?;
    let session = session.ok_or_else(|| see_other("/"))?;
    let form = Form::parse(body)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.description).into_response())?;
    if form.get("csrf") == Some(csrf(app, &session).as_str()) {
        Ok((session, form))
    } else {
        Err((StatusCode::FORBIDDEN, "This form is not of this page.\n").into_response())
    }
}

async fn current(app: &App, headers: &HeaderMap) -> Result<Option<Session>, ClientError> {
    match read_cookie(headers, SESSION) {
        Some(key) => app.client.restore(&SessionKey::new(key)).await,
        None => Ok(None),
    }
}

fn csrf(app: &App, session: &Session) -> String {
    BASE64URL_NOPAD.encode(&app.csrf.sign(&[session.key().as_str().as_bytes()]))
}

/// The JSON of a good answer, or a sentence for the page.
fn call(answer: Result<http::Response<Bytes>, ClientError>) -> Result<Value, String> {
    let answer = answer.map_err(|error| error.user_message())?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().is_success() {
        return Ok(body);
    }
    let message = body
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or("no reason given");
    Err(format!("The server refused: {message}"))
}

/// The same, of a session that may have ended: then there is no page of it any more.
fn call_unless_over(
    answer: Result<http::Response<Bytes>, ClientError>,
) -> Result<Result<Value, String>, ClientError> {
    match answer {
        Err(error) if error.needs_login() => Err(error),
        answer => Ok(call(answer)),
    }
}

async fn signed_in(app: &App, session: &Session, problem: Option<&str>) -> Response {
    match try_signed_in(app, session, problem).await {
        Ok(response) => response,
        Err(error) => signed_out(app, "", Some(&error)),
    }
}

async fn try_signed_in(
    app: &App,
    session: &Session,
    problem: Option<&str>,
) -> Result<Response, ClientError> {
    let me = session.get("/xrpc/com.atproto.server.getSession").await;
    let me = call_unless_over(me)?;
    let list = format!(
        "/xrpc/com.atproto.repo.listRecords?repo={}&collection={COLLECTION}",
        session.did()
    );
    let list = call_unless_over(session.get(&list).await)?;
    // Asked for last: the calls above may have refreshed.
    let (scope, expires_at) = (session.scope(), session.expires_at());
    let pds = session.pds();
    let handle = me
        .as_ref()
        .ok()
        .and_then(|me| me.get("handle"))
        .and_then(Value::as_str);
    let notes = list
        .as_ref()
        .ok()
        .and_then(|list| list.get("records"))
        .and_then(Value::as_array);
    let notes: Vec<_> = notes.into_iter().flatten().filter_map(note).collect();
    let failed = me
        .as_ref()
        .err()
        .or(list.as_ref().err())
        .map(String::as_str);
    let template = SignedIn {
        stylesheet: STYLESHEET_PATH,
        handle: handle.unwrap_or(session.did().as_str()),
        did: session.did().as_str(),
        server: pds.as_str(),
        scope: &scope,
        expires_in: expires_at.since(app.clock.now()),
        csrf: &csrf(app, session),
        notes: &notes,
        problem: problem.or(failed),
    };
    Ok(page(StatusCode::OK, &template))
}

fn note(record: &Value) -> Option<NoteView> {
    Some(NoteView {
        text: record.get("value")?.get("text")?.as_str()?.to_owned(),
        rkey: record.get("uri")?.as_str()?.rsplit('/').next()?.to_owned(),
    })
}

fn signed_out(app: &App, handle: &str, error: Option<&ClientError>) -> Response {
    if let Some(error) = error {
        tracing::info!(%error, "the app could not do what was asked");
    }
    let problem = error.map(ClientError::user_message);
    let accounts: Vec<_> = app
        .accounts
        .iter()
        .map(|account| (account.handle.as_str(), account.password))
        .collect();
    let template = SignedOut {
        stylesheet: STYLESHEET_PATH,
        server: app.server.as_str(),
        accounts: &accounts,
        problem: problem.as_deref(),
        handle,
    };
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page(status, &template)
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn cookie(name: &'static str, value: &str) -> Cookie<'static> {
    // Lax: the authorization server's site sends the browser back here.
    Cookie::build((name, value.to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

fn read_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut cookies = values.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

fn with_cookie(mut response: Response, cookie: &Cookie<'_>) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
