//! Refreshes and verifications while the database grows.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use atpass_testnet::Internet;
use clap::{Args, ValueEnum};
use tokio::time::Instant;

use crate::apps::{self, Found};
use crate::disk;
use crate::drive;
use crate::growth_table::{self, Row};
use crate::pace::{Times, real};
use crate::population::{Draw, Population};
use crate::postgres::PostgresDatabase;
use crate::quiet::{self, Measured};
use crate::refreshes::Refreshes;
use crate::server::{self, Server};
use crate::sqlite::SqliteDatabase;
use crate::stored::{Sizes, Stored};
use crate::verifications;
use crate::{master_key, note};

/// Bytes of a session on either database, with its account and what is written on the way: more than it takes.
const ROOM: u64 = 1600;
/// Requests before those that count: all apps are known, and what is read often is in memory.
const WARM_UP: usize = 3000;
/// Requests that are signed at a time.
const BATCH: usize = 4000;
/// Tokens that are verified at a time: fewer than the resource server holds.
const TOKENS: usize = 2000;

/// What is measured, and for how long.
#[derive(Debug, Args)]
pub struct Growth {
    /// Stored sessions, the fewest first.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
    sizes: Vec<u64>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Which databases.
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    stores: Vec<Kind>,
    /// Refreshes a second where their time is measured.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=5000))]
    rate: u32,
    /// Refreshes at once where as many as possible are made.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// How often a measurement is made at most, while others keep the machine busy; the quietest counts.
    #[arg(long, default_value_t = 4)]
    tries: u32,
    /// A PostgreSQL server for this alone, reached as its superuser.
    #[arg(long, env = "ATPASS_BENCH_POSTGRES")]
    postgres: Option<String>,
}

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

pub async fn run(growth: &Growth, json: bool) -> Result<()> {
    ensure!(growth.sizes.is_sorted(), "--sizes: the fewest first");
    let population = Population::new(Found::AtTheirHost)?;
    let internet = apps::host(&population.apps).await?;
    let mut rows = Vec::new();
    for kind in &growth.stores {
        let stored = match kind {
            Kind::Sqlite => Stored::Sqlite(SqliteDatabase::new()?),
            Kind::Postgres => {
                let server = growth.postgres.as_deref();
                let server = server.ok_or_else(|| anyhow::anyhow!("--postgres is missing"))?;
                let database = PostgresDatabase::new(server, master_key()?.1).await?;
                note(&format!("PostgreSQL: {}", database.settings().await?));
                Stored::Postgres(database)
            }
        };
        check_room(&stored, growth).await?;
        let mut site = Site {
            growth,
            population: &population,
            internet: &internet,
            stored,
            generations: HashMap::new(),
        };
        let mut from = 0;
        for &size in &growth.sizes {
            rows.push(site.measure(from, size).await?);
            from = size;
        }
    }
    if json {
        println!("{}", growth_table::json(&rows));
    } else {
        growth_table::print(&rows);
    }
    Ok(())
}

/// Fails when the disk is too small for what is to come.
async fn check_room(stored: &Stored, growth: &Growth) -> Result<()> {
    let mut df = tokio::process::Command::new("df");
    df.args(["--output=avail", "--block-size=1"])
        .arg(stored.folder());
    let printed = String::from_utf8(df.output().await?.stdout)?;
    let free: u64 = printed.split_whitespace().last().unwrap_or("0").parse()?;
    let needed = ROOM * growth.sizes.last().copied().unwrap_or(0);
    let folder = stored.folder().display();
    ensure!(
        free > needed,
        "{folder} has {free} bytes left, and {needed} are needed; set TMPDIR to another place"
    );
    Ok(())
}

/// A database, and all that is around it.
struct Site<'a> {
    growth: &'a Growth,
    population: &'a Population,
    internet: &'a Internet,
    stored: Stored,
    /// Which refresh token of a session is the current one, where it isn't as it was stored.
    generations: HashMap<u64, u32>,
}

