//! `atpass client lint`: what an authorization server thinks of a client's metadata.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use atpass_fetch::Fetcher;
use atpass_protocol::id::{ClientId, ClientIdKind};
use atpass_protocol::metadata::{ApplicationType, ClientMetadata};
use atpass_provider::{ClientProblem, fetch_client};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::network::FetchArgs;
use crate::output::{print, print_json};

/// Check the metadata of an app
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct ClientArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a client's metadata as the server does: the same fetch, the same rules, every problem at once
    Lint(Lint),
}

#[derive(Debug, Args)]
struct Lint {
    /// The URL that is the client's id, or a file that is to lie there
    #[arg(value_name = "CLIENT_ID|FILE")]
    client: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    fetch: FetchArgs,
}

pub(crate) async fn run(args: &ClientArgs) -> anyhow::Result<ExitCode> {
    let Command::Lint(lint) = &args.command;
    let checked = if Path::new(&lint.client).is_file() {
        check_file(&lint.client)?
    } else {
        let client_id = ClientId::parse(&lint.client).with_context(|| lint.client.clone())?;
        let fetcher = Fetcher::new(lint.fetch.config().await?)?;
        let found = fetch_client(&fetcher, &client_id).await;
        found
            .map(|found| found.metadata)
            .map_err(|problem| problems(&problem))
    };
    match checked {
        Ok(metadata) if lint.json => {
            print_json(&json!({ "ok": true, "client": summary(&metadata), "problems": [] }))?;
        }
        Ok(metadata) => print(&describe(&metadata))?,
        Err(problems) if lint.json => {
            print_json(&json!({ "ok": false, "client": null, "problems": problems }))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(problems) => {
            let list: Vec<_> = problems.iter().map(|text| format!("  - {text}")).collect();
            print(&format!("{}: refused\n{}", lint.client, list.join("\n")))?;
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check_file(path: &str) -> anyhow::Result<Result<ClientMetadata, Vec<String>>> {
    let text = std::fs::read(path).with_context(|| format!("read {path}"))?;
    let document: Value = match serde_json::from_slice(&text) {
        Ok(document) => document,
        Err(error) => return Ok(Err(vec![format!("not JSON: {error}")])),
    };
    let id = document.get("client_id").and_then(Value::as_str);
    let Some(id) = id else {
        return Ok(Err(vec!["client_id is missing".to_owned()]));
    };
    let client_id = match ClientId::parse(id) {
        Ok(client_id) => client_id,
        Err(error) => return Ok(Err(vec![format!("client_id: {error}")])),
    };
    let ClientIdKind::Document(url) = client_id.kind() else {
        let problem = "a loopback client has no document: all of it is in its client_id";
        return Ok(Err(vec![problem.to_owned()]));
    };
    let read = ClientMetadata::from_document(&client_id, &url, &text);
    Ok(read.map_err(|problems| problems.iter().map(ToString::to_string).collect()))
}

fn problems(problem: &ClientProblem) -> Vec<String> {
    match problem {
        ClientProblem::Document(problems) => problems.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}

const fn kind(metadata: &ClientMetadata) -> &'static str {
    match metadata.application_type {
        ApplicationType::Web => "web",
        ApplicationType::Native => "native",
    }
}

fn class(metadata: &ClientMetadata) -> &'static str {
    if metadata.is_confidential() {
        "confidential"
    } else {
        "public"
    }
}

fn summary(metadata: &ClientMetadata) -> Value {
    json!({
        "client_id": metadata.client_id,
        "application_type": kind(metadata),
        "class": class(metadata),
        "scope": metadata.scope,
        "redirect_uris": metadata.redirect_uris,
        "refresh": metadata.may_refresh(),
    })
}

fn describe(metadata: &ClientMetadata) -> String {
    let uris: Vec<_> = metadata
        .redirect_uris
        .iter()
        .map(ToString::to_string)
        .collect();
    let refresh = if metadata.may_refresh() {
        "yes"
    } else {
        "no: grant_types lacks refresh_token"
    };
    format!(
        "{}: in order\n  kind           {}, {}\n  scope          {}\n  redirect URIs  {}\n  refresh        {refresh}",
        metadata.client_id,
        kind(metadata),
        class(metadata),
        metadata.scope,
        uris.join("\n                 "),
    )
}
