//! Refreshes on several servers at one PostgreSQL, over HTTP, all on this machine: so what counts is what a request
//! costs each of them, and that it doesn't cost more where there are more servers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::apps::{self, Found};
use crate::drive::{self, Target, Times, real};
use crate::nodes::{Nodes, Plan};
use crate::population::{Draw, Population};
use crate::postgres::PostgresDatabase;
use crate::refreshes::Refreshes;
use crate::usage::{self, Usage};
use crate::{master_key, note, server};

/// Requests before those that count.
const WARM_UP: usize = 3000;
/// Requests that are signed at a time.
const BATCH: usize = 4000;

/// What is measured, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Scaling {
    /// How many servers.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    nodes: Vec<usize>,
    /// Stored sessions.
    #[arg(long, default_value_t = 100_000)]
    sessions: u64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Refreshes a second where their time is measured.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=5000))]
    rate: u32,
    /// Refreshes at once where as many as possible are made.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// Connections of each server to the database.
    #[arg(long, default_value_t = 12)]
    connections: u32,
    /// The program.
    #[arg(long)]
    program: PathBuf,
    /// A PostgreSQL server for this alone, reached as its superuser.
    #[arg(long, env = "ATPASS_BENCH_POSTGRES")]
    postgres: String,
}

/// What so many servers came to.
struct Row {
    nodes: usize,
    at_rate: Times,
    pressed: Times,
    of_nodes: Usage,
    of_postgres: Usage,
    of_load: Usage,
}

pub(crate) async fn run(scaling: &Scaling, json: bool) -> Result<()> {
    let population = Population::new(Found::InTheirName)?;
    let internet = apps::host(&[]).await?;
    let (master, keys) = master_key()?;
    let database = PostgresDatabase::new(&scaling.postgres, keys).await?;
    note(&format!("PostgreSQL: {}", database.settings().await?));
    database.grow(&population, 0, scaling.sessions).await?;
    let store = database.open().await?;
    let mut refreshes = Refreshes {
        population: &population,
        issuer: server::issuer()?,
        nonces: server::shared_nonces(&store).await?,
        tokens: server::refresh_tokens(&store).await?,
        confidential: false,
        generations: HashMap::new(),
        draw: Draw::new(1),
    };
    let plan = Plan {
        program: &scaling.program,
        database: database.url(),
        connections: scaling.connections,
        master: &master,
        internet: &internet,
    };
    let mut rows = Vec::new();
    for &many in &scaling.nodes {
        let nodes = Nodes::start(&plan, many).await?;
        note(&format!("{many} servers are there"));
        rows.push(measure(scaling, &database, &nodes, &mut refreshes).await?);
    }
    if json {
        println!("{}", as_json(&rows));
    } else {
        print(&rows);
    }
    Ok(())
}

async fn measure(
    scaling: &Scaling,
    database: &PostgresDatabase,
    nodes: &Nodes,
    refreshes: &mut Refreshes<'_>,
) -> Result<Row> {
    let (size, in_flight) = (scaling.sessions, scaling.in_flight);
    let target = Target::servers(nodes.addresses());
    drive::in_flight(&target, refreshes.sign(WARM_UP, size)?, in_flight).await?;

    database.checkpoint().await?;
    let count = usize::try_from(scaling.rate * scaling.seconds)?;
    let posts = refreshes.sign(count, size)?;
    let at_rate = drive::at_rate(&target, posts, scaling.rate).await?;

    database.checkpoint().await?;
    let mut row = Row {
        nodes: nodes.addresses().len(),
        at_rate,
        pressed: Times::default(),
        of_nodes: Usage::default(),
        of_postgres: Usage::default(),
        of_load: Usage::default(),
    };
    while row.pressed.all < Duration::from_secs(scaling.seconds.into()) {
        // Signing them is no part of it.
        let posts = refreshes.sign(BATCH, size)?;
        let before = used(database, nodes)?;
        row.pressed
            .add(drive::in_flight(&target, posts, in_flight).await?);
        let after = used(database, nodes)?;
        row.of_nodes.cpu += (after[0] - before[0]).cpu;
        row.of_postgres.cpu += (after[1] - before[1]).cpu;
        row.of_load.cpu += (after[2] - before[2]).cpu;
    }
    Ok(row)
}

/// The servers', PostgreSQL's, our own.
fn used(database: &PostgresDatabase, nodes: &Nodes) -> Result<[Usage; 3]> {
    Ok([
        nodes.usage()?,
        usage::of_family(database.postmaster())?,
        usage::own()?,
    ])
}

impl Row {
    /// Milliseconds of the processor for a refresh: of the servers, of PostgreSQL, of the load.
    fn milliseconds(&self) -> [f64; 3] {
        let count = real(self.pressed.count());
        [self.of_nodes, self.of_postgres, self.of_load]
            .map(|usage| usage.cpu.as_secs_f64() * 1e3 / count)
    }
}

fn print(rows: &[Row]) {
    println!(
        "| servers | refreshes a second, at most | p50 µs | p99 µs | CPU ms of the servers | of PostgreSQL | of the load |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let [nodes, postgres, load] = row.milliseconds();
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {nodes:.2} | {postgres:.2} | {load:.2} |",
            row.nodes,
            row.pressed.per_second(),
            row.at_rate.microseconds(500),
            row.at_rate.microseconds(990),
        );
    }
}

fn as_json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let [nodes, postgres, load] = row.milliseconds();
        json!({
            "nodes": row.nodes,
            "perSecond": row.pressed.per_second(),
            "pressedP50Us": row.pressed.microseconds(500),
            "pressedP99Us": row.pressed.microseconds(990),
            "p50Us": row.at_rate.microseconds(500),
            "p99Us": row.at_rate.microseconds(990),
            "cpuMsOfNodes": nodes,
            "cpuMsOfPostgres": postgres,
            "cpuMsOfLoad": load,
        })
    };
    json!({ "scaling": rows.iter().map(row).collect::<Vec<_>>() })
}
