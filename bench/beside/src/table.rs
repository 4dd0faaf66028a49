//! What was found, for people and for programs.

use serde_json::{Value, json};

use crate::floor::Floor;
use crate::footprint::Footprint;
use crate::process::Memory;
use crate::rows::{Row, Side};

/// All that was found.
pub(crate) struct Found {
    pub(crate) rows: Vec<Row>,
    pub(crate) floor: Option<FloorFound>,
    pub(crate) ours: Footprint,
    pub(crate) official: Footprint,
}

/// The floor, and what a refresh takes.
pub(crate) struct FloorFound {
    /// Medians.
    pub(crate) floor: Floor,
    /// Microseconds of the processor.
    pub(crate) refresh: f64,
    /// Acts of one commit under load.
    pub(crate) group: u32,
}

/// Of several measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    pub(crate) fn of(numbers: &[f64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(middle.saturating_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self {
            median,
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
        }
    }

    fn json(self) -> Value {
        json!({
            "median": round(self.median, 2), "min": round(self.min, 2), "max": round(self.max, 2),
        })
    }
}

impl Row {
    /// How many times the official server's requests per CPU second.
    fn ratio(&self) -> Spread {
        let pairs = self.ours.per_cpu_second.iter();
        let pairs = pairs.zip(&self.official.per_cpu_second);
        let ratios: Vec<f64> = pairs.map(|(ours, official)| ours / official).collect();
        Spread::of(&ratios)
    }
}

impl Side {
    pub(crate) fn cpu(&self) -> Spread {
        Spread::of(&self.per_cpu_second)
    }

    /// Milliseconds within which so many of a thousand were answered.
    fn milliseconds(&self, per_thousand: usize) -> f64 {
        self.paced.microseconds(per_thousand) / 1e3
    }

    fn json(&self) -> Value {
        let cpu = self.cpu();
        json!({
            "perCpuSecond": cpu.json(),
            "cpuMs": round(1e3 / cpu.median, 4),
            "perSecond": round(Spread::of(&self.per_second).median, 1),
            "p50Ms": round(self.milliseconds(500), 3),
            "p99Ms": round(self.milliseconds(990), 3),
        })
    }
}

impl FloorFound {
    fn share(&self) -> f64 {
        self.floor.sum() / self.refresh
    }
}

/// For programs.
pub(crate) fn json(found: &Found) -> Value {
    let row = |row: &Row| {
        json!({
            "name": row.what.name(),
            "ours": row.ours.json(),
            "official": row.official.json(),
            "ratio": row.ratio().json(),
            "target": row.what.target(),
            "pacePerSecond": row.what.rate(),
        })
    };
    let floor = found.floor.as_ref().map(|found| {
        let Floor {
            verify,
            sign,
            http,
            commit,
        } = found.floor;
        json!({
            "verifyUs": round(verify, 2),
            "signUs": round(sign, 2),
            "httpUs": round(http, 2),
            "commitUs": round(commit, 2),
            "sumUs": round(found.floor.sum(), 2),
            "refreshUs": round(found.refresh, 2),
            "share": round(found.share(), 3),
            "actsPerCommit": found.group,
        })
    });
    json!({ "beside": {
        "rows": found.rows.iter().map(row).collect::<Vec<_>>(),
        "floor": floor,
        "footprint": { "ours": footprint(&found.ours), "official": footprint(&found.official) },
    } })
}

fn footprint(found: &Footprint) -> Value {
    let rss = |memory: Option<Memory>| memory.map(|memory| round(memory.rss, 1));
    let pss = |memory: Option<Memory>| memory.map(|memory| round(memory.pss, 1));
    json!({
        "firstAnswerMs": round(Spread::of(&found.first_answer).median, 1),
        "idleMb": rss(found.idle),
        "with10kMb": rss(found.with_10k),
        "with1mMb": rss(found.with_1m),
        "afterLoadMb": rss(found.after_load),
        "idlePssMb": pss(found.idle),
        "with10kPssMb": pss(found.with_10k),
        "with1mPssMb": pss(found.with_1m),
        "afterLoadPssMb": pss(found.after_load),
    })
}

/// For people.
pub(crate) fn print(found: &Found) {
    println!(
        "server on one core, driver on the others, the two servers in turn; medians over rounds (least to most)\n"
    );
    println!(
        "| | per CPU second: ours | official | times | target | CPU ms: ours | official | per second: ours | official | p50, p99 ms: ours | official | at |"
    );
    println!(
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for row in &found.rows {
        let spread = |spread: Spread, digits: usize| {
            let Spread { median, min, max } = spread;
            format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
        };
        let each = |side: &Side| format!("{:.3}", 1e3 / side.cpu().median);
        let pressed = |side: &Side| format!("{:.0}", Spread::of(&side.per_second).median);
        let paced = |side: &Side| {
            let [p50, p99] = [500, 990].map(|part| side.milliseconds(part));
            format!("{p50:.2}, {p99:.2}")
        };
        let target = row.what.target();
        let target = target.map_or_else(String::new, |target| format!("≥ {target:.0}"));
        println!(
            "| {} | {} | {} | {} | {target} | {} | {} | {} | {} | {} | {} | {}/s |",
            row.what.name(),
            spread(row.ours.cpu(), 0),
            spread(row.official.cpu(), 0),
            spread(row.ratio(), 1),
            each(&row.ours),
            each(&row.official),
            pressed(&row.ours),
            pressed(&row.official),
            paced(&row.ours),
            paced(&row.official),
            row.what.rate(),
        );
    }
    if let Some(found) = &found.floor {
        print_floor(found);
    }
    print_footprint(found);
}

fn print_floor(found: &FloorFound) {
    let Floor {
        verify,
        sign,
        http,
        commit,
    } = found.floor;
    println!(
        "\nfloor of a refresh, µs of the processor: verification {verify:.1} + signature {sign:.1} + HTTP exchange {http:.1} + share of a commit of {} {commit:.1} = {:.1}; a refresh takes {:.1}: {:.0} % (target: 60 % at least)\n",
        found.group,
        found.floor.sum(),
        found.refresh,
        found.share() * 100.0,
    );
}

fn print_footprint(found: &Found) {
    println!(
        "| memory, MB resident (and its share of what is shared) | ours | official | target |"
    );
    println!("| --- | ---: | ---: | ---: |");
    let memory = |memory: Option<Memory>| {
        memory.map_or_else(
            || "–".to_owned(),
            |memory| format!("{:.1} ({:.1})", memory.rss, memory.pss),
        )
    };
    let (ours, official) = (&found.ours, &found.official);
    for (name, ours, official, target) in [
        ("idle", ours.idle, official.idle, "< 25"),
        ("with 10,000 sessions", ours.with_10k, official.with_10k, ""),
        (
            "with 1,000,000 sessions",
            ours.with_1m,
            official.with_1m,
            "",
        ),
        (
            "after the load",
            ours.after_load,
            official.after_load,
            "< 80",
        ),
    ] {
        println!(
            "| {name} | {} | {} | {target} |",
            memory(ours),
            memory(official)
        );
    }
    let first = |footprint: &Footprint| Spread::of(&footprint.first_answer).median;
    println!(
        "| start to first answer, ms | {:.0} | {:.0} | < 100 |",
        first(ours),
        first(official)
    );
}

/// A number with so many digits after the point, where it is one.
fn round(number: f64, digits: i32) -> Option<f64> {
    let scale = 10_f64.powi(digits);
    number.is_finite().then(|| (number * scale).round() / scale)
}
