//! The one thread that writes. It commits all acts that wait in one transaction, so that many
//! callers share a disk flush; each is answered when its act is durable.

use std::panic::AssertUnwindSafe;
use std::thread::JoinHandle;

use atpass_provider::store::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::row::unavailable;

/// Acts that may wait; a caller beyond that waits for a place.
const QUEUE: usize = 4096;
/// Acts of one commit.
const MOST_PER_COMMIT: usize = 512;
/// How often the writer gives way to callers before it commits, at most.
const TURNS: usize = 4;

/// Returns whether to keep what was done, and how to answer.
type Act = Box<dyn FnOnce(&Connection) -> (bool, Answer) + Send>;

/// An act that waits.
struct Job {
    act: Act,
    /// What of it must be undone together, when it fails.
    undo: Undo,
}

/// How an act that fails leaves nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// It changes with one statement only, with its last: SQLite undoes that one by itself.
    Statement,
    /// All of it, to a savepoint.
    Act,
}

/// Answers the caller once the commit succeeded, or failed for this reason.
type Answer = Box<dyn FnOnce(Result<(), &str>) + Send>;

#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while it is dropped.
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        checkpointer: Checkpointer,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(connection, jobs, &checkpointer))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Runs the act, and returns when it is on the disk. Once it is queued it is done, whether
    /// or not the caller still waits.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        undo: Undo,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let act: Act = Box::new(move |connection| {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| act(connection)))
                .unwrap_or_else(|_| Err(unavailable("an act of the store panicked")));
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(why) => result.and_then(|_| Err(unavailable(why))),
                };
                // Nobody may be waiting any more.
                let _ = reply.send(result);
            });
            (keep, answer)
        });
        let stopped = || unavailable("the store's writer gave no answer");
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(Job { act, undo }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Finishes what is queued.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
    }
}

fn run(connection: Connection, mut jobs: mpsc::Receiver<Job>, checkpointer: &Checkpointer) {
    let mut waiting = Vec::new();
    while let Some(first) = jobs.blocking_recv() {
        waiting.push(first);
        give_way(&jobs);
        while waiting.len() < MOST_PER_COMMIT
            && let Ok(job) = jobs.try_recv()
        {
            waiting.push(job);
        }
        commit(&connection, &mut waiting);
        checkpointer.committed(&connection);
    }
    // The last word: what the checkpointer left over is merged when the last connection closes.
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database was not closed in order");
    }
}

/// Where others want this core, they go first: some of them are about to ask for an act as well, and then share the
/// flush. As long as that brings more, they go again. Where nobody wants the core, this is nothing.
fn give_way(jobs: &mpsc::Receiver<Job>) {
    let mut gathered = 0;
    for _ in 0..TURNS {
        std::thread::yield_now();
        let now = jobs.len();
        if now == gathered {
            break;
        }
        gathered = now;
    }
}

fn commit(connection: &Connection, jobs: &mut Vec<Job>) {
    let mut answers = Vec::with_capacity(jobs.len());
    let outcome = transaction(connection, jobs, &mut answers);
    if let Err(error) = &outcome {
        tracing::error!(%error, "a commit failed");
        // Without a transaction open this fails, which is then right.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let outcome = outcome.map_err(|error| error.to_string());
    let outcome = outcome.as_ref().copied().map_err(String::as_str);
    for answer in answers {
        answer(outcome);
    }
    // Jobs that never ran: dropping them tells their callers that nothing of them happened.
    jobs.clear();
}

fn transaction(
    connection: &Connection,
    jobs: &mut Vec<Job>,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]).map(|_| ());
    run("BEGIN IMMEDIATE")?;
    for Job { act, undo } in jobs.drain(..) {
        if undo == Undo::Act {
            run("SAVEPOINT act")?;
        }
        let (keep, answer) = act(connection);
        answers.push(answer);
        // A full or failing disk ends the whole transaction (https://sqlite.org/lang_transaction.html,
        // "Response to errors"): what came before in it is gone, and nothing may follow outside of one.
        if connection.is_autocommit() {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT),
                Some("the transaction was undone by a failure of the disk".into()),
            ));
        }
        if undo == Undo::Act {
            if !keep {
                run("ROLLBACK TO act")?;
            }
            run("RELEASE act")?;
        }
    }
    run("COMMIT")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use atpass_provider::store::Store;

    use super::super::SqliteStore;
    use super::*;

    /// A database that may not grow: each act finds room, or nothing of it happens; with more room it goes on.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_without_room_refuses_and_heals() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("db")).unwrap());
        let room = async |pages: i64| {
            let set = move |db: &Connection| {
                db.pragma_update(None, "max_page_count", pages)
                    .map_err(unavailable)
            };
            store.write(set).await.unwrap();
        };
        room(100).await;
        let keep = |n: u32| {
            let store = store.clone();
            let scope = "a".repeat(10_000);
            let now = atpass_protocol::time::UnixTime::from_secs(0);
            tokio::spawn(async move { store.keep_scope(&n.to_string(), &scope, now).await })
        };
        let mut kept = Vec::new();
        for (n, act) in (0..200).map(|n| (n, keep(n))).collect::<Vec<_>>() {
            match act.await.unwrap() {
                Ok(()) => kept.push(n),
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
            }
        }
        assert!(kept.len() < 100, "{}", kept.len());
        room(1_000_000).await;
        for n in 0..200 {
            let found = store.scope(&n.to_string()).await.unwrap();
            assert_eq!(found.is_some(), kept.contains(&n), "{n}");
            keep(n).await.unwrap().unwrap();
        }
    }
}
