//! So many at once, or so many a second; and how long each took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long requests took.
#[derive(Debug, Default)]
pub struct Times {
    /// From when a request was to go out until it was answered.
    each: Vec<Duration>,
    /// From the first to the last.
    pub all: Duration,
}

impl Times {
    pub(crate) fn new(each: Vec<Duration>, all: Duration) -> Self {
        Self { each, all }
    }

    pub fn count(&self) -> usize {
        self.each.len()
    }

    pub fn add(&mut self, other: Self) {
        self.each.extend(other.each);
        self.all += other.all;
    }

    pub fn per_second(&self) -> f64 {
        real(self.count()) / self.all.as_secs_f64()
    }

    /// Microseconds within which so many of a thousand were answered.
    pub fn microseconds(&self, per_thousand: usize) -> f64 {
        let mut sorted = self.each.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * per_thousand).div_ceil(1000).max(1) - 1;
        let found = sorted.get(place).copied().unwrap_or_default();
        found.as_secs_f64() * 1e6
    }
}

/// A count as a number to reckon with: none here is too large for that.
pub fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Does all of the jobs, so many at once.
pub async fn in_flight<J, F>(
    jobs: Vec<J>,
    many: usize,
    act: impl Fn(J) -> F + Clone + Send + 'static,
) -> Result<Times>
where
    J: Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let left = Arc::new(Mutex::new(jobs.into_iter()));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..many {
        let (act, left) = (act.clone(), left.clone());
        workers.spawn(async move {
            let next = || {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                left.next()
            };
            let mut each = Vec::new();
            while let Some(job) = next() {
                let begun = Instant::now();
                let doing = act(job);
                doing.await?;
                each.push(begun.elapsed());
            }
            anyhow::Ok(each)
        });
    }
    let mut each = Vec::new();
    while let Some(worker) = workers.join_next().await {
        each.extend(worker??);
    }
    Ok(Times::new(each, begun.elapsed()))
}

/// Does all of the jobs, so many a second: each begins when it is due, whether or not those before it are done, and
/// its time counts from that moment.
pub async fn at_rate<J, F>(
    jobs: Vec<J>,
    per_second: u32,
    act: impl Fn(J) -> F + Clone + Send + 'static,
) -> Result<Times>
where
    J: Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let runtime = Handle::current();
    let gap = Duration::from_secs(1) / per_second;
    let begun = Instant::now();
    // On a thread of its own: the runtime's timers are too coarse, by a millisecond.
    let sender = std::thread::spawn(move || {
        let mut due = begun;
        let mut under_way = Vec::with_capacity(jobs.len());
        for job in jobs {
            due += gap;
            wait_until(due);
            let done = act(job);
            under_way.push(runtime.spawn(async move {
                done.await?;
                anyhow::Ok(due.elapsed())
            }));
        }
        under_way
    });
    let sent = tokio::task::spawn_blocking(move || sender.join()).await?;
    let Ok(under_way) = sent else {
        bail!("the thread that sends has panicked");
    };
    let mut each = Vec::with_capacity(under_way.len());
    for answer in under_way {
        each.push(answer.await??);
    }
    Ok(Times::new(each, begun.elapsed()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "requests go out by the clock; there is nothing else to wait for"
)]
fn wait_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
