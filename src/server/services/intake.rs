//! Reports on their way into the database: whatever arrives at once shares one commit, and is answered after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::yields::Run;
use crate::server::bus::{Bus, Happening};
use crate::server::error::Refusal;
use crate::server::metrics;
use crate::server::services::runs::Runs;
use crate::server::services::untold::Untold;
use crate::server::store::reports::{self, NewReport, Stored};
use crate::server::store::{Store, StoreError};

/// Reports that may wait for the writer.
const WAITING: usize = 256;
/// Most reports and bytes that share a commit: logins write too, and should not wait long.
const BATCH_REPORTS: usize = 64;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// How often a shared database is looked at for what others stored, whatever was heard.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

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
    pub(in crate::server) fn start(store: Store, runs: Arc<Runs>, bus: Bus, stop: CancellationToken) -> (Intake, JoinHandle<()>) {
        let (sender, jobs) = mpsc::channel(WAITING);
        (Intake(sender), tokio::spawn(Writer { store, runs, bus, untold: Untold::default() }.write_all(jobs, stop)))
    }

    /// Reports that wait for the writer.
    pub(in crate::server) fn waiting(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }

    /// Stores a report. It is on disk when this answers.
    pub(in crate::server) async fn put(&self, report: NewReport, room: OwnedSemaphorePermit) -> Result<(), Refusal> {
        let stopping = || Refusal::busy("The server is stopping. Send the report again.");
        let (answer, stored) = oneshot::channel();
        self.0.send(Job { report, _room: room, answer }).await.map_err(|_| stopping())?;
        stored.await.unwrap_or_else(|_| Err(stopping()))
    }
}

/// The one task that changes reports on this server and follows what the others change.
struct Writer {
    store: Store,
    runs: Arc<Runs>,
    bus: Bus,
    untold: Untold,
}

impl Writer {
    async fn write_all(mut self, mut jobs: mpsc::Receiver<Job>, stop: CancellationToken) {
        let mut heard = self.bus.follow();
        let mut look = tokio::time::interval(LOOK_AGAIN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                job = jobs.recv() => match job {
                    Some(first) => self.write(collect(first, &mut jobs)).await,
                    None => return,
                },
                () = stop.cancelled(), if !jobs.is_closed() => jobs.close(),
                happening = heard.recv() => if self.concerns(&happening) {
                    self.catch_up().await;
                    if let Ok(Happening::ReportsStored { ids, .. }) = &happening {
                        self.untold.told(ids.iter().map(String::as_str));
                    }
                },
                _ = look.tick(), if self.store.is_shared() => {
                    self.catch_up().await;
                    self.tell_of_others().await;
                }
            }
        }
    }

    /// Whether another server stored something, or may have.
    fn concerns(&self, happening: &Result<Happening, RecvError>) -> bool {
        match happening {
            Ok(Happening::ReportsStored { by, .. }) => *by != self.bus.origin(),
            Ok(Happening::Missed) | Err(RecvError::Lagged(_)) => self.store.is_shared(),
            _ => false,
        }
    }

    /// One commit for all; where that fails, one for each, so that nobody suffers for another's report.
    async fn write(&mut self, mut batch: Vec<Job>) {
        let result = self.store_batch(&mut batch).await;
        match result {
            Ok(()) => answer(batch, &Ok(())),
            // What a database says that is gone, it would say of each: after the same wait.
            Err(error) if batch.len() == 1 || !error.is_of_the_data() => answer(batch, &Err(error.into())),
            Err(_) => {
                for job in batch {
                    let mut single = vec![job];
                    let result = self.store_batch(&mut single).await.map_err(Refusal::from);
                    answer(single, &result);
                }
            }
        }
    }

    async fn store_batch(&mut self, batch: &mut [Job]) -> Result<(), StoreError> {
        let stored = reports::put_all(&self.store, batch.iter().map(|job| &job.report)).await?;
        let ids: Vec<Uuid> = batch.iter().map(|job| job.report.header.id).chain(stored.replaced.iter().flatten().copied()).collect();
        if !self.follow(batch, &stored) {
            self.catch_up().await;
        }
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        self.untold.told(ids.iter().map(String::as_str));
        metrics::reports_received(batch.len());
        let heads = batch.iter().map(|job| job.report.head()).collect();
        self.bus.publish(Happening::ReportsStored { by: self.bus.origin(), ids, heads });
        Ok(())
    }

    /// In the order of storing: a report of a batch may replace one before it.
    fn follow(&self, batch: &mut [Job], stored: &Stored) -> bool {
        let (mut gone, mut came) = (Vec::new(), Vec::<Run>::new());
        for (job, replaced) in batch.iter_mut().zip(&stored.replaced) {
            came.retain(|run| !replaced.contains(&run.report_id));
            gone.extend_from_slice(replaced);
            gone.push(job.report.header.id);
            came.retain(|run| run.report_id != job.report.header.id);
            came.extend(job.report.run.take());
        }
        self.runs.follow(&stored.changes, &gone, came)
    }

    async fn catch_up(&mut self) {
        match self.runs.catch_up(&self.store).await {
            Ok(ids) => self.untold.find(ids),
            // Left to the next look.
            Err(error) => tracing::warn!("what other servers stored could not be read: {error}"),
        }
    }

    /// Tells this server's followers what other servers stored and could not tell themselves.
    async fn tell_of_others(&mut self) {
        let due = self.untold.take_due();
        match reports::find_heads(&self.store, &due).await {
            Ok(heads) if heads.is_empty() => {}
            Ok(heads) => {
                let ids = due.iter().map(Uuid::to_string).collect();
                self.bus.hear(Happening::ReportsStored { by: self.bus.origin(), ids, heads });
            }
            Err(error) => tracing::warn!("followers could not be told what other servers stored: {error}"),
        }
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

fn answer(batch: Vec<Job>, result: &Result<(), Refusal>) {
    for job in batch {
        // Whoever hung up will ask again, and be told the same.
        let _ = job.answer.send(result.clone());
    }
}
