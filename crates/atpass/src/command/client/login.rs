//! `atpass login`.

use std::process::ExitCode;
use std::time::Duration;

use atpass_client::{LoginOptions, Session};
use clap::Args;
use serde_json::json;
use url::Url;

use super::tell::{failure, safe};
use super::{DEFAULT_SCOPE, Ended, Own, Place};
use crate::output::{many, print, print_json};

/// Sign in to an account, in the browser
///
/// Finds the account's server, opens its sign-in page, and keeps the session for `atpass call`.
/// Several accounts may be signed in. An account that is signed in already gets a new session, and its
/// earlier ones here end.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// A handle, a DID, or the https URL of a PDS or authorization server
    #[arg(value_name = "HANDLE|DID|URL")]
    input: String,
    /// What to ask for
    #[arg(long, default_value = DEFAULT_SCOPE)]
    scope: String,
    /// Print the URL, and open no browser
    #[arg(long)]
    no_browser: bool,
    /// How long to wait for the browser
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
    /// Print one JSON object at the end; the URL goes to standard error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: &Login) -> anyhow::Result<ExitCode> {
    let own = args.place.open(&args.scope).await?;
    let show = |url: &Url| {
        anstream::eprintln!("Sign in with your browser:\n\n  {url}\n");
        // Where none can be opened, the person has the URL.
        if !args.no_browser && opener::open_browser(url.as_str()).is_err() {
            anstream::eprintln!("No browser could be opened here. Open the URL yourself.");
        }
    };
    let patience = Duration::from_secs(args.timeout);
    let options = LoginOptions::default();
    let session = own
        .client
        .login_here(&args.input, options, patience, show)
        .await?;
    own.make_current(&session)?;
    end_earlier(&own, &session).await;
    if args.json {
        print_json(&json!({
            "did": session.did(),
            "pds": session.pds(),
            "issuer": session.issuer(),
            "scope": session.scope(),
        }))?;
    } else {
        print(&format!(
            "Signed in as {} at {}.\nGranted: {}",
            session.did(),
            session.pds(),
            safe(session.scope())
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends this account's other sessions here. The new one is good whatever becomes of them.
async fn end_earlier(own: &Own, session: &Session) {
    let earlier = match own.client.sessions_of(session.did()).await {
        Ok(keys) => keys.into_iter().filter(|key| key != session.key()),
        Err(error) => {
            anstream::eprintln!("atpass: earlier sessions go on: {}", safe(error));
            return;
        }
    };
    let mut ended = 0_u64;
    for key in earlier {
        match own.end(&key).await {
            Ok(Ended::Before) => {}
            Ok(Ended::Both(_)) => ended += 1,
            Ok(Ended::Here(_, error)) => {
                ended += 1;
                let error = safe(error);
                anstream::eprintln!(
                    "atpass: an earlier session ended here, but its server wasn't told: {error}"
                );
            }
            Err(error) => {
                anstream::eprintln!("atpass: an earlier session goes on: {}", failure(error));
            }
        }
    }
    if ended > 0 {
        let sessions = many(ended, "earlier session");
        anstream::eprintln!("Ended {sessions} of this account.");
    }
}
