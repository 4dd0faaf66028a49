//! `atpass lexicon`: what a lexicon is resolved to, with its proof. For tests and for operators who
//! wonder why a permission set isn't known.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use atpass_protocol::id::{Did, Nsid};
use clap::Args;
use serde_json::json;

use crate::network::NetworkArgs;
use crate::output::print_json;

/// Resolve a lexicon, such as a permission set, with the proof from its publisher's repository
#[derive(Debug, Args)]
pub(crate) struct Lexicon {
    /// The lexicon's name
    #[arg(value_name = "NSID")]
    nsid: String,
    /// The account that publishes the lexicon's group, in place of the one that DNS names
    #[arg(long, value_name = "DID")]
    authority: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
}

pub(crate) async fn run(args: &Lexicon) -> anyhow::Result<ExitCode> {
    let nsid = Nsid::parse(&args.nsid).with_context(|| args.nsid.clone())?;
    let mut authorities = BTreeMap::new();
    if let (Some(did), Some((group, _name))) = (&args.authority, nsid.as_str().rsplit_once('.')) {
        let did = Did::parse(did).with_context(|| did.clone())?;
        authorities.insert(group.to_ascii_lowercase(), did);
    }
    let fetcher = args.network.fetcher().await?;
    let resolver = args.network.resolver_with(fetcher, authorities);
    match resolver.lexicon(&nsid).await {
        Ok(found) => {
            print_json(&json!({
                "ok": true,
                "nsid": found.nsid,
                "did": found.did,
                "cid": found.cid,
                "document": found.document,
            }))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            print_json(&json!({
                "ok": false,
                "nsid": nsid,
                "stage": error.stage.name(),
                "error": error.to_string(),
                "transient": error.is_transient(),
            }))?;
            Ok(ExitCode::FAILURE)
        }
    }
}