impl Site<'_> {
    async fn measure(&mut self, from: u64, size: u64) -> Result<Row> {
        let begun = Instant::now();
        self.stored.grow(self.population, from, size).await?;
        let sizes = self.stored.sizes().await?;
        let name = self.stored.name();
        let took = begun.elapsed().as_secs();
        note(&format!("{name}: {size} sessions are there, in {took} s"));

        let server = Server::open(&self.stored, self.internet).await?;
        let counted_before = self.stored.counters().await?;
        let refreshes = self.refresh(&server, size).await?;
        let verified = self.verify(&server, size).await?;
        let counted = self.stored.counters().await?;
        let counted = counted.zip(counted_before);
        note(&format!(
            "{name}: p99 {:.0} µs, {:.0} a second at most",
            refreshes.at_rate.value.0.microseconds(990),
            refreshes.pressed.value.per_second(),
        ));
        Ok(Row {
            store: name,
            size,
            sizes: PerSession::of(sizes, size),
            refreshes,
            verified,
            counted: counted.map(|(after, before)| after - before),
        })
    }

    async fn refresh(&mut self, server: &Server, size: u64) -> Result<Refreshed> {
        let growth = self.growth;
        let mut refreshes = Refreshes {
            population: self.population,
            issuer: server::issuer()?,
            tokens: server.tokens.clone(),
            confidential: true,
            generations: std::mem::take(&mut self.generations),
            draw: Draw::new(size),
        };
        let (target, stored) = (&server.target, &self.stored);
        let warm_up = refreshes.sign(WARM_UP, size, &server.nonce()?)?;
        drive::in_flight(target, warm_up, growth.in_flight).await?;
        let mut count = WARM_UP;

        // How long one takes, when the server isn't pressed.
        let at_rate = quiet::quietest(growth.tries, stored, async |watch| {
            let flushes = disk_in(stored).await?;
            stored.settle().await?;
            let number = usize::try_from(growth.rate * growth.seconds)?;
            let posts = sign_batches(&mut refreshes, number, size, &server.nonce()?)?;
            watch.restart()?;
            let times = drive::at_rate(target, posts, growth.rate).await?;
            count += times.count();
            Ok((times, flushes))
        });
        let at_rate = at_rate.await?;

        // How many are possible.
        let pressed = quiet::quietest(growth.tries, stored, async |watch| {
            stored.settle().await?;
            watch.restart()?;
            let mut pressed = Times::default();
            while pressed.all < Duration::from_secs(growth.seconds.into()) {
                let number = BATCH.min(usize::try_from(size / 3)?);
                let posts = refreshes.sign(number, size, &server.nonce()?)?;
                pressed.add(drive::in_flight(target, posts, growth.in_flight).await?);
            }
            count += pressed.count();
            Ok(pressed)
        });
        let pressed = pressed.await?;
        self.generations = refreshes.generations;
        Ok(Refreshed {
            at_rate,
            pressed,
            count,
        })
    }

    /// With tokens that are new, and with those that came before.
    async fn verify(&self, server: &Server, size: u64) -> Result<Measured<[Times; 2]>> {
        let mut draw = Draw::new(size + 1);
        let length = Duration::from_secs(self.growth.seconds.into());
        let verified = quiet::quietest(self.growth.tries, &self.stored, async |_| {
            let (mut new, mut held) = (Times::default(), Times::default());
            let begun = Instant::now();
            while begun.elapsed() < length {
                let live = |number| self.population.session(number).ended_at.is_none();
                let sessions = draw.distinct(TOKENS, size, live)?;
                let tokens = verifications::tokens(self.population, server, &sessions)?;
                let verify = async || verifications::verify(self.population, server, &tokens).await;
                new.add(verify().await?);
                held.add(verify().await?);
            }
            Ok([new, held])
        });
        verified.await
    }
}

async fn disk_in(stored: &Stored) -> Result<Times> {
    let folder = stored.folder().to_owned();
    tokio::task::spawn_blocking(move || disk::flushes(&folder, 500)).await?
}

/// No session is twice in a batch, so that none depends on an answer that isn't there yet.
fn sign_batches(
    refreshes: &mut Refreshes<'_>,
    count: usize,
    size: u64,
    nonce: &str,
) -> Result<Vec<drive::Post>> {
    let most = usize::try_from(size / 2)?;
    let mut posts = Vec::new();
    while posts.len() < count {
        posts.extend(refreshes.sign(most.min(count - posts.len()), size, nonce)?);
    }
    Ok(posts)
}

/// What the refreshes of one size came to.
pub(crate) struct Refreshed {
    /// So many a second, and flushes of the disk just before.
    pub(crate) at_rate: Measured<(Times, Times)>,
    /// As many as possible.
    pub(crate) pressed: Measured<Times>,
    /// All refreshes since the size was reached.
    pub(crate) count: usize,
}

/// Bytes on the disk for each session.
pub(crate) struct PerSession {
    pub(crate) sessions: f64,
    pub(crate) all: f64,
}

impl PerSession {
    fn of(sizes: Sizes, sessions: u64) -> Self {
        let each = |bytes: u64| {
            let thousandths = u128::from(bytes) * 1000 / u128::from(sessions.max(1));
            real(usize::try_from(thousandths).unwrap_or(usize::MAX)) / 1000.0
        };
        Self {
            sessions: each(sizes.sessions),
            all: each(sizes.sessions + sizes.accounts),
        }
    }
}
