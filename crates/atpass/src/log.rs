//! Logs go to standard error; standard output is for results.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{LogFormat, LogLevel};

/// The target of the audit trail.
pub(crate) const AUDIT: &str = "atpass::audit";

/// Finer filters than a level, for all commands.
const VARIABLE: &str = "ATPASS_LOG";

/// Writes an operator's act to the audit trail: `event` is its name, `what` what it was done to.
pub(crate) fn audit(event: &str, what: &dyn std::fmt::Display) {
    tracing::info!(target: AUDIT, event, by = "operator", "{what}");
}

/// Starts logging: warnings only, or as `ATPASS_LOG` or the number of `-v` says. Where standard
/// error is kept (it is no terminal), so is the audit trail.
pub(crate) fn init(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    let filter = if std::io::stderr().is_terminal() {
        filter
    } else {
        with_audit(filter)
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Starts the logging of a server. The audit trail is written whatever the level, and handed to
/// `audit` as well.
pub(crate) fn init_server(
    format: LogFormat,
    level: LogLevel,
    verbose: u8,
    audit: impl Layer<Registry> + Send + Sync,
) {
    let level = match verbose {
        0 => level.as_str(),
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    let filter = with_audit(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Nothing else reaches it, so that what nobody writes costs nothing.
    let audited = Targets::new().with_target(AUDIT, Level::INFO);
    tracing_subscriber::registry()
        .with(audit.with_filter(audited))
        .with(lines.with_filter(filter))
        .init();
}

/// The audit trail, whatever the level.
fn with_audit(filter: EnvFilter) -> EnvFilter {
    match format!("{AUDIT}=info").parse() {
        Ok(always) => filter.add_directive(always),
        Err(_) => filter,
    }
}
