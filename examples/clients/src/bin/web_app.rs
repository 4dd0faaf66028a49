//! A web app that signs people in and writes notes for them.
//!
//! `PUBLIC_URL` is where people reach it (`http://127.0.0.1:3000`): on this machine it is a loopback
//! client, at an https URL a confidential one, or a public one with `CLIENT=public`. `LISTEN` is where it
//! listens for the proxy before it, `DATA` the folder of its sessions and secrets.

use std::path::PathBuf;
use std::sync::Arc;

use atpass_client::axum::{SignIn, SignedIn};
use atpass_client::store::SqliteStore;
use atpass_client::{ClientError, OAuthClient};
use axum::Router;
use axum::extract::RawForm;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use example_clients::{parts, secrets, setting, web_app};
use serde_json::{Value, json};

const SCOPE: &str = "atproto repo:app.example.note";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let data = PathBuf::from(setting("DATA", "web-app-data"));
    let secrets = secrets(&data)?;
    let config = web_app(SCOPE, secrets.keys)?;
    let store = SqliteStore::open(data.join("sessions.sqlite")).await?;
    let mut parts = parts(Arc::new(store))?;
    parts.sealing = Some(secrets.sealing.clone());
    let client = OAuthClient::new(config, parts);
    let sign_in = SignIn::new(client, secrets.sealing)?;
    let app = Router::new()
        .route("/", get(home))
        .route("/notes", post(write_note));
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:3000")).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, sign_in.add_to(app)).await?;
    Ok(())
}

async fn home(session: Option<SignedIn>) -> Result<Html<String>, Failed> {
    let Some(session) = session else {
        return Ok(page(
            "<form method=post action=/oauth/login>\
             <label>Handle <input name=identifier autocomplete=username></label>\
             <button>Sign in</button></form>",
        ));
    };
    let list = format!(
        "/xrpc/com.atproto.repo.listRecords?repo={}&collection=app.example.note",
        session.did()
    );
    let list: Value = serde_json::from_slice(session.get(&list).await?.body()).unwrap_or_default();
    let notes = list
        .get("records")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    Ok(page(&format!(
        "<p>Signed in as {}</p><p>Notes: {notes}</p>\
         <form method=post action=/notes><label>Note <input name=text></label><button>Write</button></form>\
         <form method=post action=/oauth/logout><button>Sign out</button></form>",
        session.did()
    )))
}

async fn write_note(session: SignedIn, RawForm(form): RawForm) -> Result<Redirect, Failed> {
    let mut fields = url::form_urlencoded::parse(&form);
    let text = fields.find(|(name, _)| name == "text");
    let text = text.map(|(_, text)| text.into_owned()).unwrap_or_default();
    let record = json!({
        "repo": session.did(),
        "collection": "app.example.note",
        "record": { "$type": "app.example.note", "text": text },
    });
    session
        .post("/xrpc/com.atproto.repo.createRecord", &record)
        .await?;
    Ok(Redirect::to("/"))
}

fn page(body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <meta name=color-scheme content=\"light dark\"><title>Notes</title>\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:4rem auto;padding:0 1rem;\
         overflow-wrap:anywhere}}input,button{{font:inherit;padding:.4rem .6rem;margin:.2rem 0}}</style>\
         <main><h1>Notes</h1>{body}</main></html>"
    ))
}

/// An answer for people when the client fails.
struct Failed(ClientError);

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        page(&format!(
            "<p>{}</p><p><a href=/>Back</a></p>",
            self.0.user_message()
        ))
        .into_response()
    }
}
