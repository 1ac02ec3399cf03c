//! Reports on their way into the database: whatever arrives at once shares one commit, and is answered after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::domain::yields::RunTable;
use crate::server::error::Refusal;
use crate::server::store::reports::{self, NewReport};
use crate::server::store::{Store, StoreError};

/// Reports that may wait for the writer.
const WAITING: usize = 256;
/// Most reports and bytes that share a commit: logins write too, and should not wait long.
const BATCH_REPORTS: usize = 64;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// What yields are counted from. Follows the database, commit by commit.
#[derive(Default)]
pub(in crate::server) struct Runs {
    table: RwLock<RunTable>,
    revision: AtomicU64,
}

impl Runs {
    /// Reads all runs of the database.
    pub(in crate::server) async fn read(store: &Store) -> Result<Runs, StoreError> {
        let mut table = RunTable::new();
        reports::read_runs(store, |run| table.insert(run)).await?;
        Ok(Runs { table: RwLock::new(table), revision: AtomicU64::new(0) })
    }

    /// Changes with every stored report; starts again with the server.
    pub(in crate::server) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Looks at the table. Keep it short: whoever stores a report waits.
    pub(in crate::server) fn look<T>(&self, look: impl FnOnce(&RunTable) -> T) -> T {
        look(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn follow(&self, batch: &mut [Job], replaced: &[Vec<uuid::Uuid>]) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for (job, replaced) in batch.iter_mut().zip(replaced) {
            for id in replaced {
                table.remove(*id);
            }
            match job.report.run.take() {
                Some(run) => table.insert(run),
                None => {
                    table.remove(job.report.header.id);
                }
            }
        }
        drop(table);
        self.revision.fetch_add(1, Ordering::Release);
    }
}

struct Job {
    report: NewReport,
    /// Given back when the report is stored, even if its sender has hung up.
    _room: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<(), Refusal>>,
}

/// The door to the writer.
pub(in crate::server) struct Intake(mpsc::Sender<Job>);

impl Intake {
    /// Starts the writer. It ends after `stop`, once all that was let in is stored.
    pub(in crate::server) fn start(store: Store, runs: Arc<Runs>, stop: CancellationToken) -> (Intake, JoinHandle<()>) {
        let (sender, jobs) = mpsc::channel(WAITING);
        (Intake(sender), tokio::spawn(write_all(store, runs, jobs, stop)))
    }

    /// Stores a report. It is on disk when this answers.
    pub(in crate::server) async fn put(&self, report: NewReport, room: OwnedSemaphorePermit) -> Result<(), Refusal> {
        let stopping = || Refusal::busy("The server is stopping. Send the report again.");
        let (answer, stored) = oneshot::channel();
        self.0.send(Job { report, _room: room, answer }).await.map_err(|_| stopping())?;
        stored.await.unwrap_or_else(|_| Err(stopping()))
    }
}

async fn write_all(store: Store, runs: Arc<Runs>, mut jobs: mpsc::Receiver<Job>, stop: CancellationToken) {
    loop {
        let first = tokio::select! {
            biased;
            job = jobs.recv() => job,
            () = stop.cancelled() => {
                jobs.close();
                jobs.recv().await
            }
        };
        let Some(first) = first else { return };
        let batch = collect(first, &mut jobs);
        write(&store, &runs, batch).await;
    }
}

fn collect(first: Job, jobs: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.report.source.len();
    let mut batch = vec![first];
    while batch.len() < BATCH_REPORTS && bytes < BATCH_BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += job.report.source.len();
        batch.push(job);
    }
    batch
}

/// One commit for all; where that fails, one for each, so that nobody suffers for another's report.
async fn write(store: &Store, runs: &Runs, mut batch: Vec<Job>) {
    let result = store_batch(store, &mut batch, runs).await;
    match result {
        Ok(()) => answer(batch, &Ok(())),
        Err(refusal) if batch.len() == 1 => answer(batch, &Err(refusal)),
        Err(_) => {
            for job in batch {
                let mut single = vec![job];
                let result = store_batch(store, &mut single, runs).await;
                answer(single, &result);
            }
        }
    }
}

async fn store_batch(store: &Store, batch: &mut [Job], runs: &Runs) -> Result<(), Refusal> {
    let replaced = reports::put_all(store, batch.iter().map(|job| &job.report)).await?;
    runs.follow(batch, &replaced);
    Ok(())
}

fn answer(batch: Vec<Job>, result: &Result<(), Refusal>) {
    for job in batch {
        // Whoever hung up will ask again, and be told the same.
        let _ = job.answer.send(result.clone());
    }
}
