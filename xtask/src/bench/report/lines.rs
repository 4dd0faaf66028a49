//! The main table: ours, the peer's, the ratio, and whether the aim is reached.

use super::found::{AtServer, Beside, Footprints, Found, OUR_CLIENT, Race, Verified};
use super::{short, table, whole};

/// A line of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    name: String,
    ours: String,
    peer: String,
    ratio: String,
    aim: Option<Judged>,
}

#[derive(Debug, PartialEq, Eq)]
struct Judged {
    text: String,
    is_reached: bool,
}

/// What we want a number to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aim {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

impl Aim {
    fn judge(self, number: f64, text: impl Fn(&str, f64) -> String) -> Judged {
        let (word, bound, is_reached) = match self {
            Self::AtLeast(bound) => ("≥", bound, number >= bound),
            Self::AtMost(bound) => ("≤", bound, number <= bound),
            Self::Below(bound) => ("<", bound, number < bound),
        };
        Judged {
            text: text(word, bound),
            is_reached,
        }
    }
}

/// All lines of what was measured.
pub(super) fn all(found: &Found) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(beside) = &found.beside {
        lines.extend(beside.rows.iter().map(race));
        lines.extend(floor(beside));
        lines.extend(beside.footprint.iter().flat_map(footprint));
    }
    lines.extend(found.verify.iter().flatten().find_map(held));
    if let Some(servers) = &found.round_trips {
        for (case, name, most) in [
            ("login, cold", "requests of a login, nothing known yet", 7),
            ("refresh, warm", "requests of a refresh", 1),
        ] {
            lines.extend(round_trips(servers, case, name, most));
        }
    }
    lines
}

/// In Markdown.
pub(super) fn markdown(lines: &[Line]) -> String {
    let rows = lines.iter().map(|line| {
        let (aim, is_reached) = match &line.aim {
            None => (String::new(), ""),
            Some(aim) if aim.is_reached => (aim.text.clone(), "yes"),
            Some(aim) => (aim.text.clone(), "**no**"),
        };
        [
            line.name.clone(),
            line.ours.clone(),
            line.peer.clone(),
            line.ratio.clone(),
            aim,
            is_reached.to_owned(),
        ]
    });
    table(["", "atpass", "the peer", "ratio", "aim", "reached"], rows)
}

fn race(race: &Race) -> Line {
    let each = |load: &super::found::Load| whole(load.per_cpu_second.median);
    let ratio = &race.ratio;
    Line {
        name: format!("{}, for a second of CPU time", race.name),
        ours: each(&race.ours),
        peer: each(&race.official),
        ratio: format!(
            "{} × ({} to {})",
            short(ratio.median),
            short(ratio.min),
            short(ratio.max)
        ),
        aim: race.target.map(|wanted| {
            Aim::AtLeast(wanted).judge(ratio.median, |word, bound| format!("{word} {bound} ×"))
        }),
    }
}

fn floor(beside: &Beside) -> Option<Line> {
    let floor = beside.floor.as_ref()?;
    let percent = 100.0 * floor.share;
    Some(Line {
        name: "CPU time of a refresh, and of the parts that it can't do without".to_owned(),
        ours: format!("{} µs", whole(floor.refresh_us)),
        peer: format!("{} µs", whole(floor.sum_us)),
        ratio: format!("{percent:.0} %"),
        aim: Some(Aim::AtLeast(60.0).judge(percent, |word, bound| format!("{word} {bound} %"))),
    })
}

fn footprint(of: &Footprints) -> Vec<Line> {
    let (ours, official) = (&of.ours, &of.official);
    let rows = [
        (
            "start to first answer",
            (ours.first_answer_ms, official.first_answer_ms),
            "ms",
            Aim::AtMost(100.0),
        ),
        (
            "memory, idle",
            (ours.idle_mb, official.idle_mb),
            "MB",
            Aim::Below(25.0),
        ),
        (
            "memory, after the load",
            (ours.after_load_mb, official.after_load_mb),
            "MB",
            Aim::Below(80.0),
        ),
    ];
    let line = |(name, (ours, official), unit, aim): (&str, (Option<f64>, Option<f64>), _, Aim)| {
        let ours = ours?;
        let with_unit = |number: f64| format!("{} {unit}", short(number));
        Some(Line {
            name: name.to_owned(),
            ours: with_unit(ours),
            peer: official.map(with_unit).unwrap_or_default(),
            ratio: official
                .map(|official| format!("{} ×", short(official / ours)))
                .unwrap_or_default(),
            aim: Some(aim.judge(ours, |word, bound| format!("{word} {bound} {unit}"))),
        })
    };
    rows.into_iter().filter_map(line).collect()
}

