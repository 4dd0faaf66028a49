//! `atpass whoami`.

use std::process::ExitCode;

use atpass_client::{ClientError, Session};
use clap::Args;
use serde_json::{Value, json};

use super::{DEFAULT_SCOPE, Place};
use crate::output::{print, print_json, table, time};

/// Who is signed in, and whether the servers still say so
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
    session: Session,
    is_current: bool,
    /// The account's handle, or why the server didn't say.
    handle: Result<Option<String>, ClientError>,
}

pub(crate) async fn run(args: &Whoami) -> anyhow::Result<ExitCode> {
    let own = args.place.open(DEFAULT_SCOPE).await?;
    let current = own.current().await.ok();
    let mut rows = Vec::new();
    for key in own.client.sessions().await? {
        // One that was signed out just now is none.
        let Some(session) = own.client.restore(&key).await? else {
            continue;
        };
        rows.push(Row {
            is_current: current
                .as_ref()
                .is_some_and(|current| *current.key() == key),
            handle: handle(&session, args.refresh).await,
            session,
        });
    }
    rows.sort_by(|one, other| one.session.did().as_str().cmp(other.session.did().as_str()));
    if args.json {
        print_json(&rows.iter().map(Row::to_json).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        print("Nobody is signed in.")?;
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

async fn handle(session: &Session, refresh: bool) -> Result<Option<String>, ClientError> {
    if refresh {
        session.refresh().await?;
    }
    let answer = session.get("/xrpc/com.atproto.server.getSession").await?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let handle = body.get("handle").and_then(Value::as_str);
    Ok(handle.map(ToOwned::to_owned))
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let handle = match &self.handle {
            Ok(handle) => handle.clone().unwrap_or_else(|| "-".into()),
            Err(error) => error.user_message(),
        };
        [
            if self.is_current { "*" } else { "" }.to_owned(),
            handle,
            self.session.did().to_string(),
            self.session.pds().to_string(),
            time(self.session.expires_at()),
            self.session.scope(),
        ]
    }

    fn to_json(&self) -> Value {
        json!({
            "current": self.is_current,
            "did": self.session.did(),
            "handle": self.handle.as_ref().ok(),
            "error": self.handle.as_ref().err().map(ToString::to_string),
            "pds": self.session.pds(),
            "issuer": self.session.issuer(),
            "scope": self.session.scope(),
            "expires_at": time(self.session.expires_at()),
        })
    }
}
