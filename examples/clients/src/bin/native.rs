//! An installed app, as one with Tauri would be: the system's browser shows the sign-in page, and the
//! system gives the app the link with which it ends, by the app's own scheme.
//!
//! `CLIENT_ID` is where the app's metadata lies, which `native metadata` prints. `native login <handle>`
//! begins a login; `native link <URL>` is what the system starts when the browser opens such a link (with
//! Tauri: the deep-link plugin's event); `native whoami` and `native logout` use the session.
//! `DATA` is the folder of its sessions.

use std::sync::Arc;

use anyhow::{Context, bail};
use atpass_client::store::FileStore;
use atpass_client::{ClientConfig, OAuthClient, Session};
use atpass_protocol::id::{ClientId, ClientIdKind};
use example_clients::{parts, setting};
use url::Url;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client_id = setting("CLIENT_ID", "https://app.example.com/client-metadata.json");
    let redirect_uri = link_of(&client_id)?;
    let config = ClientConfig::native(&client_id, &redirect_uri, "atproto transition:generic")?;
    let store = FileStore::open(setting("DATA", "native-data")).await?;
    let client = OAuthClient::new(config, parts(Arc::new(store))?);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["metadata"] => println!("{}", client.metadata_document().unwrap_or_default()),
        ["login", handle] => println!("{}", client.login(handle).await?.url),
        ["link", link] => {
            let link = Url::parse(link)?;
            let session = client.callback(link.query().unwrap_or_default()).await?;
            println!("signed in as {}", session.did());
        }
        ["whoami"] => {
            let session = only_session(&client).await?;
            let me = session.get("/xrpc/com.atproto.server.getSession").await?;
            println!("{}", String::from_utf8_lossy(me.body()));
        }
        ["refresh"] => only_session(&client).await?.refresh().await?,
        ["logout"] => only_session(&client).await?.logout().await?,
        _ => bail!(
            "usage: native metadata | login <handle> | link <URL> | whoami | refresh | logout"
        ),
    }
    Ok(())
}

/// `com.example.app:/callback`: the app's host, read backwards, is its scheme.
fn link_of(client_id: &str) -> anyhow::Result<String> {
    let ClientIdKind::Document(url) = ClientId::parse(client_id)?.kind() else {
        bail!("CLIENT_ID is an https URL");
    };
    let host = url.host_str().context("CLIENT_ID has a host")?;
    let reversed: Vec<_> = host.split('.').rev().collect();
    Ok(format!("{}:/callback", reversed.join(".")))
}

async fn only_session(client: &OAuthClient) -> anyhow::Result<Session> {
    let keys = client.sessions().await?;
    let key = keys.first().context("nobody is signed in")?;
    client.restore(key).await?.context("nobody is signed in")
}
