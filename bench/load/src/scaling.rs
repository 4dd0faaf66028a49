//! Refreshes on several servers at one PostgreSQL, over HTTP, all on this machine: so what counts is what a request
//! costs each of them, and that it doesn't cost more where there are more servers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::apps::{self, Found};
use crate::drive::{self, Target};
use crate::nodes::{Nodes, Plan};
use crate::pace::{Times, real};
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
pub struct Scaling {
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
    /// A Valkey server for this alone, on this machine: then all is measured with proofs there as well.
    #[arg(long, env = "ATPASS_BENCH_VALKEY")]
    valkey: Option<String>,
}

/// What so many servers came to.
struct Row {
    /// Where proofs are remembered.
    proofs: &'static str,
    nodes: usize,
    at_rate: Times,
    pressed: Times,
    of_nodes: Usage,
    of_postgres: Usage,
    of_valkey: Usage,
    of_load: Usage,
    /// All that the machine did meanwhile.
    of_all: Usage,
}

pub async fn run(scaling: &Scaling, json: bool) -> Result<()> {
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
        tokens: server::refresh_tokens(&store).await?,
        confidential: false,
        generations: HashMap::new(),
        draw: Draw::new(1),
    };
    let valkey = match &scaling.valkey {
        Some(url) => Some((url.as_str(), process_of_valkey(url).await?)),
        None => None,
    };
    let mut rows = Vec::new();
    for valkey in [None, valkey]
        .into_iter()
        .take(if valkey.is_some() { 2 } else { 1 })
    {
        let plan = Plan {
            program: &scaling.program,
            database: database.url(),
            connections: scaling.connections,
            master: &master,
            internet: &internet,
            valkey: valkey.map(|(url, _)| url),
        };
        for &many in &scaling.nodes {
            let nodes = Nodes::start(&plan, many).await?;
            note(&format!("{many} servers are there"));
            let site = Site {
                scaling,
                database: &database,
                nodes: &nodes,
                valkey: valkey.map(|(_, process)| process),
            };
            rows.push(site.measure(&mut refreshes).await?);
        }
    }
    if json {
        println!("{}", as_json(&rows));
    } else {
        print(&rows);
    }
    Ok(())
}

/// Valkey tells who it is.
async fn process_of_valkey(url: &str) -> Result<u32> {
    let address = url.strip_prefix("redis://").context("redis://HOST:PORT")?;
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"INFO server\r\nQUIT\r\n").await?;
    let mut told = String::new();
    connection.read_to_string(&mut told).await?;
    let process = told
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    Ok(process.context("INFO of Valkey")?.trim().parse()?)
}

/// The servers, and what they stand on.
struct Site<'a> {
    scaling: &'a Scaling,
    database: &'a PostgresDatabase,
    nodes: &'a Nodes,
    valkey: Option<u32>,
}

impl Site<'_> {
    async fn measure(&self, refreshes: &mut Refreshes<'_>) -> Result<Row> {
        let scaling = self.scaling;
        let (size, in_flight) = (scaling.sessions, scaling.in_flight);
        let target = Target::servers(self.nodes.addresses());
        let posts = refreshes.sign(WARM_UP, size, &target.nonce().await?)?;
        drive::in_flight(&target, posts, in_flight).await?;

        self.database.checkpoint().await?;
        let count = usize::try_from(scaling.rate * scaling.seconds)?;
        let posts = refreshes.sign(count, size, &target.nonce().await?)?;
        let at_rate = drive::at_rate(&target, posts, scaling.rate).await?;

        self.database.checkpoint().await?;
        let mut row = Row {
            proofs: self.valkey.map_or("PostgreSQL", |_| "Valkey"),
            nodes: self.nodes.addresses().len(),
            at_rate,
            pressed: Times::default(),
            of_nodes: Usage::default(),
            of_postgres: Usage::default(),
            of_valkey: Usage::default(),
            of_load: Usage::default(),
            of_all: Usage::default(),
        };
        while row.pressed.all < Duration::from_secs(scaling.seconds.into()) {
            // Signing them is no part of it.
            let posts = refreshes.sign(BATCH, size, &target.nonce().await?)?;
            let before = self.used()?;
            let times = drive::in_flight(&target, posts, in_flight).await?;
            row.pressed.add(times);
            let after = self.used()?;
            let sums = [
                &mut row.of_nodes,
                &mut row.of_postgres,
                &mut row.of_valkey,
                &mut row.of_load,
                &mut row.of_all,
            ];
            for (sum, (after, before)) in sums.into_iter().zip(after.into_iter().zip(before)) {
                sum.cpu += (after - before).cpu;
            }
        }
        Ok(row)
    }

    /// The servers', PostgreSQL's, Valkey's, our own, and that of the whole machine.
    fn used(&self) -> Result<[Usage; 5]> {
        Ok([
            self.nodes.usage()?,
            usage::of_family(self.database.postmaster())?,
            self.valkey.map(usage::of).transpose()?.unwrap_or_default(),
            usage::own()?,
            usage::of_all()?,
        ])
    }
}

impl Row {
    /// Milliseconds of the processor for a refresh: of the servers, of PostgreSQL, of Valkey, of the load, and of all
    /// others.
    fn milliseconds(&self) -> [f64; 5] {
        let count = real(self.pressed.count());
        let [nodes, postgres, valkey, load, all] = [
            self.of_nodes,
            self.of_postgres,
            self.of_valkey,
            self.of_load,
            self.of_all,
        ]
        .map(|usage| usage.cpu.as_secs_f64() * 1e3 / count);
        [
            nodes,
            postgres,
            valkey,
            load,
            all - nodes - postgres - valkey - load,
        ]
    }
}

fn print(rows: &[Row]) {
    println!(
        "| proofs in | servers | refreshes a second, at most | p50 µs | p99 µs | CPU ms of the servers | of PostgreSQL | of Valkey | of the load | of others |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let [nodes, postgres, valkey, load, others] = row.milliseconds();
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {nodes:.2} | {postgres:.2} | {valkey:.2} | {load:.2} | {others:.2} |",
            row.proofs,
            row.nodes,
            row.pressed.per_second(),
            row.at_rate.microseconds(500),
            row.at_rate.microseconds(990),
        );
    }
}

fn as_json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let [nodes, postgres, valkey, load, others] = row.milliseconds();
        json!({
            "proofsIn": row.proofs,
            "nodes": row.nodes,
            "perSecond": row.pressed.per_second(),
            "pressedP50Us": row.pressed.microseconds(500),
            "pressedP99Us": row.pressed.microseconds(990),
            "p50Us": row.at_rate.microseconds(500),
            "p99Us": row.at_rate.microseconds(990),
            "cpuMsOfNodes": nodes,
            "cpuMsOfPostgres": postgres,
            "cpuMsOfValkey": valkey,
            "cpuMsOfLoad": load,
            "cpuMsOfOthers": others,
        })
    };
    json!({ "scaling": rows.iter().map(row).collect::<Vec<_>>() })
}
