//! The disk's own speed: what no durable act can do without.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::pace::Times;

/// As much as a small commit: a page.
const BYTES: [u8; 4096] = [0; 4096];
/// Flushes a second.
const RATE: u32 = 100;

/// Pages that are appended to a file and flushed, one after the other.
pub(crate) fn flushes(folder: &Path, count: u32) -> Result<Times> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut each = Vec::new();
    let begun = Instant::now();
    for number in 0..count {
        pause(begun + Duration::from_secs(1) * number / RATE);
        let one = Instant::now();
        file.write_all(&BYTES)?;
        file.sync_data()?;
        each.push(one.elapsed());
    }
    Ok(Times::new(each, begun.elapsed()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a disk that is kept busy answers otherwise than one that isn't"
)]
fn pause(until: Instant) {
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
}
