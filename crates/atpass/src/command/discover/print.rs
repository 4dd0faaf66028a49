//! The report, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use atpass_identity::IdentityError;

use super::Report;
use super::advice::Severity;
use super::timeline::Made;

/// Columns of the waterfall.
const COLUMNS: u32 = 20;
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const CARE: Style = AnsiColor::Yellow.on_default();

/// One JSON object on one line.
pub(crate) fn json(report: &Report) -> io::Result<()> {
    let (account, server) = match &report.outcome {
        Ok(found) => (found.account.as_ref(), Some(found)),
        Err(_) => (None, None),
    };
    let steps: Vec<Value> = report.steps.iter().map(step_json).collect();
    let value = json!({
        "input": report.input,
        "ok": report.outcome.is_ok(),
        "account": account.map(|account| json!({
            "did": account.did,
            "handle": account.handle,
            "pds": account.pds,
            "conflict": account.conflict,
        })),
        "issuer": server.map(|found| &found.issuer),
        "metadata": server.map(|found| &found.server),
        "error": report.outcome.as_ref().err().map(ToString::to_string),
        "transient": report.outcome.as_ref().err().is_some_and(IdentityError::is_transient),
        "steps": steps,
        "total_ms": millis(total(&report.steps)),
        "findings": report.findings,
    });
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

fn step_json(made: &Made) -> Value {
    let (ok, said) = match &made.result {
        Some(Ok(found)) => (Some(true), Some(found)),
        Some(Err(why)) => (Some(false), Some(why)),
        None => (None, None),
    };
    json!({
        "step": made.name,
        "asks": made.asks,
        "start_ms": millis(made.began),
        "ms": millis(made.took),
        "ok": ok,
        "result": said,
    })
}

/// Milliseconds to the tenth.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

fn total(steps: &[Made]) -> Duration {
    let ends = steps
        .iter()
        .map(|made| made.began.saturating_add(made.took));
    ends.max().unwrap_or_default()
}

/// Lines for people.
pub(crate) fn text(report: &Report) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "\n{BOLD}{}{BOLD:#}\n", report.input)?;
    let whole = total(&report.steps);
    for made in &report.steps {
        step_line(&mut out, made, whole)?;
    }
    match &report.outcome {
        Ok(found) => {
            writeln!(out)?;
            if let Some(account) = &found.account {
                let handle = account.handle.as_ref();
                let handle = handle.map(|handle| format!("  {handle}, claimed from both sides"));
                writeln!(
                    out,
                    "  account  {}{}",
                    account.did,
                    handle.unwrap_or_default()
                )?;
                writeln!(out, "  PDS      {}", account.pds)?;
            }
            writeln!(out, "  issuer   {BOLD}{}{BOLD:#}", found.issuer)?;
            let ms = millis(whole);
            let count = report.steps.len();
            writeln!(
                out,
                "\n{GOOD}found{GOOD:#}, with {count} questions in {ms:.0} ms"
            )?;
        }
        Err(_) => writeln!(out, "\n{BAD}no app can sign in here{BAD:#}")?,
    }
    for finding in &report.findings {
        let (style, word) = match finding.severity {
            Severity::Error => (BAD, "error"),
            Severity::Warning => (CARE, "warning"),
        };
        writeln!(out, "\n{style}{word}{style:#}: {}", finding.what)?;
        writeln!(out, "  {DIM}mend:{DIM:#} {}", finding.mend)?;
    }
    writeln!(out)?;
    out.flush()
}

fn step_line(out: &mut impl Write, made: &Made, whole: Duration) -> io::Result<()> {
    let from = column(made.began, whole).min(COLUMNS - 1);
    let to = column(made.began.saturating_add(made.took), whole).max(from + 1);
    let bar: String = (0..COLUMNS)
        .map(|n| if (from..to).contains(&n) { '━' } else { ' ' })
        .collect();
    let (style, said) = match &made.result {
        Some(Ok(found)) => (GOOD, found.as_str()),
        Some(Err(why)) => (BAD, why.as_str()),
        None => (DIM, "not waited for"),
    };
    writeln!(
        out,
        "  {:<18} {style}{bar}{style:#} {:>7.1} ms  {said}",
        made.title,
        millis(made.took)
    )
}

/// In which column of the waterfall a moment lies.
fn column(at: Duration, whole: Duration) -> u32 {
    let share = at.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and COLUMNS"
    )]
    let column = (share * f64::from(COLUMNS)).round() as u32;
    column.min(COLUMNS)
}
