//! The rows of the table: what is asked of both servers, in turn.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use atpass_bench_load::note;
use atpass_bench_load::pace::{self, Times, real};

use crate::app::App;
use crate::process::Process;
use crate::site::{Job, Session, Site};

/// Requests from which the first guess at a server's speed comes.
const FIRST: usize = 300;
/// Codes of one measurement at most: they are made beforehand, and must be exchanged within a minute.
const MOST_CODES: usize = 6000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Refresh(Kind),
    Push(Kind),
    Exchange,
    Resource,
    Login,
}

/// Of which app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Confidential,
}

impl What {
    pub(crate) const ALL: [Self; 7] = [
        Self::Refresh(Kind::Public),
        Self::Refresh(Kind::Confidential),
        Self::Push(Kind::Public),
        Self::Push(Kind::Confidential),
        Self::Exchange,
        Self::Resource,
        Self::Login,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refresh(Kind::Public) => "refresh, public",
            Self::Refresh(Kind::Confidential) => "refresh, confidential",
            Self::Push(Kind::Public) => "PAR, public",
            Self::Push(Kind::Confidential) => "PAR, confidential",
            Self::Exchange => "code exchange, public",
            Self::Resource => "resource request",
            Self::Login => "whole login, public, signed in before",
        }
    }

    /// How many times the official server's requests per CPU second are wanted, where issue and README promise that.
    pub(crate) const fn target(self) -> Option<f64> {
        match self {
            Self::Refresh(Kind::Public) => Some(15.0),
            Self::Refresh(Kind::Confidential) => Some(12.0),
            Self::Push(_) => Some(10.0),
            Self::Resource => Some(20.0),
            Self::Exchange | Self::Login => None,
        }
    }

    /// How many a second, where their time is measured: both servers can hold that on one core.
    pub(crate) const fn rate(self) -> u32 {
        match self {
            Self::Refresh(_) | Self::Push(_) | Self::Resource => 100,
            Self::Exchange => 50,
            Self::Login => 20,
        }
    }
}

/// How long, how often and how much at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Of each measurement.
    pub(crate) seconds: f64,
    pub(crate) in_flight: usize,
    /// Sessions of each app.
    pub(crate) sessions: usize,
}

/// A server with its sessions.
pub(crate) struct Party {
    pub(crate) site: Arc<Site>,
    public: Sessions,
    confidential: Sessions,
}

struct Sessions {
    app: Arc<App>,
    all: Vec<Arc<Session>>,
}

/// What a server did under load.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// Of each round.
    pub(crate) per_cpu_second: Vec<f64>,
    /// Of each round, as many as possible.
    pub(crate) per_second: Vec<f64>,
    /// Of all rounds, so many a second.
    pub(crate) paced: Times,
}

/// Both.
pub(crate) struct Row {
    pub(crate) what: What,
    pub(crate) ours: Side,
    pub(crate) official: Side,
}

impl Party {
    /// Signs a person in, and makes the sessions.
    pub(crate) async fn new(site: Site, apps: [&Arc<App>; 2], plan: &Plan) -> Result<Self> {
        let site = Arc::new(site);
        site.prepare().await?;
        let [public, confidential] = apps;
        site.sign_in(public).await?;
        let sessions = async |app: &Arc<App>| {
            anyhow::Ok(Sessions {
                app: app.clone(),
                all: site.sessions(app, plan.sessions).await?,
            })
        };
        let (public, confidential) = (sessions(public).await?, sessions(confidential).await?);
        note(&format!("{}: the sessions are there", site.name));
        Ok(Self {
            site,
            public,
            confidential,
        })
    }

    /// The process whose time counts.
    fn process(&self, what: What) -> &Process {
        match (&self.site.resource, what) {
            (Some((process, _)), What::Resource) => process,
            _ => &self.site.server,
        }
    }

    const fn sessions(&self, kind: Kind) -> &Sessions {
        match kind {
            Kind::Public => &self.public,
            Kind::Confidential => &self.confidential,
        }
    }

    /// So many jobs, their requests signed.
    pub(crate) async fn jobs(&self, what: What, count: usize) -> Result<Vec<Job>> {
        let site = &self.site;
        site.prepare().await?;
        if matches!(what, What::Exchange | What::Login) && site.browser.changes_cookies() {
            // It changes now, and not again until these are done.
            site.sign_in(&self.public.app).await?;
        }
        match what {
            What::Refresh(kind) => {
                let sessions = self.sessions(kind).all.iter().cycle().take(count);
                sessions.map(|session| site.refresh(session)).collect()
            }
            What::Push(kind) => {
                let app = &self.sessions(kind).app;
                (0..count).map(|_| site.first(app)).collect()
            }
            What::Exchange => {
                let count = count.min(MOST_CODES);
                site.exchanges(&self.public.app, count).await
            }
            What::Resource => {
                let mut jobs = Vec::with_capacity(count);
                for session in self.public.all.iter().cycle().take(count) {
                    jobs.push(site.call(session).await?);
                }
                Ok(jobs)
            }
            What::Login => {
                let app = &self.public.app;
                (0..count).map(|_| site.login(app)).collect()
            }
        }
    }

