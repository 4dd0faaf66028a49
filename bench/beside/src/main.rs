//! Our server beside the official one, over HTTP and in one run: what requests cost the processor, how long they take,
//! how much of it nobody could do without, how soon each server answers after its start and how much memory it has.
//!
//! Each server has a core to itself, the last one; this process, which signs and sends the requests, has the others.
//! The servers are measured in turn, many times over, and rest in between.
//!
//! | File | holds |
//! | --- | --- |
//! | `process` | servers as processes, cores, what they use |
//! | `ours`, `resource`, `official` | the servers |
//! | `app` | the apps |
//! | `lines`, `endpoint` | HTTP, proofs and nonces |
//! | `browser` | the person at the pages |
//! | `site` | what is asked of a server |
//! | `rows` | the measurements |
//! | `floor` | what no refresh can do without |
//! | `footprint` | start and memory |
//! | `table` | what was found |

mod app;
mod browser;
mod endpoint;
mod floor;
mod footprint;
mod lines;
mod official;
mod ours;
mod process;
mod resource;
mod rows;
mod site;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use atpass_bench_load::note;
use atpass_bench_load::pace::real;
use atpass_testnet::Internet;
use clap::{Args, Parser, Subcommand};

use crate::app::App;
use crate::floor::Floor;
use crate::footprint::Footprint;
use crate::official::Official;
use crate::ours::Place;
use crate::process::Cores;
use crate::rows::{Kind, Party, Plan, What};
use crate::table::{FloorFound, Found, Spread};

/// Our server beside the official one.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Options {
    #[command(flatten)]
    measure: Option<Measure>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Args)]
struct Measure {
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Fewer and shorter rounds, and no million of sessions.
    #[arg(long)]
    quick: bool,
    /// The program `atpass`, a release build.
    #[arg(long)]
    program: PathBuf,
    /// The folder `peers`, with its packages installed.
    #[arg(long)]
    peers: PathBuf,
    /// The program `node`.
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// Requests at once.
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// Only rows whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
}

/// Processes that this program starts.
#[derive(Debug, Subcommand)]
enum Part {
    #[command(hide = true)]
    ResourceServer { issuer: String },
    #[command(hide = true)]
    FloorHttp {
        #[arg(long)]
        bytes: usize,
    },
    #[command(hide = true)]
    FloorParts {
        #[arg(long)]
        group: u32,
    },
}

fn main() -> Result<()> {
    let options = Options::parse();
    // Before there are threads, which have the cores of whoever starts them.
    let cores = match &options.part {
        None => Some(Cores::divide()?),
        Some(_) => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match (options.part, options.measure, cores) {
        (Some(Part::ResourceServer { issuer }), ..) => runtime.block_on(resource::serve(&issuer)),
        (Some(Part::FloorHttp { bytes }), ..) => runtime.block_on(floor::serve_http(bytes)),
        (Some(Part::FloorParts { group }), ..) => floor::parts(group),
        (None, Some(measure), Some(cores)) => runtime.block_on(run(&measure, &cores)),
        (None, ..) => anyhow::bail!("--program and --peers are missing"),
    }
}

async fn run(options: &Measure, cores: &Cores) -> Result<()> {
    let program = options.program.canonicalize().context("--program")?;
    let plan = Plan {
        // Many and short: the machine's speed changes within half a minute, and the two of a round should see the same.
        rounds: if options.quick { 4 } else { 12 },
        seconds: if options.quick { 1.0 } else { 1.5 },
        in_flight: options.in_flight,
        sessions: 240,
    };
    let public = Arc::new(App::public()?);
    let confidential = Arc::new(App::confidential()?);
    let apps = [&public, &confidential];
    let internet = app::host(apps.map(|app| &**app)).await?;

    // Each server alone, until both are measured.
    let mut found = Found {
        rows: Vec::new(),
        floor: None,
        ours: Footprint::default(),
        official: Footprint::default(),
    };
    stored(&mut found.ours, options, cores, &internet).await?;
    let starts = if options.quick { 3 } else { 7 };
    let official = Official::new(&options.node, &options.peers, cores, &internet).await?;
    let port = official.port();
    let server = footprint::starts(&mut found.official, starts, port, || official.start()).await?;
    let official = Party::new(official.site(server).await?, apps, &plan).await?;
    let place = Place::new(&program, cores, &internet).await?;
    let how = place.plan(&program, cores, &internet);
    let server = footprint::starts(&mut found.ours, starts, how.port, || how.start()).await?;
    let ours = Party::new(place.site(server, cores).await?, apps, &plan).await?;

    for what in What::ALL {
        if !what.name().contains(&options.only) {
            continue;
        }
        let row = rows::measure(what, [&ours, &official], &plan).await?;
        if what == What::Refresh(Kind::Public) {
            official.pause().await?;
            found.floor = Some(floor(cores, &place, &ours, &plan).await?);
            official.resume().await?;
        }
        found.rows.push(row);
    }
    found.ours.after_load = Some(ours.site.server.memory()?);
    found.official.after_load = Some(official.site.server.memory()?);
    for party in [&ours, &official] {
        let (site, again) = (&party.site, party.site.auth.signed_again());
        note(&format!(
            "{}: {again} requests were signed again",
            site.name
        ));
    }
    if options.json {
        println!("{}", table::json(&found));
    } else {
        table::print(&found);
    }
    Ok(())
}

/// Our memory with many stored sessions.
async fn stored(
    ours: &mut Footprint,
    options: &Measure,
    cores: &Cores,
    internet: &Internet,
) -> Result<()> {
    let program = options.program.canonicalize()?;
    let with = async |sessions| footprint::with_sessions(&program, cores, internet, sessions).await;
    ours.with_10k = Some(with(10_000).await?);
    if !options.quick {
        ours.with_1m = Some(with(1_000_000).await?);
    }
    Ok(())
}

/// The floor of a refresh, and right beside each of its measurements what our refresh takes: the machine isn't as fast at
/// all times.
async fn floor(cores: &Cores, place: &Place, ours: &Party, plan: &Plan) -> Result<FloorFound> {
    let (mut refreshes, mut groups, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let jobs = ours.jobs(What::Refresh(Kind::Public), 5000).await?;
        let commits = rows::commits(&place.database())?;
        let cpu = ours.site.server.cpu()?;
        let count = real(ours.pressed(jobs, plan.in_flight).await?.count());
        let cpu = ours.site.server.cpu()? - cpu;
        let commits = rows::commits(&place.database())?.wrapping_sub(commits);
        refreshes.push(cpu.as_secs_f64() * 1e6 / count);
        let group = count / f64::from(commits);
        groups.push(group);
        parts.push(floor::measure(cores, ours, plan, whole(group)).await?);
    }
    let median = |all: &[f64]| Spread::of(all).median;
    let part = |part: fn(&Floor) -> f64| median(&parts.iter().map(part).collect::<Vec<_>>());
    Ok(FloorFound {
        floor: Floor {
            verify: part(|floor| floor.verify),
            sign: part(|floor| floor.sign),
            http: part(|floor| floor.http),
            commit: part(|floor| floor.commit),
        },
        refresh: median(&refreshes),
        group: whole(median(&groups)),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from one to as many as are in flight"
)]
fn whole(group: f64) -> u32 {
    group.round().max(1.0) as u32
}
