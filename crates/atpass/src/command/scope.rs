//! `atpass scope explain`: what a scope means, and whether it covers a call.

use std::process::ExitCode;

use anyhow::anyhow;
use atpass_protocol::scope::{Blob, Needed, Permission, Repo, RepoAction, Rpc, Scope, ScopeSet};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::output::{print, print_json};

/// Scopes: what they mean
#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what each value of a scope means, and whether all of them cover a call
    ///
    /// The same library decides at the authorization server and at the resource server. Fails where a
    /// value means nothing, or the call isn't covered.
    #[command(after_help = "Examples:
  atpass scope explain 'atproto repo:app.example.post?action=create blob:image/*'
  atpass scope explain 'atproto rpc:app.example.getFeed?aud=*' --call app.example.getFeed --aud 'did:web:api.example.com#svc'
  atpass scope explain 'atproto repo:*' --record app.example.post --action delete")]
    Explain(Explain),
}

#[derive(Debug, Args)]
struct Explain {
    /// A scope parameter, or some values of one
    scope: String,
    /// Whether it covers a call of this method
    #[arg(long, value_name = "NSID", requires = "aud")]
    call: Option<String>,
    /// The service that is called: a DID with a fragment
    #[arg(long, value_name = "DID#SERVICE", requires = "call")]
    aud: Option<String>,
    /// Whether it covers a change to records of this collection
    #[arg(long, value_name = "NSID", conflicts_with = "call")]
    record: Option<String>,
    /// The change
    #[arg(long, requires = "record", default_value = "create", value_parser = action)]
    action: RepoAction,
    /// Whether it covers an upload of this media type
    #[arg(long, value_name = "TYPE", conflicts_with_all = ["call", "record"])]
    upload: Option<String>,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

fn action(text: &str) -> Result<RepoAction, &'static str> {
    let mut known = RepoAction::ALL.into_iter();
    known
        .find(|action| action.as_str() == text)
        .ok_or("expected create, update or delete")
}

impl Explain {
    /// What is asked about, if anything.
    fn needed(&self) -> Option<Needed> {
        if let (Some(lxm), Some(aud)) = (&self.call, &self.aud) {
            return Some(Rpc::call(lxm, aud));
        }
        if let Some(collection) = &self.record {
            return Some(Repo::act(collection, self.action));
        }
        self.upload.as_deref().map(Blob::upload)
    }
}

#[derive(Serialize)]
struct Explained {
    values: Vec<Explanation>,
    /// All of them in the fewest scopes.
    together: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Call>,
}

#[derive(Serialize)]
struct Explanation {
    scope: String,
    /// The one way to write it, where it means something.
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,
    means: String,
}

#[derive(Serialize)]
struct Call {
    needs: String,
    covered: bool,
}

pub(crate) fn run(args: &ScopeArgs) -> anyhow::Result<ExitCode> {
    let Command::Explain(explain) = &args.command;
    let explained = look_at(explain)?;
    if explain.json {
        print_json(&explained)?;
    } else {
        print(&in_words(&explained))?;
    }
    let fine = explained
        .values
        .iter()
        .all(|value| value.canonical.is_some())
        && explained.call.as_ref().is_none_or(|call| call.covered);
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn look_at(explain: &Explain) -> anyhow::Result<Explained> {
    let mut scopes = Vec::new();
    let mut values = Vec::new();
    for value in explain.scope.split_whitespace() {
        let parsed = Scope::parse(value);
        values.push(Explanation {
            scope: value.to_owned(),
            canonical: parsed.as_ref().ok().map(ToString::to_string),
            means: match &parsed {
                Ok(scope) => scope.explain(),
                Err(error) => format!("nothing: {error}"),
            },
        });
        scopes.extend(parsed);
    }
    if values.is_empty() {
        return Err(anyhow!("there is no scope; put it in quotes"));
    }
    let set = ScopeSet::of(scopes);
    let call = explain.needed().transpose()?;
    Ok(Explained {
        values,
        call: call.map(|needed: Permission| Call {
            covered: set.allows(&needed),
            needs: needed.to_string(),
        }),
        together: ScopeSet::of(set.grants().into_scopes()).to_string(),
    })
}

fn in_words(explained: &Explained) -> String {
    let mut lines = Vec::new();
    for value in &explained.values {
        lines.push(value.scope.clone());
        lines.push(format!("    {}", value.means));
        if let Some(canonical) = value
            .canonical
            .as_ref()
            .filter(|text| **text != value.scope)
        {
            lines.push(format!("    the same as {canonical}"));
        }
    }
    if explained.values.len() > 1 {
        lines.push(format!("together: {}", explained.together));
    }
    if let Some(call) = &explained.call {
        lines.push(if call.covered {
            format!("covers {}", call.needs)
        } else {
            format!("does not cover {}", call.needs)
        });
    }
    lines.join("\n")
}
