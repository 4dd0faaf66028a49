//! `atpass logout`.

use std::process::ExitCode;

use atpass_client::{ClientError, OAuthClient, SessionKey};
use clap::Args;

use super::{DEFAULT_SCOPE, Own, Place, Which};
use crate::output::print;

/// Sign out: end the account's sessions at its server, and forget them
#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// All accounts
    #[arg(long, conflicts_with = "account")]
    all: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(args: &Logout) -> anyhow::Result<ExitCode> {
    let own = args.place.open(DEFAULT_SCOPE).await?;
    let keys = match &args.which.account {
        _ if args.all => own.client.sessions().await?,
        Some(account) => {
            let did = own.did(account).await?;
            own.client.sessions_of(&did).await?
        }
        None => vec![current(&own).await?],
    };
    if keys.is_empty() {
        print("Nobody is signed in.")?;
    }
    let mut code = ExitCode::SUCCESS;
    for key in keys {
        match sign_out(&own.client, &key).await {
            Ok(Some(said)) => print(&said)?,
            // It was signed out just now.
            Ok(None) => {}
            Err(error) => {
                anstream::eprintln!("atpass: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// The session of the last login, also where it can't be read any more.
async fn current(own: &Own) -> anyhow::Result<SessionKey> {
    if let Some(key) = own.current_key()
        && !matches!(own.client.restore(&key).await, Ok(None))
    {
        return Ok(key);
    }
    Ok(own.current().await?.key().clone())
}

async fn sign_out(client: &OAuthClient, key: &SessionKey) -> anyhow::Result<Option<String>> {
    let untold = |who: &str, error: &ClientError| {
        anyhow::anyhow!("{who} is forgotten here, but its server wasn't told: {error}")
    };
    let session = match client.restore(key).await {
        Ok(Some(session)) => session,
        Ok(None) => return Ok(None),
        Err(error) => {
            client.forget(key).await?;
            return Err(untold("a session", &error));
        }
    };
    let did = session.did().to_string();
    let ended = session.logout().await;
    ended.map_err(|error| untold(&did, &error))?;
    Ok(Some(format!("Signed out {did}.")))
}
