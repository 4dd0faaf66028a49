//! `atpass key`: the keys that sign access tokens.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_provider::keys::{KeyState, key_states, new_key};
use atpass_provider::store::{SigningKeyRecord, Store};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::DatabasePlace;
use crate::log;
use crate::output::{print, print_json, table, time};

/// List, rotate and retire the keys that sign access tokens
///
/// Works beside a running server, which looks for changes twice a minute.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys, the newest first
    List(Common),
    /// Add a key: published now, it signs in ten minutes, when everybody knows it
    Rotate(Common),
    /// Give a key up at once: tokens that it signed are void
    ///
    /// For a key that somebody else may have. For a change without haste, `rotate` is enough: the old
    /// key leaves by itself when its last token has expired.
    Retire {
        /// The key's id, as `list` shows it
        kid: String,
        /// Make and publish a new key that signs at once, if no other one would be left to sign
        #[arg(long)]
        replace: bool,
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

#[derive(Serialize)]
struct Shown {
    kid: String,
    state: &'static str,
    created_at: UnixTime,
    signs_from: UnixTime,
    retired_at: Option<UnixTime>,
}

pub(crate) async fn run(args: &KeyArgs) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let common = match &args.command {
        Command::List(common) => common,
        Command::Rotate(common) => {
            let (store, _) = common.place.open()?;
            let keys = store.signing_keys().await?;
            ensure!(
                !key_states(&keys, now).contains(&KeyState::Staged),
                "a new key is staged already; see `atpass key list`"
            );
            let key = new_key(keys.is_empty(), now)?;
            store.add_signing_key(&key).await?;
            log::audit("key_added", &format!("kid={}", key.kid));
            common
        }
        Command::Retire {
            kid,
            replace,
            common,
        } => {
            let (store, _) = common.place.open()?;
            let keys = store.signing_keys().await?;
            if !leaves_one(&keys, kid, now) {
                ensure!(
                    *replace,
                    "no other key would be left to sign: add --replace to make one that signs at once"
                );
                let key = new_key(true, now)?;
                store.add_signing_key(&key).await?;
                log::audit("key_added", &format!("kid={}", key.kid));
            }
            if !store.retire_signing_key(kid, now).await? {
                bail!("there is no key {kid} in use; see `atpass key list`");
            }
            log::audit("key_retired", &format!("kid={kid}"));
            common
        }
    };
    let (store, _) = common.place.open()?;
    show(&store.signing_keys().await?, common.json, now)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a key that signs is left without this one.
fn leaves_one(keys: &[SigningKeyRecord], kid: &str, now: UnixTime) -> bool {
    let others: Vec<_> = keys.iter().filter(|key| key.kid != kid).cloned().collect();
    key_states(&others, now).contains(&KeyState::Active)
}

fn show(keys: &[SigningKeyRecord], json: bool, now: UnixTime) -> anyhow::Result<()> {
    let states = key_states(keys, now);
    let shown: Vec<_> = keys
        .iter()
        .zip(states)
        .map(|(key, state)| Shown {
            kid: key.kid.clone(),
            state: state.as_str(),
            created_at: key.created_at,
            signs_from: key.signs_from,
            retired_at: key.retired_at,
        })
        .collect();
    if json {
        return print_json(&serde_json::json!({ "keys": shown }));
    }
    if shown.is_empty() {
        return print(
            "No key yet: the server makes one when it starts, `atpass key rotate` does now.",
        );
    }
    let rows = shown.into_iter().map(|key| {
        let retired = key.retired_at.map(time).unwrap_or_default();
        [key.kid, key.state.to_owned(), time(key.signs_from), retired]
    });
    print(&table(["KEY", "STATE", "SIGNS FROM", "RETIRED"], rows))
}
