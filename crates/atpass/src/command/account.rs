//! `atpass account`: who may sign in.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::{Clock, SystemClock};
use atpass_provider::accounts::Identifier;
use atpass_provider::password::Passwords;
use atpass_store::{AccountDetails, Database, NewAccount, StoredAccounts};
use clap::{Args, Subcommand};
use data_encoding::BASE32_NOPAD;
use serde::Serialize;

use super::import::Import;
use crate::cli::DatabasePlace;
use crate::output::{many, print, print_json, table};
use crate::password;

/// Add, list, change and remove the accounts that may sign in
///
/// Works beside a running server.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an account; asks for its password
    Add {
        #[command(flatten)]
        new: New,
        #[command(flatten)]
        common: Common,
    },
    /// List all accounts
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Show an account, its sessions and its browsers
    Show {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        common: Common,
    },
    /// Change a password; ends the account's sessions and signs it out of all browsers
    SetPassword {
        #[command(flatten)]
        who: Who,
        /// Leave sessions and browsers signed in: for a password that was lost, not stolen
        #[arg(long)]
        keep_sessions: bool,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Let an account sign in no more; ends its sessions and signs it out of all browsers
    Disable {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        common: Common,
    },
    /// Let a disabled account sign in again
    Enable {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        common: Common,
    },
    Import(Import),
    /// Print a new invite code, for accounts that are made on the pages
    Invite {
        /// How many accounts can be made with it
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        uses: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Remove an account and what it granted; ends its sessions and signs it out of all browsers
    Remove {
        #[command(flatten)]
        who: Who,
        /// Really: without this, it says what would go
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    place: DatabasePlace,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Who {
    /// Its handle, DID or e-mail address
    #[arg(value_name = "ACCOUNT", value_parser = identifier)]
    account: Identifier,
}

#[derive(Debug, Args)]
struct New {
    /// What people call it, such as alice.example.com
    handle: Handle,
    /// Its DID, whose document must name this server's PDS
    #[arg(long)]
    did: Did,
    /// DID of its PDS, for which its tokens are made; such as did:web:pds.example.com
    #[arg(long, value_name = "DID")]
    pds: Did,
    /// Where its owner can be written to; may be used to sign in
    #[arg(long, value_parser = email)]
    email: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

fn identifier(text: &str) -> Result<Identifier, &'static str> {
    Identifier::from_person(text).ok_or("expected a handle, a DID or an e-mail address")
}

fn email(text: &str) -> Result<String, &'static str> {
    match Identifier::from_person(text) {
        Some(Identifier::Email(email)) => Ok(email),
        _ => Err("expected an e-mail address"),
    }
}

pub(crate) async fn run(args: AccountArgs) -> anyhow::Result<ExitCode> {
    let done = match args.command {
        Command::Add { new, common } => add(new, &common).await,
        Command::List { common } => list(&common).await,
        Command::Show { who, common } => show(&who, &common).await,
        Command::SetPassword {
            who,
            keep_sessions,
            password_stdin,
            common,
        } => set_password(&who, keep_sessions, password_stdin, &common).await,
        Command::Disable { who, common } => set_active(&who, false, &common).await,
        Command::Enable { who, common } => set_active(&who, true, &common).await,
        Command::Import(import) => return super::import::run(&import).await,
        Command::Invite { uses, common } => invite(uses, &common).await,
        Command::Remove { who, yes, common } => remove(&who, yes, &common).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// An account as a program reads it.
#[derive(Serialize)]
struct Shown {
    did: Did,
    handle: Handle,
    email: Option<String>,
    pds: Did,
    active: bool,
    sessions: i64,
    browsers: i64,
}

impl From<AccountDetails> for Shown {
    fn from(details: AccountDetails) -> Self {
        let AccountDetails {
            account,
            email,
            sessions,
            browsers,
        } = details;
        Self {
            did: account.did,
            handle: account.handle,
            email,
            pds: account.audience,
            active: account.active,
            sessions,
            browsers,
        }
    }
}

impl Shown {
    const fn state(&self) -> &'static str {
        if self.active { "active" } else { "disabled" }
    }

    const fn changed(&self, done: &'static str, sessions_ended: usize) -> Changed<'_> {
        Changed {
            did: &self.did,
            handle: &self.handle,
            done,
            sessions_ended,
        }
    }
}

/// What a change did.
#[derive(Serialize)]
struct Changed<'a> {
    did: &'a Did,
    handle: &'a Handle,
    /// `added`, `password_changed`, `disabled`, `enabled` or `removed`.
    done: &'static str,
    sessions_ended: usize,
}

async fn add(new: New, common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let password = password::read_new(new.password_stdin)?;
    let account = NewAccount {
        did: new.did,
        handle: new.handle,
        email: new.email,
        audience: new.pds,
        password,
    };
    accounts(&store)?
        .add(account.clone(), SystemClock.now())
        .await?;
    let text = format!("Added {}, {}.", account.handle, account.did);
    let changed = Changed {
        did: &account.did,
        handle: &account.handle,
        done: "added",
        sessions_ended: 0,
    };
    tell(common, &changed, &text)
}

async fn list(common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let found = store.account_details(None, SystemClock.now()).await?;
    let found: Vec<Shown> = found.into_iter().map(Shown::from).collect();
    if common.json {
        return print_json(&found);
    }
    if found.is_empty() {
        return print("There are no accounts; `atpass account add` adds one.");
    }
    let rows = found.iter().map(|account| {
        [
            account.handle.to_string(),
            account.did.to_string(),
            account.state().to_owned(),
            account.sessions.to_string(),
        ]
    });
    print(&table(["handle", "DID", "state", "sessions"], rows))
}

async fn show(who: &Who, common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let account = find(&store, &who.account).await?;
    if common.json {
        return print_json(&account);
    }
    print(&format!(
        "handle     {}\nDID        {}\ne-mail     {}\nPDS        {}\nstate      {}\nsessions   {} (see `atpass session list --did {}`)\nbrowsers   {}",
        account.handle,
        account.did,
        account.email.as_deref().unwrap_or("–"),
        account.pds,
        account.state(),
        account.sessions,
        account.did,
        account.browsers,
    ))
}

async fn set_password(
    who: &Who,
    keep_sessions: bool,
    from_stdin: bool,
    common: &Common,
) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let account = find(&store, &who.account).await?;
    if !keep_sessions && !from_stdin {
        anstream::eprintln!(
            "This ends {} and signs {} out of {}; --keep-sessions leaves them.",
            many(account.sessions, "session"),
            account.handle,
            many(account.browsers, "browser")
        );
    }
    let password = password::read_new(from_stdin)?;
    let accounts = accounts(&store)?;
    let (ended, text) = if keep_sessions {
        accounts.replace_password(&account.did, password).await?;
        let text = format!(
            "Changed the password of {}. Its sessions and browsers stay signed in.",
            account.handle
        );
        (0, text)
    } else {
        let ended = accounts
            .set_password(&account.did, password, SystemClock.now())
            .await?;
        let text = format!(
            "Changed the password of {}, ended {} and signed it out of all browsers.",
            account.handle,
            many(ended.len(), "session")
        );
        (ended.len(), text)
    };
    tell(common, &account.changed("password_changed", ended), &text)
}

async fn set_active(who: &Who, active: bool, common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let account = find(&store, &who.account).await?;
    let ended = accounts(&store)?
        .set_active(&account.did, active, SystemClock.now())
        .await?
        .len();
    let (done, text) = if active {
        ("enabled", format!("{} may sign in again.", account.handle))
    } else {
        let ended = many(ended, "session");
        let text = format!(
            "Disabled {}, ended {ended} and signed it out of all browsers.",
            account.handle
        );
        ("disabled", text)
    };
    tell(common, &account.changed(done, ended), &text)
}

async fn remove(who: &Who, yes: bool, common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let account = find(&store, &who.account).await?;
    if !yes {
        bail!(
            "this would remove {} ({}) and end {}; say --yes to do it, or use `atpass account disable`",
            account.handle,
            account.did,
            many(account.sessions, "session")
        );
    }
    let ended = accounts(&store)?
        .remove(&account.did, SystemClock.now())
        .await?
        .len();
    let text = format!(
        "Removed {} and ended {}.",
        account.handle,
        many(ended, "session")
    );
    tell(common, &account.changed("removed", ended), &text)
}

async fn invite(uses: u32, common: &Common) -> anyhow::Result<()> {
    let (store, _) = common.place.open().await?;
    let random = random::bytes::<10>(&SystemRandom);
    let letters = BASE32_NOPAD.encode(&random).to_lowercase();
    let (first, second) = letters.split_at(8);
    let code = format!("atpass-{first}-{second}");
    store.add_invite(&code, uses, SystemClock.now()).await?;
    if common.json {
        print_json(&serde_json::json!({ "code": code, "uses": uses }))
    } else {
        print(&code)
    }
}

fn accounts(store: &Arc<dyn Database>) -> anyhow::Result<StoredAccounts> {
    let passwords = Passwords::new(Arc::new(SystemRandom)).context("prepare to hash passwords")?;
    Ok(StoredAccounts::new(store.clone(), passwords))
}

async fn find(store: &Arc<dyn Database>, who: &Identifier) -> anyhow::Result<Shown> {
    let found = store.account_details(Some(who), SystemClock.now()).await?;
    let account = found.into_iter().next().map(Shown::from);
    account.ok_or_else(|| anyhow!("there is no account {who}; `atpass account list` lists them"))
}

/// Says what was done, to the operator and to the audit trail.
fn tell(common: &Common, changed: &Changed<'_>, text: &str) -> anyhow::Result<()> {
    let what = format!(
        "did={} sessions_ended={}",
        changed.did, changed.sessions_ended
    );
    crate::log::audit(&format!("account_{}", changed.done), &what);
    if common.json {
        print_json(changed)
    } else {
        print(text)
    }
}
