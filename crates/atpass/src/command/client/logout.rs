//! `atpass logout`.

use std::process::ExitCode;

use clap::Args;

use super::{DEFAULT_SCOPE, Place, Which};
use crate::output::print;

/// Sign out: end the session at the server, and forget it
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
    let mut sessions = Vec::new();
    if args.all {
        for key in own.client.sessions().await? {
            sessions.extend(own.client.restore(&key).await?);
        }
    } else {
        sessions.push(own.session(&args.which).await?);
    }
    let mut code = ExitCode::SUCCESS;
    for session in sessions {
        let did = session.did().clone();
        match session.logout().await {
            Ok(()) => print(&format!("Signed out {did}."))?,
            Err(error) => {
                anstream::eprintln!(
                    "atpass: {did} is forgotten here, but its server wasn't told: {error}"
                );
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
