//! `atpass entryway`: what the PDSes behind it need to know.

use anyhow::Context;
use atpass_entryway::{EntrywayConfig, PdsConfig};
use atpass_protocol::random::SystemRandom;
use atpass_provider::{OFFICIAL_PDS_KEY, kept_k256_key};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::serve::open::plc_keys;
use crate::cli::DatabasePlace;
use crate::output::{print, print_json};

/// This server before official PDSes: what they need to know of it
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct EntrywayArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the environment variables with which the PDSes are started
    ///
    /// The same four for each of the configured PDSes, besides its own. They hold no secret.
    Environment {
        #[command(flatten)]
        place: DatabasePlace,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Environment {
    #[serde(rename = "PDS_ENTRYWAY_URL")]
    url: String,
    #[serde(rename = "PDS_ENTRYWAY_DID")]
    did: String,
    #[serde(rename = "PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX")]
    jwt_key: String,
    #[serde(rename = "PDS_ENTRYWAY_PLC_ROTATION_KEY")]
    plc_key: String,
}

pub(crate) async fn run(args: &EntrywayArgs) -> anyhow::Result<()> {
    match &args.command {
        Command::Environment { place, json } => environment(place, *json).await,
    }
}

async fn environment(place: &DatabasePlace, json: bool) -> anyhow::Result<()> {
    let (store, loaded) = place.open().await?;
    let config = loaded.check()?;
    let plan = config
        .entryway
        .context("no PDS is configured; write a [[pds]] section for each (docs/entryway.md)")?;
    let jwt_key = kept_k256_key(&*store, OFFICIAL_PDS_KEY, &SystemRandom).await?;
    let plc_keys = plc_keys(&plan, &*store).await?;
    let plc_key = plc_keys.first().context("there is no rotation key")?;
    let EntrywayConfig {
        did, origin, pdses, ..
    } = &plan.config;
    let environment = Environment {
        url: origin.to_string(),
        did: did.to_string(),
        jwt_key: jwt_key.public_hex(),
        plc_key: plc_key.did_key(),
    };
    if json {
        return print_json(&environment);
    }
    let Environment {
        url,
        did,
        jwt_key,
        plc_key,
    } = &environment;
    let origins: Vec<_> = pdses
        .iter()
        .map(|PdsConfig { origin, .. }| origin.as_str())
        .collect();
    print(&format!(
        "# For each of {}
PDS_ENTRYWAY_URL={url}
PDS_ENTRYWAY_DID={did}
PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX={jwt_key}
PDS_ENTRYWAY_PLC_ROTATION_KEY={plc_key}",
        origins.join(", ")
    ))
}
