//! `atpass whoami`.

use std::process::ExitCode;

use atpass_client::{ClientError, Session};
use atpass_protocol::text::shown;
use clap::Args;
use http::StatusCode;
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
    /// What is known of it here; nothing, where its record can't be read.
    session: Option<Session>,
    is_current: bool,
    /// The account's handle, or why the server didn't say.
    handle: Result<Option<String>, Problem>,
}

/// What is wrong with a session.
#[derive(Debug)]
enum Problem {
    Client(ClientError),
    /// The server doesn't take it.
    Refused(StatusCode),
}

impl Problem {
    fn for_people(&self) -> String {
        match self {
            Self::Client(ClientError::Store(error)) => error.to_string(),
            Self::Client(error) => error.user_message(),
            Self::Refused(status) => format!("its server answers {status}"),
        }
    }

    fn for_programs(&self) -> String {
        match self {
            Self::Client(error) => error.to_string(),
            Self::Refused(_) => self.for_people(),
        }
    }
}

pub(crate) async fn run(args: &Whoami) -> anyhow::Result<ExitCode> {
    let own = args.place.open(DEFAULT_SCOPE).await?;
    let current = match own.current_key() {
        Some(key) => Some(key),
        None => own
            .current()
            .await
            .ok()
            .map(|current| current.key().clone()),
    };
    let mut rows = Vec::new();
    for key in own.client.sessions().await? {
        let (session, handle) = match own.client.restore(&key).await {
            Ok(Some(session)) => {
                let handle = handle(&session, args.refresh).await;
                (Some(session), handle)
            }
            // One that was signed out just now is none.
            Ok(None) => continue,
            Err(error) => (None, Err(Problem::Client(error))),
        };
        rows.push(Row {
            is_current: current.as_ref() == Some(&key),
            handle,
            session,
        });
    }
    rows.sort_by_key(|row| {
        row.session
            .as_ref()
            .map(|session| session.did().to_string())
    });
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

async fn handle(session: &Session, refresh: bool) -> Result<Option<String>, Problem> {
    let answer = async {
        if refresh {
            session.refresh().await?;
        }
        session.get("/xrpc/com.atproto.server.getSession").await
    };
    let answer = answer.await.map_err(Problem::Client)?;
    if !answer.status().is_success() {
        return Err(Problem::Refused(answer.status()));
    }
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let handle = body.get("handle").and_then(Value::as_str);
    Ok(handle.map(shown))
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let handle = match &self.handle {
            Ok(handle) => handle.clone().unwrap_or_else(|| "-".into()),
            Err(problem) => problem.for_people(),
        };
        let known = |of: &dyn Fn(&Session) -> String| {
            let session = self.session.as_ref();
            session.map_or_else(|| "-".to_owned(), of)
        };
        [
            if self.is_current { "*" } else { "" }.to_owned(),
            handle,
            known(&|session| session.did().to_string()),
            known(&|session| session.pds().to_string()),
            known(&|session| time(session.expires_at())),
            known(&|session| shown(&session.scope())),
        ]
    }

    fn to_json(&self) -> Value {
        let session = self.session.as_ref();
        json!({
            "current": self.is_current,
            "did": session.map(Session::did),
            "handle": self.handle.as_ref().ok(),
            "error": self.handle.as_ref().err().map(Problem::for_programs),
            "pds": session.map(Session::pds),
            "issuer": session.map(Session::issuer),
            "scope": session.map(Session::scope),
            "expires_at": session.map(|session| time(session.expires_at())),
        })
    }
}
