//! A command line program that signs a person in and says who they are.
//!
//! `command_line <handle>`

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use atpass_client::{ClientConfig, LOOPBACK_REDIRECT_URI, LoginOptions, MemoryStore, OAuthClient};
use example_clients::parts;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handle = std::env::args()
        .nth(1)
        .context("usage: command_line <handle>")?;
    let config = ClientConfig::loopback(LOOPBACK_REDIRECT_URI, "atproto")?;
    let client = OAuthClient::new(config, parts(Arc::new(MemoryStore::default()))?);
    let patience = Duration::from_mins(5);
    let session = client
        .login_here(&handle, LoginOptions::default(), patience, |url| {
            println!("Open this in your browser:\n{url}");
        })
        .await?;
    let me = session.get("/xrpc/com.atproto.server.getSession").await?;
    println!("{}", String::from_utf8_lossy(me.body()));
    session.logout().await?;
    Ok(())
}
