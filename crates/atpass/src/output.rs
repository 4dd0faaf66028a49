//! What commands print: tables for people, JSON for programs.

use std::io::Write;

use anyhow::Context;
use atpass_protocol::time::UnixTime;
use comfy_table::{Table, presets};
use serde::Serialize;

/// Prints a value as JSON, over several lines.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Prints lines for people. Whoever stops reading has seen enough.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("print the result")
        }
        _ => Ok(()),
    }
}

/// A table without lines.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A time as people and programs read it: RFC 3339, UTC.
pub(crate) fn time(at: UnixTime) -> String {
    let seconds = u64::try_from(at.as_secs()).unwrap_or_default();
    // The last second of the year 9999, beyond which the format has no digits.
    let seconds = seconds.min(253_402_300_799);
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(at).to_string()
}

/// `1 session`, `2 sessions`.
pub(crate) fn many(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or_default();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
