//! The tables of each part.

use super::found::{AtServer, Beside, Found, OUR_CLIENT, Page, Sizes, Verified};
use super::{short, table, whole};
use crate::bench::counts::Costs;

/// All parts that were measured, with their pictures.
pub(super) fn all(found: &Found) -> String {
    let mut text = String::new();
    if let Some(beside) = &found.beside {
        text += &requests(beside);
        text += &floor(beside);
        text += &footprint(beside);
    }
    if let Some(verified) = &found.verify {
        text += &verification(verified);
    }
    for server in found.round_trips.iter().flatten() {
        text += &round_trips(server);
    }
    if found.round_trips.is_some() {
        text += "![Time until a login or a refresh is done, over the delay of each request](latency.svg)\n";
    }
    if let Some(counts) = &found.counts {
        text += &costs(counts);
    }
    if let Some(sizes) = &found.sizes {
        text += &weights(sizes);
    }
    text
}

fn requests(beside: &Beside) -> String {
    let mut rows = Vec::new();
    for race in &beside.rows {
        for (who, load) in [("atpass", &race.ours), ("official", &race.official)] {
            let each = &load.per_cpu_second;
            rows.push([
                format!("{}: {who}", race.name),
                whole(each.median),
                format!("{} to {}", whole(each.min), whole(each.max)),
                short(load.cpu_ms),
                maybe(load.per_second),
                maybe(load.p50_ms),
                maybe(load.p99_ms),
            ]);
        }
    }
    let head = [
        "",
        "for a second of CPU time",
        "least to most",
        "CPU ms each",
        "a second",
        "p50 ms",
        "p99 ms",
    ];
    format!(
        "\n## Our server beside the official PDS\n\n![How many times as much for a second of CPU time](ratios.svg)\n\n{}",
        table(head, rows)
    )
}

fn floor(beside: &Beside) -> String {
    let Some(floor) = &beside.floor else {
        return String::new();
    };
    let rows = [
        ("verification of the proof", floor.verify_us),
        ("signature of the access token", floor.sign_us),
        ("exchange over HTTP", floor.http_us),
        ("share of a durable commit", floor.commit_us),
        ("all of these", floor.sum_us),
        ("our refresh", floor.refresh_us),
    ];
    let rows = rows.map(|(name, microseconds)| [name.to_owned(), short(microseconds)]);
    format!(
        "\n### A refresh, and what it can't do without\n\n![A refresh and its parts](refresh.svg)\n\n{}",
        table(["", "µs of CPU time"], rows)
    )
}

fn footprint(beside: &Beside) -> String {
    let Some(of) = &beside.footprint else {
        return String::new();
    };
    let (ours, official) = (&of.ours, &of.official);
    let rows = [
        (
            "start to first answer, ms",
            ours.first_answer_ms,
            official.first_answer_ms,
        ),
        ("memory, idle, MB", ours.idle_mb, official.idle_mb),
        (
            "… with 10,000 live sessions",
            ours.with10k_mb,
            official.with10k_mb,
        ),
        (
            "… with 1,000,000 live sessions",
            ours.with1m_mb,
            official.with1m_mb,
        ),
        (
            "… after the load above",
            ours.after_load_mb,
            official.after_load_mb,
        ),
    ];
    let rows = rows.map(|(name, ours, official)| [name.to_owned(), maybe(ours), maybe(official)]);
    let table = table(["", "atpass", "official"], rows);
    format!("\n### Start and memory\n\n{table}")
}

fn verification(verified: &[Verified]) -> String {
    let rows = verified.iter().map(|row| {
        [
            row.name.clone(),
            whole(row.nanoseconds),
            format!("{:.2}", row.times_bare_signature),
            format!("{:.2}", row.times_atpass_held_token),
            if row.refuses_replay { "yes" } else { "no" }.to_owned(),
        ]
    });
    let head = [
        "",
        "ns",
        "× bare signature",
        "× atpass, held token",
        "refuses a replay",
    ];
    let table = table(head, rows);
    format!("\n## The verification of a request\n\n{table}")
}

fn round_trips(server: &AtServer) -> String {
    let mut rows = Vec::new();
    let others: Vec<&str> = server.others().collect();
    for client in [&[OUR_CLIENT], &others[..]].concat() {
        let found = server.clients.iter().find(|found| found.name == client);
        for case in found.iter().flat_map(|client| &client.cases) {
            let ms = |delay: u32| maybe(case.ms.get(&delay).copied());
            rows.push([
                format!("{}: {client}", case.name),
                case.requests.to_string(),
                case.one_after_the_other.to_string(),
                case.nonce_retries.to_string(),
                ms(0),
                ms(50),
                ms(150),
            ]);
        }
    }
    let head = [
        "",
        "requests",
        "one after the other",
        "for want of a nonce",
        "ms",
        "ms at 50 ms",
        "ms at 150 ms",
    ];
    format!(
        "\n## Clients at {}\n\n{}\n",
        server.server,
        table(head, rows)
    )
}

fn costs(costs: &Costs) -> String {
    let rows = costs.iter().map(|(name, cost)| {
        [
            name.clone(),
            cost.allocations.to_string(),
            cost.bytes.to_string(),
            cost.instructions.to_string(),
        ]
    });
    let head = ["", "allocations", "bytes of them", "instructions"];
    let table = table(head, rows);
    format!("\n## What a request costs\n\n{table}")
}

fn weights(sizes: &Sizes) -> String {
    let page = |page: &Page| {
        [
            page.name.clone(),
            whole(page.bytes.into()),
            whole(page.gzip_bytes.into()),
            whole(page.script_bytes.into()),
        ]
    };
    let head = ["", "bytes", "compressed by gzip", "script in it"];
    format!(
        "\n## The program and its pages\n\nThe program has {} bytes, and {} without its symbols. Pages have no fonts.\n\n{}",
        bytes(sizes.program_bytes),
        bytes(sizes.stripped_program_bytes),
        table(head, sizes.pages.iter().map(page))
    )
}

fn bytes(number: u64) -> String {
    u32::try_from(number).map_or_else(|_| number.to_string(), |number| whole(number.into()))
}

fn maybe(number: Option<f64>) -> String {
    number.map_or_else(|| "–".to_owned(), short)
}
