//! A worker beside the web app: it uses the sessions of the people who signed in there, while the web
//! app does too. The two processes share the store, which is the lock.
//!
//! Takes the web app's settings. Says for each session whether it works; with the word `refresh`, it gets
//! new tokens first.

use std::path::PathBuf;
use std::sync::Arc;

use atpass_client::OAuthClient;
use atpass_client::store::SqliteStore;
use example_clients::{parts, secrets, setting, web_app};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let data = PathBuf::from(setting("DATA", "web-app-data"));
    let secrets = secrets(&data)?;
    let store = SqliteStore::open(data.join("sessions.sqlite")).await?;
    let mut parts = parts(Arc::new(store))?;
    parts.sealing = Some(secrets.sealing);
    let client = OAuthClient::new(web_app("atproto", secrets.keys)?, parts);
    client.resume_refreshes().await?;
    let refresh = std::env::args().nth(1).as_deref() == Some("refresh");
    for key in client.sessions().await? {
        let Some(session) = client.restore(&key).await? else {
            continue;
        };
        if refresh && let Err(error) = session.refresh().await {
            println!("{}: {error}", session.did());
            continue;
        }
        match session.get("/xrpc/com.atproto.server.getSession").await {
            Ok(answer) => println!("{}: {}", session.did(), answer.status()),
            Err(error) if error.needs_login() => println!("{}: signed out", session.did()),
            Err(error) => println!("{}: {error}", session.did()),
        }
    }
    Ok(())
}