/// Our verification with a token that is held, beside the bare signature.
fn held(verified: &Verified) -> Option<Line> {
    (verified.name == "atpass: the request, a held token").then(|| {
        let times = verified.times_bare_signature;
        let microseconds = |ns: f64| format!("{} µs", short(ns / 1000.0));
        Line {
            name: "verification of a request, and of the bare signature".to_owned(),
            ours: microseconds(verified.nanoseconds),
            peer: microseconds(verified.nanoseconds / times),
            ratio: format!("{times:.2} ×"),
            aim: Some(Aim::AtMost(1.15).judge(times, |word, bound| format!("{word} {bound} ×"))),
        }
    })
}

/// What our client needs at the server where it needs the most, beside the newest official one.
fn round_trips(servers: &[AtServer], case: &str, name: &str, most: u32) -> Option<Line> {
    let at = servers
        .iter()
        .max_by_key(|server| server.case(OUR_CLIENT, case).map(|case| case.requests))?;
    let ours = at.case(OUR_CLIENT, case)?.requests;
    let official = at.others().last().and_then(|other| at.case(other, case));
    let official = official.map(|case| case.requests);
    Some(Line {
        name: name.to_owned(),
        ours: ours.to_string(),
        peer: official
            .map(|number| number.to_string())
            .unwrap_or_default(),
        ratio: official
            .map(|official| format!("{} ×", short(f64::from(official) / f64::from(ours))))
            .unwrap_or_default(),
        aim: Some(
            Aim::AtMost(most.into()).judge(ours.into(), |word, bound| format!("{word} {bound}")),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::*;

    #[test]
    fn the_main_table() {
        let table = markdown(&all(&recorded().found));
        for line in [
            "| refresh, public, for a second of CPU time | 7,000 | 450 | 15.6 × (15.1 to 16.2) | ≥ 15 × | yes |",
            "| refresh, confidential, for a second of CPU time | 4,400 | 400 | 11.0 × (10.8 to 11.4) | ≥ 12 × | **no** |",
            "| code exchange, for a second of CPU time | 5,000 | 300 | 16.7 × (16.0 to 17.0) |  |  |",
            "| CPU time of a refresh, and of the parts that it can't do without | 143 µs | 90 µs | 63 % | ≥ 60 % | yes |",
            "| start to first answer | 12.0 ms | 1,400 ms | 117 × | ≤ 100 ms | yes |",
            "| memory, after the load | 85.0 MB | 660 MB | 7.76 × | < 80 MB | **no** |",
            "| verification of a request, and of the bare signature | 100 µs | 90.9 µs | 1.10 × | ≤ 1.15 × | yes |",
            "| requests of a login, nothing known yet | 7 | 12 | 1.71 × | ≤ 7 | yes |",
            "| requests of a refresh | 1 | 5 | 5.00 × | ≤ 1 | yes |",
        ] {
            assert!(table.contains(line), "{line}\n{table}");
        }
    }

    #[test]
    fn aims_at_their_bounds() {
        let reached = |aim: Aim, number| aim.judge(number, |_, _| String::new()).is_reached;
        assert!(reached(Aim::AtLeast(15.0), 15.0) && !reached(Aim::AtLeast(15.0), 14.9));
        assert!(reached(Aim::AtMost(7.0), 7.0) && !reached(Aim::AtMost(7.0), 7.1));
        assert!(reached(Aim::Below(25.0), 24.9) && !reached(Aim::Below(25.0), 25.0));
    }
}
