//! `atpass whoami`.

use std::process::ExitCode;

use anyhow::bail;
use atpass_client::{ClientError, Session, SessionKey};
use clap::Args;
use serde_json::{Value, json};

use super::tell::safe;
use super::{DEFAULT_SCOPE, NOBODY, Own, Place};
use crate::output::{print, print_json, table, time};

/// Who is signed in, and whether the servers still say so
///
/// Fails if nobody is signed in, or if a session can't be used.
#[derive(Debug, Args)]
pub(crate) struct Whoami {
    /// Get new tokens first
    #[arg(long)]
    refresh: bool,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

struct Row {
    is_current: bool,
    /// None where its record can't be read.
    session: Option<Session>,
    /// The account's handle, if the server knows one.
    handle: Result<Option<String>, Failure>,
}

/// Why there is no answer.
struct Failure {
    /// For people.
    brief: String,
    /// For programs.
    whole: String,
}

pub(super) async fn run(args: &Whoami) -> anyhow::Result<ExitCode> {
    let own = args.place.open(DEFAULT_SCOPE).await?;
    let current = own.current().await.ok();
    let mut rows = Vec::new();
    for key in own.keys().await? {
        let is_current = current.as_ref() == Some(&key);
        rows.extend(row(&own, &key, is_current, args.refresh).await);
    }
    rows.sort_by_cached_key(|row| {
        let did = row.session.as_ref().map(Session::did);
        (did.is_none(), did.map(ToString::to_string))
    });
    if args.json {
        print_json(&rows.iter().map(Row::to_json).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        bail!(NOBODY);
    } else {
        let head = [
            "",
            "handle",
            "account",
            "PDS",
            "access token until",
            "granted",
        ];
        print(&table(head, rows.iter().map(Row::cells)))?;
    }
    let all_good = !rows.is_empty() && rows.iter().all(|row| row.handle.is_ok());
    Ok(if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn row(own: &Own, key: &SessionKey, is_current: bool, refresh: bool) -> Option<Row> {
    let (session, handle) = match own.client.restore(key).await {
        Ok(Some(session)) => {
            let handle = handle(&session, refresh).await;
            (Some(session), handle)
        }
        // One that was signed out just now is none.
        Ok(None) => return None,
        Err(error) => {
            // Without an account, it is the current one that is signed out.
            let which = if is_current { "" } else { " --account" };
            let failure = Failure {
                brief: format!("This session can't be read; `atpass logout{which}` removes it."),
                whole: safe(error),
            };
            (None, Err(failure))
        }
    };
    Some(Row {
        is_current,
        session,
        handle,
    })
}

async fn handle(session: &Session, refresh: bool) -> Result<Option<String>, Failure> {
    if refresh {
        session.refresh().await?;
    }
    let answer = session.get("/xrpc/com.atproto.server.getSession").await?;
    let status = answer.status();
    if !status.is_success() {
        let what = format!("The server answered {status}.");
        return Err(Failure {
            brief: what.clone(),
            whole: what,
        });
    }
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    Ok(body.get("handle").and_then(Value::as_str).map(safe))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let brief = match &error {
            // Whoever reads this can mend the folder.
            ClientError::Store(failure) => safe(failure),
            error => safe(error.user_message()),
        };
        Self {
            brief,
            whole: safe(error),
        }
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let handle = match &self.handle {
            Ok(handle) => handle.clone().unwrap_or_else(|| "-".into()),
            Err(failure) => failure.brief.clone(),
        };
        let of = |read: fn(&Session) -> String| {
            let text = self.session.as_ref().map(read);
            text.unwrap_or_else(|| "-".into())
        };
        [
            if self.is_current { "*" } else { "" }.to_owned(),
            handle,
            of(|session| session.did().to_string()),
            of(|session| session.pds().to_string()),
            of(|session| time(session.expires_at())),
            of(|session| safe(session.scope())),
        ]
    }

    fn to_json(&self) -> Value {
        let session = self.session.as_ref();
        json!({
            "current": self.is_current,
            "did": session.map(Session::did),
            "handle": self.handle.as_ref().ok(),
            "error": self.handle.as_ref().err().map(|failure| &failure.whole),
            "pds": session.map(Session::pds),
            "issuer": session.map(Session::issuer),
            "scope": session.map(Session::scope),
            "expires_at": session.map(|session| time(session.expires_at())),
        })
    }
}
