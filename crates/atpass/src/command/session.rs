//! `atpass session`: who is signed in where, and an end to it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::jose::Jkt;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::SessionRecord;
use atpass_store::{Database, SessionFilter};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::DatabasePlace;
use crate::output::{many, print, print_json, table, time};

/// List and end the sessions of apps
///
/// Works beside a running server.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct SessionArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List live sessions, the newest first
    List {
        #[command(flatten)]
        which: Which,
        /// The most that are listed
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        common: Common,
    },
    /// End live sessions
    ///
    /// Their apps can refresh no more, and must ask the person anew. Access tokens that are out
    /// already end by themselves within their lifetime.
    Revoke {
        #[command(flatten)]
        which: Which,
        /// All sessions of this server, where nothing else is said
        #[arg(long, conflicts_with_all = ["id", "did", "client", "jkt"])]
        all: bool,
        /// Only say what would end
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    place: DatabasePlace,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Which sessions; those that fit everything that is given.
#[derive(Debug, Args)]
struct Which {
    /// This session
    #[arg(value_name = "SESSION", value_parser = session_id)]
    id: Option<SessionId>,
    /// Of this account; its handle or e-mail address will do
    #[arg(long, visible_alias = "account", value_name = "DID", value_parser = account)]
    did: Option<Identifier>,
    /// Of this app
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<ClientId>,
    /// Bound to the DPoP key of this thumbprint
    #[arg(long, value_parser = Jkt::parse)]
    jkt: Option<Jkt>,
}

fn session_id(text: &str) -> Result<SessionId, atpass_protocol::token::SessionIdError> {
    text.to_owned().try_into()
}

fn account(text: &str) -> Result<Identifier, &'static str> {
    Identifier::from_person(text).ok_or("expected a DID, a handle or an e-mail address")
}

impl Which {
    async fn filter(&self, store: &Arc<dyn Database>) -> anyhow::Result<SessionFilter> {
        let did = match &self.did {
            None => None,
            // Sessions may be remembered of an account that is gone.
            Some(Identifier::Did(did)) => Some(did.clone()),
            Some(who) => {
                let found = store.account_details(Some(who), SystemClock.now()).await?;
                let account = found.into_iter().next();
                let account = account.ok_or_else(|| anyhow!("there is no account {who}"))?;
                Some(account.account.did)
            }
        };
        Ok(SessionFilter {
            id: self.id,
            did,
            client_id: self.client.clone(),
            jkt: self.jkt,
        })
    }
}

pub(crate) async fn run(args: &SessionArgs) -> anyhow::Result<ExitCode> {
    let done = match &args.command {
        Command::List {
            which,
            limit,
            common,
        } => list(which, *limit, common).await,
        Command::Revoke {
            which,
            all,
            dry_run,
            common,
        } => revoke(which, *all, *dry_run, common).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// A session as a program reads it. Times are RFC 3339.
#[derive(Serialize)]
struct Shown {
    id: SessionId,
    did: Did,
    client_id: ClientId,
    /// Whether the app proves with a key of its own who it is.
    confidential: bool,
    jkt: Jkt,
    scope: ScopeSet,
    created_at: String,
    refreshed_at: String,
    refresh_expires_at: String,
    expires_at: String,
}

impl From<SessionRecord> for Shown {
    fn from(session: SessionRecord) -> Self {
        Self {
            id: session.id,
            did: session.did,
            client_id: session.client_id,
            confidential: session.client_key.is_some(),
            jkt: session.jkt,
            scope: session.scope,
            created_at: time(session.created_at),
            refreshed_at: time(session.rotated_at),
            refresh_expires_at: time(session.refresh_expires_at),
            expires_at: time(session.expires_at),
        }
    }
}

#[derive(Serialize)]
struct Listed {
    sessions: Vec<Shown>,
    /// All that fit, listed or not.
    total: i64,
}

async fn list(which: &Which, limit: u32, common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let filter = which.filter(&store).await?;
    let (found, total) = store
        .find_sessions(&filter, limit, SystemClock.now())
        .await?;
    let sessions: Vec<Shown> = found.into_iter().map(Shown::from).collect();
    if common.json {
        return print_json(&Listed { sessions, total });
    }
    if total == 0 {
        return print("There is no such session.");
    }
    let rows = sessions.iter().map(|session| {
        [
            session.id.to_string(),
            session.did.to_string(),
            session.client_id.to_string(),
            session.created_at.clone(),
            session.refreshed_at.clone(),
        ]
    });
    let head = ["session", "account", "client", "began", "refreshed"];
    let text = table(head, rows);
    let more = total - i64::try_from(sessions.len()).unwrap_or(total);
    if more > 0 {
        return print(&format!("{text}\n… and {more} more; --limit shows them"));
    }
    print(&text)
}

#[derive(Serialize)]
struct Revoked {
    dry_run: bool,
    /// Sessions that ended, or would.
    sessions: i64,
    /// By then the last access token that is out has ended, too.
    access_tokens_end_within_seconds: i64,
}

async fn revoke(which: &Which, all: bool, dry_run: bool, common: &Common) -> anyhow::Result<()> {
    let (store, loaded) = common.place.open().await?;
    let filter = which.filter(&store).await?;
    if filter.is_everything() && !all {
        bail!(
            "say which sessions: an id, --did, --client or --jkt; or --all for every session of this server"
        );
    }
    let now = SystemClock.now();
    let sessions = if dry_run {
        store.find_sessions(&filter, 0, now).await?.1
    } else {
        let ended = store.end_sessions(&filter, now).await?;
        crate::log::audit(
            "sessions_ended",
            &format!("{filter} sessions_ended={ended}"),
        );
        i64::try_from(ended).unwrap_or(i64::MAX)
    };
    let revoked = Revoked {
        dry_run,
        sessions,
        access_tokens_end_within_seconds: loaded.settings.lifetimes.access_token,
    };
    if common.json {
        return print_json(&revoked);
    }
    let count = many(sessions, "session");
    print(&if dry_run {
        format!("Would end {count}. Nothing was changed.")
    } else {
        format!(
            "Ended {count}. Their access tokens are refused where the feed of ended sessions is followed, and end within {} seconds.",
            revoked.access_tokens_end_within_seconds
        )
    })
}
