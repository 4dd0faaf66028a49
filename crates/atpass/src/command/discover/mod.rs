//! `atpass discover`: every step from what a person types to an authorization server.

mod advice;
mod cors;
mod print;
mod timeline;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use atpass_identity::{Discovery, Freshness, IdentityError, Input};

use crate::cli::Discover;
use advice::Finding;
use timeline::Timeline;

/// Everything that is to be told.
pub(crate) struct Report {
    input: String,
    outcome: Result<Discovery, IdentityError>,
    steps: Vec<timeline::Made>,
    findings: Vec<Finding>,
}

pub(crate) async fn run(discover: Discover) -> anyhow::Result<ExitCode> {
    let input = Input::parse(&discover.input).with_context(|| format!("{:?}", discover.input))?;
    let fetcher = discover.network.fetcher().await?;
    let timeline = Arc::new(Timeline::start());
    let resolver = discover
        .network
        .resolver(fetcher.clone())
        .observed_by(timeline.clone());
    let outcome = resolver.discover(&input, Freshness::Anew).await;
    let mut findings = Vec::new();
    match &outcome {
        Ok(found) => {
            findings.extend(advice::of_discovery(found));
            findings.extend(cors::check_endpoints(&fetcher, &timeline, &found.server).await);
        }
        Err(error) => findings.push(advice::of_error(error)),
    }
    findings.extend(cors::check_documents(&fetcher, &timeline.not_for_browsers()).await);
    findings.extend(timeline.findings());
    let report = Report {
        input: discover.input,
        outcome,
        steps: timeline.made(),
        findings,
    };
    if discover.json {
        print::json(&report)?;
    } else {
        print::text(&report)?;
    }
    Ok(if report.outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
