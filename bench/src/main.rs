//! What the verification of a request costs, in one run and on one thread: next to the bare check of
//! its signature, and next to other libraries that verify the same proof.
//!
//! `cargo xtask bench verify` runs it. Batches of everything follow each other in turn, so that
//! whatever else the machine does hits all alike; each number is a median over the batches.

mod bare;
mod measure;
mod ours;
mod rivals;
mod scene;
mod table;

use anyhow::{Result, bail};
use clap::Parser;

use crate::scene::{Case, Scene};

/// What the verification of a request costs.
#[derive(Debug, Parser)]
struct Options {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How many batches of each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    batches: u32,
    /// How many requests in a batch: enough that what the one before left in the caches hardly counts.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..1000))]
    requests: u32,
    /// Only beside this library; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = ["skyauth", "rsky-oauth", "atproto-oauth"])]
    peer: Vec<String>,
}

/// Something that says whether a request is good.
trait Verifier {
    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// Which of a batch's requests it gets.
    fn input(&self) -> Input {
        Input::HeldTokens
    }

    /// Before each batch, not measured.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// What is measured.
    fn verify(&mut self, case: &Case) -> bool;
}

/// The requests of a batch: each with a proof of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// With tokens that came before.
    HeldTokens,
    /// Each with a token that is new.
    NewTokens,
    /// With the nonces of `rsky-oauth`, which takes no others.
    RskyNonces,
}

/// Whether a row is about one of these libraries, or all are.
fn is_wanted(row: &str, peers: &[String]) -> bool {
    peers.is_empty() || peers.iter().any(|peer| row.starts_with(peer.as_str()))
}

fn main() -> Result<()> {
    let options = Options::parse();
    let scene = Scene::new()?;
    // The first is what the others are held against; so is ours with a held token.
    let mut verifiers: Vec<Box<dyn Verifier>> = vec![
        Box::new(bare::Prepared::new(&scene)?),
        Box::new(ours::Request::new(&scene, Input::HeldTokens)),
        Box::new(ours::Request::new(&scene, Input::NewTokens)),
        Box::new(ours::Proof::new(&scene)),
        Box::new(bare::Parsing),
    ];
    let rivals = rivals::all()?.into_iter();
    verifiers.extend(rivals.filter(|rival| is_wanted(rival.name(), &options.peer)));
    let times = measure::measure(&scene, &mut verifiers, &options)?;
    let [bare, ours, ..] = &times[..] else {
        bail!("nothing was measured");
    };
    let rows = table::rows(&times, bare, ours);
    if options.json {
        println!("{}", table::json(&rows));
    } else {
        table::print(&rows);
    }
    Ok(())
}
