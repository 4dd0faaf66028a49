//! A worker beside the web app: it uses the sessions of the people who signed in there, while the web
//! app does too. The two processes share the store, which is the lock.
//!
//! `DATA` is the web app's folder, `PUBLIC_URL` its URL. Says for each session who it is.

use std::path::PathBuf;
use std::sync::Arc;

use atpass_client::store::SqliteStore;
use atpass_client::{ClientConfig, OAuthClient};
use example_clients::{parts, secrets, setting};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let data = PathBuf::from(setting("DATA", "web-app-data"));
    let public_url = setting("PUBLIC_URL", "http://127.0.0.1:3000");
    let secrets = secrets(&data)?;
    let store = SqliteStore::open(data.join("sessions.sqlite")).await?;
    let mut parts = parts(Arc::new(store))?;
    parts.sealing = Some(secrets.sealing);
    let config = ClientConfig::from_public_url(&public_url, "atproto", secrets.keys)?;
    let client = OAuthClient::new(config, parts);
    client.resume_refreshes().await?;
    for key in client.sessions().await? {
        let Some(session) = client.restore(&key).await? else {
            continue;
        };
        match session.get("/xrpc/com.atproto.server.getSession").await {
            Ok(answer) => println!("{}: {}", session.did(), answer.status()),
            Err(error) if error.needs_login() => println!("{}: signed out", session.did()),
            Err(error) => println!("{}: {error}", session.did()),
        }
    }
    Ok(())
}
