//! How soon a server answers after its start, and how much memory it has.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use atpass_bench_load::apps::Found;
use atpass_bench_load::drive::{self, Target};
use atpass_bench_load::population::{Draw, Population};
use atpass_bench_load::refreshes::Refreshes;
use atpass_bench_load::sqlite::SqliteDatabase;
use atpass_bench_load::{free_port, note, refresh_tokens};
use atpass_protocol::id::Issuer;
use atpass_testnet::Internet;
use http::{Request, StatusCode};
use tokio::time::Instant;

use crate::lines::Lines;
use crate::ours::Plan;
use crate::process::{Cores, Memory, Process};

/// The document that is asked for until it comes.
const METADATA: &str = "/.well-known/oauth-authorization-server";
/// How long a server rests before its memory is read.
const REST: Duration = Duration::from_secs(2);
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Refreshes of stored sessions, before the memory is read.
const REFRESHES: usize = 2000;

/// What was found of one server.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    /// Milliseconds, of each start.
    pub(crate) first_answer: Vec<f64>,
    pub(crate) idle: Option<Memory>,
    /// With so many stored sessions, after refreshes of some of them.
    pub(crate) with_10k: Option<Memory>,
    pub(crate) with_1m: Option<Memory>,
    pub(crate) after_load: Option<Memory>,
}

/// Starts it so many times, and leaves it running after the last.
pub(crate) async fn starts(
    footprint: &mut Footprint,
    many: usize,
    port: u16,
    start: impl Fn() -> Result<Process>,
) -> Result<Process> {
    ensure!(many > 0, "no start");
    loop {
        let begun = Instant::now();
        let mut process = start()?;
        first_answer(&mut process, port, begun).await?;
        let took = begun.elapsed().as_secs_f64() * 1e3;
        footprint.first_answer.push(took);
        if footprint.first_answer.len() == many {
            rest().await;
            footprint.idle = Some(process.memory()?);
            return Ok(process);
        }
        process.stop().await?;
    }
}

/// Asks until it answers.
async fn first_answer(process: &mut Process, port: u16, begun: Instant) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while begun.elapsed() < PATIENCE {
        ticks.tick().await;
        let request = Request::get(METADATA)
            .header("host", format!("localhost:{port}"))
            .body(String::new().into())?;
        if let Ok(answer) = Lines::to(port).send(request).await {
            ensure!(answer.status == StatusCode::OK, "{}", answer.text());
            return Ok(());
        }
        if let Some(status) = process.ended()? {
            bail!("it ended with {status}, and never answered");
        }
    }
    bail!("no answer after {} s", PATIENCE.as_secs());
}

async fn rest() {
    let mut ticks = tokio::time::interval(REST);
    ticks.tick().await;
    ticks.tick().await;
}

/// The memory of our server with so many stored sessions, some of which were refreshed.
pub(crate) async fn with_sessions(
    program: &Path,
    cores: &Cores,
    internet: &Internet,
    sessions: u64,
) -> Result<Memory> {
    let population = Population::new(Found::InTheirName)?;
    let database = SqliteDatabase::new()?;
    tokio::task::block_in_place(|| database.grow(&population, 0, sessions))?;
    note(&format!("{sessions} sessions are stored"));
    let tokens = {
        let store = database.open()?;
        refresh_tokens(&store).await?
    };
    let port = free_port()?;
    let plan = Plan {
        program,
        cores,
        internet,
        folder: database.folder(),
        port,
    };
    plan.configure()?;
    let mut process = plan.start()?;
    first_answer(&mut process, port, Instant::now()).await?;
    let mut refreshes = Refreshes {
        population: &population,
        issuer: Issuer::parse(&format!("http://localhost:{port}"))?,
        tokens,
        confidential: false,
        generations: std::collections::HashMap::new(),
        draw: Draw::new(sessions),
    };
    let target = Target::servers(vec![format!("localhost:{port}")]);
    let nonce = target.nonce().await?;
    let posts = refreshes.sign(REFRESHES, sessions, &nonce)?;
    drive::in_flight(&target, posts, 16).await?;
    rest().await;
    let memory = process.memory()?;
    process.stop().await?;
    Ok(memory)
}
