//! `atpass login`.

use std::process::ExitCode;
use std::time::Duration;

use atpass_client::LoginOptions;
use atpass_protocol::text::shown;
use clap::Args;
use serde_json::json;
use url::Url;

use super::{DEFAULT_SCOPE, Place};
use crate::output::{print, print_json};

/// Sign in to an account, in the browser
///
/// Finds the account's server, opens its sign-in page, and keeps the session for `atpass call`.
/// Several accounts may be signed in, each once: a new login of one that is signed in takes the place of the
/// earlier one.
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

pub(crate) async fn run(args: &Login) -> anyhow::Result<ExitCode> {
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
    for earlier in own.sessions_of(session.did()).await? {
        if earlier.key() != session.key()
            && let Err(error) = earlier.logout().await
        {
            anstream::eprintln!("atpass: the earlier session could not be ended: {error}");
        }
    }
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
            shown(&session.scope())
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
