//! What was measured, as the programs print it. A part that wasn't measured is absent.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::bench::counts::Costs;
use crate::bench::machine::Head;

/// All of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    pub(super) head: Head,
    pub(super) beside: Option<Beside>,
    pub(super) verify: Option<Vec<Verified>>,
    pub(super) round_trips: Option<Vec<AtServer>>,
    pub(super) counts: Option<Costs>,
    pub(super) sizes: Option<Sizes>,
}

/// Our server beside the official one.
#[derive(Debug, Deserialize)]
pub(super) struct Beside {
    pub(super) rows: Vec<Race>,
    pub(super) floor: Option<Floor>,
    pub(super) footprint: Option<Footprints>,
}

/// One kind of request.
#[derive(Debug, Deserialize)]
pub(super) struct Race {
    pub(super) name: String,
    pub(super) ours: Load,
    pub(super) official: Load,
    /// How many times more a second of the processor.
    pub(super) ratio: Spread,
    /// How many times that should be at least, where we have an aim.
    pub(super) target: Option<f64>,
}

/// What a server does of one kind of request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Load {
    pub(super) per_cpu_second: Spread,
    pub(super) cpu_ms: f64,
    /// By the clock, with as many as it can take.
    pub(super) per_second: Option<f64>,
    /// At a rate that both can hold.
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
}

/// The median of several rounds, the least and the most.
#[derive(Debug, Deserialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// What a refresh can't do without, microseconds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Floor {
    pub(super) verify_us: f64,
    pub(super) sign_us: f64,
    pub(super) http_us: f64,
    pub(super) commit_us: f64,
    pub(super) sum_us: f64,
    /// What our refresh takes.
    pub(super) refresh_us: f64,
    /// The floor's share of that.
    pub(super) share: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Footprints {
    pub(super) ours: Footprint,
    pub(super) official: Footprint,
}

/// What a server takes before anybody asks it, and after.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Footprint {
    pub(super) first_answer_ms: Option<f64>,
    pub(super) idle_mb: Option<f64>,
    /// With 10,000 live sessions.
    pub(super) with10k_mb: Option<f64>,
    /// With a million.
    pub(super) with1m_mb: Option<f64>,
    pub(super) after_load_mb: Option<f64>,
}

/// One library that verifies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    pub(super) name: String,
    pub(super) nanoseconds: f64,
    pub(super) times_bare_signature: f64,
    pub(super) times_atpass_held_token: f64,
    pub(super) refuses_replay: bool,
}

/// What clients sent at one server.
#[derive(Debug, Deserialize)]
pub(super) struct AtServer {
    pub(super) server: String,
    pub(super) clients: Vec<Client>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Client {
    #[serde(rename = "client")]
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Case {
    #[serde(rename = "case")]
    pub(super) name: String,
    pub(super) requests: u32,
    pub(super) one_after_the_other: u32,
    pub(super) nonce_retries: u32,
    /// Milliseconds until the result, by the milliseconds that each request took longer.
    pub(super) ms: BTreeMap<u32, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sizes {
    pub(super) program_bytes: u64,
    pub(super) stripped_program_bytes: u64,
    pub(super) pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) name: String,
    pub(super) bytes: u32,
    pub(super) gzip_bytes: u32,
    pub(super) script_bytes: u32,
}

/// Our client's name in the round trips.
pub(super) const OUR_CLIENT: &str = "atpass-client";

impl AtServer {
    /// What a client needed for a case.
    pub(super) fn case(&self, client: &str, case: &str) -> Option<&Case> {
        let client = self.clients.iter().find(|found| found.name == client)?;
        client.cases.iter().find(|found| found.name == case)
    }

    /// The clients that aren't ours.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        let names = self.clients.iter().map(|client| client.name.as_str());
        names.filter(|name| *name != OUR_CLIENT)
    }
}
