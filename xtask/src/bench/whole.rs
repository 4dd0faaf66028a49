//! All measurements in one run, beside the peers, with one report.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::machine::Head;
use super::report::Report;
use super::{counts, programs, sizes};
use crate::process;

/// Which of it.
#[derive(Debug, Default, Args)]
pub(super) struct Choice {
    /// Less of everything, in a few minutes: to look at, not to be kept.
    #[arg(long)]
    quick: bool,
    /// Measure only this part; may be repeated.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Measure only beside this peer; may be repeated.
    #[arg(long, value_name = "PEER")]
    peer: Vec<Peer>,
}

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Allocations and instructions of each request.
    Counts,
    /// The program and the pages.
    Sizes,
    /// The verification of a request.
    Verify,
    /// Our client beside the official one.
    RoundTrips,
    /// Our server beside the official one.
    Beside,
}

/// Who is measured beside us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    #[value(name = "@atproto/pds", alias = "pds")]
    Pds,
    #[value(name = "@atproto/oauth-client-node", alias = "oauth-client-node")]
    OauthClientNode,
    RskyOauth,
    Skyauth,
    AtprotoOauth,
}

impl Peer {
    /// Its name, if it is a library that verifies.
    fn verifier(self) -> Option<&'static str> {
        match self {
            Self::RskyOauth => Some("rsky-oauth"),
            Self::Skyauth => Some("skyauth"),
            Self::AtprotoOauth => Some("atproto-oauth"),
            Self::Pds | Self::OauthClientNode => None,
        }
    }
}

impl Part {
    /// The quiet ones first; those that keep the machine busy last.
    const ALL: [Self; 5] = [
        Self::Counts,
        Self::Sizes,
        Self::Verify,
        Self::RoundTrips,
        Self::Beside,
    ];

    fn is_wanted(self, choice: &Choice) -> bool {
        if !choice.only.is_empty() {
            return choice.only.contains(&self);
        }
        let peers = &choice.peer;
        match self {
            _ if peers.is_empty() => true,
            Self::Counts | Self::Sizes => false,
            Self::Verify => peers.iter().any(|peer| peer.verifier().is_some()),
            Self::RoundTrips => peers.contains(&Peer::OauthClientNode),
            Self::Beside => peers.contains(&Peer::Pds),
        }
    }

    /// The member of the report.
    fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Sizes => "sizes",
            Self::Verify => "verify",
            Self::RoundTrips => "roundTrips",
            Self::Beside => "beside",
        }
    }

    fn measure(self, root: &Path, choice: &Choice) -> Result<Value> {
        match self {
            Self::Counts => Ok(serde_json::to_value(counts::measure(
                &programs::releases(root)?.request_costs,
            )?)?),
            Self::Sizes => sizes::found(root),
            Self::Verify => {
                let peers = choice.peer.iter().filter_map(|peer| peer.verifier());
                programs::found_verify(root, choice.quick, &peers.collect::<Vec<_>>())
            }
            Self::RoundTrips => programs::found_round_trips(root, choice.quick),
            Self::Beside => programs::found_beside(root, choice.quick),
        }
    }
}

impl Choice {
    /// Whether nothing was chosen.
    pub(super) fn is_default(&self) -> bool {
        !self.quick && self.only.is_empty() && self.peer.is_empty()
    }
}

/// Measures, and writes the report. One part that fails doesn't keep the others from being measured.
pub(super) fn run(root: &Path, choice: &Choice, json: bool) -> Result<()> {
    let head = Head::look(root, command(env::args()), choice.quick)?;
    let mut found = Map::new();
    found.insert("head".to_owned(), serde_json::to_value(head)?);
    let mut failed = Vec::new();
    for part in Part::ALL.into_iter().filter(|part| part.is_wanted(choice)) {
        eprintln!("\n=== {}", part.name());
        match part.measure(root, choice) {
            Ok(value) => {
                found.insert(part.name().to_owned(), value);
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                failed.push(format!("{}: {error:#}", part.name()));
            }
        }
    }
    let report = Report::read(Value::Object(found))?;
    // What is kept is a whole run, and nothing else.
    let is_kept = choice.is_default() && failed.is_empty();
    let folder = folder(root, is_kept)?;
    report.write(&folder)?;
    if is_kept {
        report.write_into_readme(root)?;
    }
    if json {
        println!("{}", report.json());
    } else {
        println!("{}", report.page());
        println!("written to {}", folder.display());
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join("; "));
    }
    Ok(())
}

/// What `cargo xtask bench report` takes.
#[derive(Debug, Args)]
pub(super) struct Again {
    /// The folder with `report.json`; the one that is kept, where nothing is said.
    folder: Option<PathBuf>,
}

/// Writes the report anew; of the one that is kept also the part of the README.
pub(super) fn write_again(root: &Path, again: &Again) -> Result<()> {
    let kept = folder(root, true)?;
    let folder = again.folder.as_ref().unwrap_or(&kept);
    let path = folder.join("report.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let report = Report::read(serde_json::from_str(&text)?)?;
    report.write(folder)?;
    if *folder == kept {
        report.write_into_readme(root)?;
    }
    Ok(())
}

fn folder(root: &Path, is_kept: bool) -> Result<PathBuf> {
    Ok(if is_kept {
        root.join("docs").join("benchmarks")
    } else {
        process::target_folder(root)?.join("benchmarks")
    })
}

/// The command, as it was typed after `cargo xtask`.
fn command(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.skip(1).filter(|word| word != "--json").collect();
    format!("cargo xtask {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(only: &[Part], peer: &[Peer]) -> Vec<Part> {
        let choice = Choice {
            quick: false,
            only: only.to_vec(),
            peer: peer.to_vec(),
        };
        let all = Part::ALL.into_iter();
        all.filter(|part| part.is_wanted(&choice)).collect()
    }

    #[test]
    fn all_is_measured_where_nothing_is_chosen() {
        assert_eq!(wanted(&[], &[]), Part::ALL);
        assert_eq!(wanted(&[Part::Sizes], &[]), [Part::Sizes]);
    }

    #[test]
    fn a_peer_chooses_the_parts_that_it_is_in() {
        assert_eq!(wanted(&[], &[Peer::Pds]), [Part::Beside]);
        assert_eq!(
            wanted(&[], &[Peer::Skyauth, Peer::OauthClientNode]),
            [Part::Verify, Part::RoundTrips]
        );
        // A part that is named is measured all the same.
        assert_eq!(wanted(&[Part::Counts], &[Peer::Pds]), [Part::Counts]);
    }

    #[test]
    fn the_command_is_the_one_that_was_typed() {
        let words = ["/x/xtask", "bench", "--json", "--quick"].map(str::to_owned);
        assert_eq!(command(words.into_iter()), "cargo xtask bench --quick");
    }
}
