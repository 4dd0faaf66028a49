//! What growth came to, for people and for programs.

use serde_json::{Value, json};

use crate::drive::{Times, real};
use crate::growth::{PerSession, Refreshed};
use crate::postgres::Counters;

/// One database at one size.
pub(crate) struct Row {
    pub(crate) store: &'static str,
    pub(crate) size: u64,
    pub(crate) sizes: PerSession,
    /// The disk's own.
    pub(crate) flushes: Times,
    pub(crate) refreshes: Refreshed,
    pub(crate) new_tokens: Times,
    pub(crate) held_tokens: Times,
    pub(crate) counted: Option<Counters>,
}

impl Row {
    fn refresh_p99(&self) -> f64 {
        self.refreshes.at_rate.microseconds(990)
    }

    fn verify_p99(&self) -> f64 {
        self.new_tokens.microseconds(990)
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
        real(usize::try_from(bytes).unwrap_or(usize::MAX)) / real(self.refreshes.at_rate.count())
    }

    fn cpu_milliseconds(&self) -> f64 {
        let cpu = self.refreshes.usage.cpu.as_secs_f64();
        cpu * 1e3 / real(self.refreshes.at_rate.count())
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!("refreshes; times in µs\n");
    println!(
        "| store | sessions | p50 | p99 | p99 ÷ p99 at the smallest | a second, at most | flush of the disk, p50 and p99 | bytes a session | with its account |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let at_rate = &row.refreshes.at_rate;
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0}, {:.0} | {:.0} | {:.0} |",
            row.store,
            row.size,
            at_rate.microseconds(500),
            row.refresh_p99(),
            row.ratios(rows).0,
            row.refreshes.pressed.per_second(),
            row.flushes.microseconds(500),
            row.flushes.microseconds(990),
            row.sizes.sessions,
            row.sizes.all,
        );
    }
    println!("\nverifications; times in µs\n");
    println!(
        "| store | sessions | new token: a second | p99 | ÷ p99 at the smallest | held token: a second | p99 |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} |",
            row.store,
            row.size,
            row.new_tokens.per_second(),
            row.verify_p99(),
            row.ratios(rows).1,
            row.held_tokens.per_second(),
            row.held_tokens.microseconds(990),
        );
    }
    println!("\nfor each refresh\n");
    println!(
        "| store | sessions | CPU ms | bytes written | bytes read | of the log | whole pages in it | pages not in the server's memory | updates that touch no index |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let usage = row.refreshes.usage;
        print!(
            "| {} | {} | {:.2} | {:.0} | {:.0} |",
            row.store,
            row.size,
            row.cpu_milliseconds(),
            row.each(usage.written),
            row.each(usage.read),
        );
        match counted(row) {
            None => println!(" | | | |"),
            Some([log, whole, read, hot]) => {
                println!(
                    " {log:.0} | {whole:.2} | {read:.2} | {:.1} % |",
                    hot * 100.0
                );
            }
        }
    }
}

/// Bytes of the log, whole pages in it, and pages read, each for one refresh; and the share of HOT updates.
fn counted(row: &Row) -> Option<[f64; 4]> {
    let counted = row.counted?;
    let number = |number: i64| real(usize::try_from(number).unwrap_or_default());
    let all = real(row.refreshes.count);
    Some([
        number(counted.log_bytes) / all,
        number(counted.log_pages) / all,
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
        let usage = row.refreshes.usage;
        json!({
            "store": row.store,
            "sessions": row.size,
            "refreshAtRate": times(&row.refreshes.at_rate),
            "refreshAtMost": times(&row.refreshes.pressed),
            "refreshP99ToSmallest": refresh,
            "diskFlush": times(&row.flushes),
            "verifyNewToken": times(&row.new_tokens),
            "verifyHeldToken": times(&row.held_tokens),
            "verifyP99ToSmallest": verify,
            "bytesPerSession": row.sizes.sessions,
            "bytesPerSessionWithAccount": row.sizes.all,
            "cpuMsPerRefresh": row.cpu_milliseconds(),
            "bytesWrittenPerRefresh": row.each(usage.written),
            "bytesReadPerRefresh": row.each(usage.read),
            "postgres": counted(row).map(|[log, whole, read, hot]| json!({
                "logBytesPerRefresh": log,
                "wholePagesPerRefresh": whole,
                "pagesReadPerRefresh": read,
                "hotShare": hot,
            })),
        })
    };
    json!({ "growth": rows.iter().map(row).collect::<Vec<_>>() })
}
