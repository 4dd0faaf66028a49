//! Connections for reading, beside the writer and never on the reactor: a few threads with one each, and one queue.
//!
//! Waking a thread costs more than a small read. So a caller wakes one only when none is on its way to the queue, and
//! the one that comes takes all that has gathered; where it leaves something behind while it reads, it sends the next.
//!
//! To begin a snapshot costs as much again: locks, and what this connection knew of the file is forgotten. So acts that
//! wait together share one. Each still sees all that was committed before it was asked for.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use atpass_provider::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::connect;
use super::row::unavailable;

/// Connections, and so readers at once.
const READERS: usize = 4;

/// Does the act, and answers.
type Job = Box<dyn FnOnce(&Connection) + Send>;

#[derive(Debug)]
pub(super) struct Readers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// How many were ever taken from the queue.
    taken: u64,
    /// Threads that wait to be woken.
    idle: usize,
    /// One of them was woken, and hasn't looked at the queue yet.
    coming: bool,
    closed: bool,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, super::OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut readers = Self {
            queue: Arc::default(),
            threads: Vec::with_capacity(READERS),
        };
        for _ in 0..READERS {
            let connection = connect(path, flags)?;
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "cache_size", -1024)?;
            let queue = readers.queue.clone();
            let thread = std::thread::Builder::new().name("store-reader".into());
            let thread = thread.spawn(move || queue.work(&connection))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Box::new(move |connection| {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| act(connection)))
                .unwrap_or_else(|_| Err(unavailable("an act of the store panicked")));
            // Nobody may be waiting any more.
            let _ = reply.send(result);
        }));
        let stopped = |_| unavailable("the store's readers gave no answer");
        answer.await.map_err(stopped)?
    }
}

impl Drop for Readers {
    /// Finishes what is queued; the connections are closed then.
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.more.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the store had panicked");
            }
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) {
        let mut state = self.lock();
        state.jobs.push_back(job);
        let wake = state.send_for_one();
        drop(state);
        if wake {
            self.more.notify_one();
        }
    }

    fn work(&self, connection: &Connection) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take() {
                state = self.serve(connection, job, state);
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                state = self
                    .more
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                drop(state);
                // As the writer does: whoever is about to ask shall be in time for this turn.
                std::thread::yield_now();
                state = self.lock();
                state.coming = false;
            }
        }
    }

    /// Does the first act, and in the same snapshot those that wait by now, as far as no other thread takes them.
    fn serve<'a>(
        &'a self,
        connection: &Connection,
        first: Job,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        let waiting = state.waiting();
        let snapshot = waiting > state.taken && run(connection, "BEGIN");
        let mut next = Some(first);
        while let Some(job) = next {
            // The act may be a long one; what is left shall not wait for it.
            if !state.jobs.is_empty() && state.send_for_one() {
                self.more.notify_one();
            }
            drop(state);
            job(connection);
            state = self.lock();
            let covered = snapshot && state.taken < waiting;
            next = if covered { state.take() } else { None };
        }
        if snapshot {
            drop(state);
            // What stays open would never see anything new.
            let _ended = run(connection, "COMMIT") || run(connection, "ROLLBACK");
            state = self.lock();
        }
        state
    }
}

/// Runs a statement that is only about the connection itself. Returns whether it could.
fn run(connection: &Connection, sql: &str) -> bool {
    let done = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]));
    done.is_ok()
}

impl State {
    fn take(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.taken += 1;
        Some(job)
    }

    /// What [`Self::taken`] will be when all that wait now are.
    fn waiting(&self) -> u64 {
        self.taken + u64::try_from(self.jobs.len()).unwrap_or_default()
    }

    /// Whether a thread is to be woken now: there is one, and none is on its way. Those at work look at the queue by
    /// themselves.
    fn send_for_one(&mut self) -> bool {
        let wake = self.idle > 0 && !self.coming;
        self.coming |= wake;
        wake
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}
