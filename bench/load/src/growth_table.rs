//! What growth came to, for people and for programs.

use serde_json::{Value, json};

use crate::growth::{PerSession, Refreshed};
use crate::pace::{Times, real};
use crate::postgres::Counters;
use crate::quiet::Measured;

/// One database at one size.
pub(crate) struct Row {
    pub(crate) store: &'static str,
    pub(crate) size: u64,
    pub(crate) sizes: PerSession,
    pub(crate) refreshes: Refreshed,
    /// With new tokens, and with held ones.
    pub(crate) verified: Measured<[Times; 2]>,
    pub(crate) counted: Option<Counters>,
}

impl Row {
    fn at_rate(&self) -> &Times {
        &self.refreshes.at_rate.value.0
    }

    /// The disk's own.
    fn flushes(&self) -> &Times {
        &self.refreshes.at_rate.value.1
    }

    fn refresh_p99(&self) -> f64 {
        self.at_rate().microseconds(990)
    }

    fn verify_p99(&self) -> f64 {
        self.verified.value[0].microseconds(990)
    }

    /// The row of the same database at its smallest size.
    fn smallest<'a>(&self, rows: &'a [Self]) -> Option<&'a Self> {
        rows.iter().find(|row| row.store == self.store)
    }

    /// How many times its p99 at the smallest size: of a refresh, and of a verification.
    fn ratios(&self, rows: &[Self]) -> (f64, f64) {
        self.smallest(rows).map_or((1.0, 1.0), |first| {
            (
                self.refresh_p99() / first.refresh_p99(),
                self.verify_p99() / first.verify_p99(),
            )
        })
    }

    /// For each refresh at the fixed rate.
    fn each(&self, bytes: u64) -> f64 {
        real(usize::try_from(bytes).unwrap_or(usize::MAX)) / real(self.at_rate().count())
    }

    fn cpu_milliseconds(&self) -> f64 {
        let cpu = self.refreshes.at_rate.usage.cpu.as_secs_f64();
        cpu * 1e3 / real(self.at_rate().count())
    }
}

pub(crate) fn print(rows: &[Row]) {
    print_refreshes(rows);
    print_verifications(rows);
    print_costs(rows);
}

fn print_refreshes(rows: &[Row]) {
    println!("refreshes; times in µs\n");
    println!(
        "| store | sessions | p50 | p99 | ÷ p99 at the smallest | ÷ p99 of a flush | others use | a second, at most | others use | bytes a session | with its account |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let (at_rate, pressed) = (&row.refreshes.at_rate, &row.refreshes.pressed);
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.0} % | {:.0} | {:.0} % | {:.0} | {:.0} |",
            row.store,
            row.size,
            row.at_rate().microseconds(500),
            row.refresh_p99(),
            row.ratios(rows).0,
            row.refresh_p99() / row.flushes().microseconds(990),
            at_rate.others * 100.0,
            pressed.value.per_second(),
            pressed.others * 100.0,
            row.sizes.sessions,
            row.sizes.all,
        );
    }
}

fn print_verifications(rows: &[Row]) {
    println!("\nverifications; times in µs\n");
    println!(
        "| store | sessions | new token: a second | p99 | ÷ p99 at the smallest | held token: a second | p99 | others use |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let [new, held] = &row.verified.value;
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.0} % |",
            row.store,
            row.size,
            new.per_second(),
            row.verify_p99(),
            row.ratios(rows).1,
            held.per_second(),
            held.microseconds(990),
            row.verified.others * 100.0,
        );
    }
}

fn print_costs(rows: &[Row]) {
    println!("\nfor each refresh; and the disk's own flush\n");
    println!(
        "| store | sessions | flush p50 µs | flush p99 µs | CPU ms | bytes read from the disk | bytes of the log | whole pages in it | flushes of it | pages not in the server's memory | updates that touch no index |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        print!(
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.0} |",
            row.store,
            row.size,
            row.flushes().microseconds(500),
            row.flushes().microseconds(990),
            row.cpu_milliseconds(),
            row.each(row.refreshes.at_rate.usage.read),
        );
        match counted(row) {
            None => println!(" | | | | |"),
            Some([log, whole, flushes, read, hot]) => println!(
                " {log:.0} | {whole:.2} | {flushes:.2} | {read:.2} | {:.1} % |",
                hot * 100.0
            ),
        }
    }
}

/// Bytes of the log, whole pages in it, flushes of it, and pages read, each for one refresh; and the share of HOT
/// updates.
fn counted(row: &Row) -> Option<[f64; 5]> {
    let counted = row.counted?;
    let number = |number: i64| real(usize::try_from(number).unwrap_or_default());
    let all = real(row.refreshes.count);
    Some([
        number(counted.log_bytes) / all,
        number(counted.log_pages) / all,
        number(counted.log_flushes) / all,
        number(counted.pages_read) / all,
        number(counted.hot_updates) / number(counted.updates),
    ])
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let times = |times: &Times| {
        json!({
            "count": times.count(),
            "perSecond": times.per_second(),
            "p50Us": times.microseconds(500),
            "p99Us": times.microseconds(990),
            "p999Us": times.microseconds(999),
        })
    };
    let row = |row: &Row| {
        let (refresh, verify) = row.ratios(rows);
        let (at_rate, pressed) = (&row.refreshes.at_rate, &row.refreshes.pressed);
        let [new, held] = &row.verified.value;
        json!({
            "store": row.store,
            "sessions": row.size,
            "refreshAtRate": times(row.at_rate()),
            "refreshAtRateOthers": at_rate.others,
            "refreshAtMost": times(&pressed.value),
            "refreshAtMostOthers": pressed.others,
            "refreshP99ToSmallest": refresh,
            "diskFlush": times(row.flushes()),
            "verifyNewToken": times(new),
            "verifyHeldToken": times(held),
            "verifyOthers": row.verified.others,
            "verifyP99ToSmallest": verify,
            "bytesPerSession": row.sizes.sessions,
            "bytesPerSessionWithAccount": row.sizes.all,
            "cpuMsPerRefresh": row.cpu_milliseconds(),
            "bytesReadPerRefresh": row.each(at_rate.usage.read),
            "postgres": counted(row).map(|[log, whole, flushes, read, hot]| json!({
                "logBytesPerRefresh": log,
                "wholePagesPerRefresh": whole,
                "logFlushesPerRefresh": flushes,
                "pagesReadPerRefresh": read,
                "hotShare": hot,
            })),
        })
    };
    json!({ "growth": rows.iter().map(row).collect::<Vec<_>>() })
}
