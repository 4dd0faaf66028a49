//! Measurements that are made again while others keep the machine busy.

use anyhow::Result;
use tokio::time::Instant;

use crate::note;
use crate::stored::Stored;
use crate::usage::{self, Usage};

/// The share of the processors that others may use in a measurement that is good at once.
/// The system works for us too, when it writes: up to a tenth.
const ENOUGH: f64 = 0.1;

/// What a measurement came to, and what else went on.
pub(crate) struct Measured<T> {
    pub(crate) value: T,
    /// The share of all processors that others used meanwhile.
    pub(crate) others: f64,
    /// What the database's server used; where it is this process, all of it with the load.
    pub(crate) usage: Usage,
}

/// Measures until it is quiet, or so many times, and keeps what was measured in the quietest moment.
pub(crate) async fn quietest<T>(
    tries: u32,
    stored: &Stored,
    mut measure: impl AsyncFnMut(&mut Watch<'_>) -> Result<T>,
) -> Result<Measured<T>> {
    let mut best: Option<Measured<T>> = None;
    for left in (0..tries.max(1)).rev() {
        let mut watch = Watch::begin(stored)?;
        let value = measure(&mut watch).await?;
        let measured = watch.end(value)?;
        let others = measured.others;
        if best.as_ref().is_none_or(|best| others < best.others) {
            best = Some(measured);
        }
        if others < ENOUGH {
            break;
        }
        if left > 0 {
            let percent = others * 100.0;
            note(&format!(
                "others use {percent:.0} % of the machine: measured again"
            ));
        }
    }
    best.ok_or_else(|| anyhow::anyhow!("nothing was measured"))
}

/// Looks at who uses the processors.
pub(crate) struct Watch<'a> {
    stored: &'a Stored,
    begun: Instant,
    all: Usage,
    own: Usage,
    server: Option<Usage>,
}

impl<'a> Watch<'a> {
    fn begin(stored: &'a Stored) -> Result<Self> {
        Ok(Self {
            stored,
            begun: Instant::now(),
            all: usage::of_all()?,
            own: usage::own()?,
            server: stored.usage()?,
        })
    }

    /// Begins anew: what came before was preparation.
    pub(crate) fn restart(&mut self) -> Result<()> {
        *self = Self::begin(self.stored)?;
        Ok(())
    }

    fn end<T>(&self, value: T) -> Result<Measured<T>> {
        let now = Self::begin(self.stored)?;
        let own = now.own - self.own;
        let server = now.server.zip(self.server);
        let server = server.map(|(now, before)| now - before);
        let ours = own.cpu + server.unwrap_or_default().cpu;
        let others = (now.all - self.all).cpu.saturating_sub(ours);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let possible = self.begun.elapsed().as_secs_f64() * crate::pace::real(cores);
        Ok(Measured {
            value,
            others: others.as_secs_f64() / possible,
            usage: server.unwrap_or(own),
        })
    }
}
