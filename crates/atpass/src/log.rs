//! Logs go to standard error; standard output is for results.

use tracing_subscriber::EnvFilter;

/// Starts logging: warnings only, or as `ATPASS_LOG` or the number of `-v` says.
pub(crate) fn init(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("ATPASS_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
