//! What the measurements found, for people and for programs.

use serde_json::{Value, json};

use crate::measure::Times;

/// One line of the table.
pub(crate) struct Row {
    name: &'static str,
    remembers: bool,
    nanoseconds: f64,
    /// How many times the bare signature, and our request with a held token. Of each batch and its
    /// neighbours; the median of that.
    to_bare: f64,
    to_ours: f64,
}

/// The lines, beside the bare signature and beside our own request.
pub(crate) fn rows(times: &[Times], bare: &Times, ours: &Times) -> Vec<Row> {
    let row = |of: &Times| Row {
        name: of.name,
        remembers: of.remembers,
        nanoseconds: median(of.batches.iter().copied()),
        to_bare: ratio(of, bare),
        to_ours: ratio(of, ours),
    };
    times.iter().map(row).collect()
}

fn ratio(of: &Times, to: &Times) -> f64 {
    let pairs = of.batches.iter().zip(&to.batches);
    median(pairs.map(|(of, to)| of / to))
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// For people.
pub(crate) fn print(rows: &[Row]) {
    println!("one thread, medians over batches in turn\n");
    println!("| | ns | a second | × bare signature | × atpass, held token | refuses a replay |");
    println!("| --- | ---: | ---: | ---: | ---: | --- |");
    for row in rows {
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {} |",
            row.name,
            row.nanoseconds,
            1e9 / row.nanoseconds,
            row.to_bare,
            row.to_ours,
            if row.remembers { "yes" } else { "no" },
        );
    }
}

/// For programs.
pub(crate) fn json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        json!({
            "name": row.name,
            "nanoseconds": row.nanoseconds,
            "timesBareSignature": row.to_bare,
            "timesAtpassHeldToken": row.to_ours,
            "refusesReplay": row.remembers,
        })
    };
    json!({ "verify": rows.iter().map(row).collect::<Vec<_>>() })
}
