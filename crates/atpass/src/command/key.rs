//! `atpass key`: the keys that sign access tokens.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_provider::keys::{KeyState, key_states, new_key};
use atpass_provider::store::SigningKeyRecord;
use atpass_store::PostgresStore;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::DatabasePlace;
use crate::database::Location;
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
    /// Make a master key for `database.master_keys`, in a new file that nobody else may read
    ///
    /// Keep a copy of it apart from those of the database: without it nobody can use them, and with both
    /// anybody can.
    Master {
        /// The file to make
        file: PathBuf,
    },
    /// Seal everything in the database anew under the first of the master keys
    ///
    /// After that, the older master keys aren't needed any more and may be removed from the configuration.
    Reseal(Common),
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
            let (store, _) = common.place.open().await?;
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
            let (store, _) = common.place.open().await?;
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
        Command::Master { file } => {
            make_master(file)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Reseal(common) => {
            reseal(common).await?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let (store, _) = common.place.open().await?;
    show(&store.signing_keys().await?, common.json, now)?;
    Ok(ExitCode::SUCCESS)
}

fn make_master(path: &Path) -> anyhow::Result<()> {
    let key = SealingKeys::generate(&SystemRandom);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let failed = || format!("make the file {}", path.display());
    let mut file = options.open(path).with_context(failed)?;
    writeln!(file, "{}", key.expose())
        .and_then(|()| file.sync_all())
        .with_context(failed)?;
    print(&format!(
        "Made {}. Name it under [database], master_keys, on every server; keep a copy apart from those of the database.",
        path.display()
    ))
}

async fn reseal(common: &Common) -> anyhow::Result<()> {
    let location = common.place.location(&common.place.load()?)?;
    let Location::Postgres(config) = location else {
        bail!("keys in SQLite aren't sealed: the file's permissions guard them");
    };
    let sealed = PostgresStore::open(&config).await?.reseal().await?;
    log::audit("keys_resealed", &format!("sealed={sealed}"));
    if common.json {
        return print_json(&serde_json::json!({ "sealed": sealed }));
    }
    print(&format!(
        "Sealed {sealed} keys and secrets under the first master key."
    ))
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