    /// Access tokens live for a quarter of an hour: new ones for all.
    async fn renew(&self) -> Result<()> {
        let what = What::Refresh(Kind::Public);
        let jobs = self.jobs(what, self.public.all.len()).await?;
        self.pressed(jobs, 8).await?;
        Ok(())
    }

    pub(crate) async fn pressed(&self, jobs: Vec<Job>, in_flight: usize) -> Result<Times> {
        let site = self.site.clone();
        let act = move |job| {
            let site = site.clone();
            async move { site.act(job).await }
        };
        pace::in_flight(jobs, in_flight, act).await
    }

    async fn paced(&self, jobs: Vec<Job>, per_second: u32) -> Result<Times> {
        let site = self.site.clone();
        let act = move |job| {
            let site = site.clone();
            async move { site.act(job).await }
        };
        pace::at_rate(jobs, per_second, act).await
    }

    /// It gets no processor from now on.
    pub(crate) async fn pause(&self) -> Result<()> {
        for process in self.site.processes() {
            process.pause().await?;
        }
        Ok(())
    }

    /// It goes on.
    pub(crate) async fn resume(&self) -> Result<()> {
        for process in self.site.processes() {
            process.resume().await?;
        }
        // What it put off while it rested shall not count.
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        ticks.tick().await;
        ticks.tick().await;
        Ok(())
    }

    /// As many as possible, for about so long; into `side`, where it counts.
    async fn press(
        &self,
        what: What,
        count: usize,
        plan: &Plan,
        side: Option<&mut Side>,
    ) -> Result<usize> {
        let jobs = self.jobs(what, count).await?;
        let before = self.process(what).cpu()?;
        let times = self.pressed(jobs, plan.in_flight).await?;
        let used = self.process(what).cpu()? - before;
        if let Some(side) = side {
            let count = real(times.count());
            side.per_cpu_second.push(count / used.as_secs_f64());
            side.per_second.push(times.per_second());
        }
        Ok(whole(times.per_second() * plan.seconds))
    }
}

/// Measures one row, the servers in turn; the other one rests.
pub(crate) async fn measure(what: What, [ours, official]: [&Party; 2], plan: &Plan) -> Result<Row> {
    let mut row = Row {
        what,
        ours: Side::default(),
        official: Side::default(),
    };
    let mut counts = [FIRST; 2];
    // The first round is for the machine to become warm.
    for round in 0..=plan.rounds {
        let sides = [&mut row.ours, &mut row.official];
        let parties = [ours, official].into_iter().zip(sides).zip(&mut counts);
        for ((party, side), count) in parties {
            let other = if party.site.name == ours.site.name {
                official
            } else {
                ours
            };
            other.pause().await?;
            let measured = async {
                if what == What::Resource {
                    party.renew().await?;
                }
                if round == 0 {
                    *count = party.press(what, *count, plan, None).await?;
                    *count = party.press(what, *count, plan, None).await?;
                    return anyhow::Ok(());
                }
                *count = party.press(what, *count, plan, Some(side)).await?;
                let paced = whole(f64::from(what.rate()) * plan.seconds);
                let jobs = party.jobs(what, paced).await?;
                side.paced.add(party.paced(jobs, what.rate()).await?);
                Ok(())
            };
            let measured = measured.await;
            let place = || format!("{} of {}", what.name(), party.site.name);
            other.resume().await?;
            measured.with_context(place)?;
        }
    }
    let last = |side: &Side| side.per_cpu_second.last().copied().unwrap_or(f64::NAN);
    note(&format!(
        "{}: {:.0} and {:.0} per CPU second",
        what.name(),
        last(&row.ours),
        last(&row.official)
    ));
    Ok(row)
}

/// How many commits a database in SQLite has seen: the counter in the index of its log
/// (<https://sqlite.org/walformat.html#the_wal_index_header>).
pub(crate) fn commits(database: &Path) -> Result<u32> {
    let index = fs::read(database.with_extension("sqlite-shm"))?;
    let bytes = index.get(8..12).context("an index")?;
    Ok(u32::from_ne_bytes(bytes.try_into()?))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of requests, well below that"
)]
fn whole(number: f64) -> usize {
    number.ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aims_by_the_kind_of_request() {
        assert_eq!(What::Push(Kind::Confidential).target(), Some(10.0));
        assert_eq!(What::Resource.target(), Some(20.0));
        assert_eq!(What::Login.target(), None);
    }
}
