//! `atpass config`: what is configured, and what could be.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::cli::ConfigFile;
use crate::config::{self, Loaded, Origin, Problem, keys, without_password};
use crate::output::{print, print_json, table};

/// Check, show and document the configuration of `atpass serve`
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell every problem of the configuration at once
    Check {
        #[command(flatten)]
        config: ConfigFile,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the values that count, and where each comes from
    Show {
        #[command(flatten)]
        config: ConfigFile,
        /// Print a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of the configuration
    Schema {
        /// Print the documentation of every key in its place
        #[arg(long)]
        markdown: bool,
    },
}

pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Check { config, json } => check(config, *json),
        Command::Show { config, json } => show(config, *json),
        Command::Schema { markdown: false } => {
            print_json(&keys::schema())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema { markdown: true } => {
            print(&config::markdown())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    ok: bool,
    problems: &'a [Problem],
    warnings: &'a [Problem],
}

fn check(config: &ConfigFile, json: bool) -> anyhow::Result<ExitCode> {
    let loaded = Loaded::read(config.config.as_deref());
    let result = loaded.check();
    let problems = result
        .as_ref()
        .err()
        .map_or(&[][..], |error| &error.problems);
    if json {
        print_json(&Checked {
            ok: result.is_ok(),
            problems,
            warnings: &loaded.warnings,
        })?;
    } else {
        for warning in &loaded.warnings {
            anstream::eprintln!("warning: {warning}");
        }
        match &result {
            Ok(_) => print("The configuration is in order.")?,
            Err(problems) => anstream::eprintln!("atpass: {problems}"),
        }
    }
    Ok(if result.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: Value,
    #[serde(flatten)]
    origin: Origin,
}

/// Shows a faulty configuration as well: that is when it is looked at.
fn show(config: &ConfigFile, json: bool) -> anyhow::Result<ExitCode> {
    let loaded = Loaded::read(config.config.as_deref());
    let repeated = keys::repeated().filter_map(|(name, _)| {
        let (value, origin) = loaded.values.whole(name)?;
        Some(Shown {
            key: name,
            value: without_secrets(value),
            origin,
        })
    });
    let shown: Vec<_> = keys::keys()
        .map(|key| {
            let found = loaded.values.effective(key);
            Shown {
                key: &key.path,
                value: without_secrets(found.value),
                origin: found.origin,
            }
        })
        .chain(repeated)
        .collect();
    if json {
        print_json(&shown)?;
    } else {
        let rows = shown.iter().map(|shown| {
            let value = if shown.value.is_null() {
                "–".into()
            } else {
                shown.value.to_string()
            };
            [shown.key.to_owned(), value, shown.origin.to_string()]
        });
        print(&table(["key", "value", "from"], rows))?;
    }
    let Err(problems) = loaded.check() else {
        return Ok(ExitCode::SUCCESS);
    };
    anstream::eprintln!("atpass: {problems}");
    Ok(ExitCode::FAILURE)
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::String(text) => without_password(&text).into(),
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        other => other,
    }
}
