//! `atpass logout`.

use std::process::ExitCode;

use atpass_client::SessionKey;
use clap::Args;

use super::tell::{failure, safe};
use super::{DEFAULT_SCOPE, Ended, Own, Place, Which, not_signed_in};
use crate::output::{many, print};

/// Sign out: end the session at the server, and forget it
///
/// With --account, all sessions of that account here end.
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

pub(super) async fn run(args: &Logout) -> anyhow::Result<ExitCode> {
    let own = args.place.open(DEFAULT_SCOPE).await?;
    let keys = keys(&own, args).await?;
    if keys.is_empty() {
        print("Nobody is signed in.")?;
    }
    let (mut code, mut ended) = (ExitCode::SUCCESS, 0_u64);
    for key in &keys {
        match own.end(key).await {
            Ok(Ended::Before) => continue,
            Ok(Ended::Both(did)) => print(&format!("Signed out {did}."))?,
            Ok(Ended::Here(did, error)) => {
                let what =
                    did.map_or_else(|| "an unreadable session".into(), |did| did.to_string());
                let error = safe(error);
                anstream::eprintln!(
                    "atpass: {what} is forgotten here, but its server wasn't told: {error}"
                );
                code = ExitCode::FAILURE;
            }
            // The others are to end all the same.
            Err(error) => {
                anstream::eprintln!("atpass: a session is still here: {}", failure(error));
                code = ExitCode::FAILURE;
                continue;
            }
        }
        ended += 1;
    }
    if args.which.account.is_some() {
        print(&format!("{} ended.", many(ended, "session")))?;
    }
    Ok(code)
}

/// Those that are to end.
async fn keys(own: &Own, args: &Logout) -> anyhow::Result<Vec<SessionKey>> {
    if args.all {
        return own.keys().await;
    }
    let Some(account) = &args.which.account else {
        return Ok(vec![own.current().await?]);
    };
    let did = own.did(account).await?;
    let keys = own.client.sessions_of(&did).await?;
    if keys.is_empty() {
        return Err(not_signed_in(account));
    }
    Ok(keys)
}
