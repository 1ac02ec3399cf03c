//! The offline queue: a report is on the disk before it is called accepted, and leaves once the server has it.
//! One report is one row under its id, so that nothing is lost and nothing is doubled, whatever dies in between.

mod ballast;
mod commands;
mod deliver;
mod error;
mod export;
mod flight;
mod history;
mod read;
mod refusals;
mod schedule;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod verdict;
mod view;
mod work;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::explain::Explanation;
use super::model::{QueueEvent, QueueFilter, QueueRow};
use crate::domain::report::Header;
use crate::support::clock::Clock;
pub(crate) use deliver::run;
pub use error::QueueError;
pub use read::Stored;
pub use store::{Accepted, Limits, Totals};
use store::{Answer, Entry, Job, Store, Which};
use writer::{Health, Request};

/// A report to be queued.
#[derive(Clone, Debug)]
pub struct Submission {
    pub id: Uuid,
    pub part_number: String,
    pub serial_number: String,
    /// The report to the letter.
    pub text: Arc<str>,
    /// The file it came from, or the program that submits it.
    pub source: String,
    /// The server it is for. Empty: the one last signed in to, else the first that will be.
    pub server_id: String,
}

impl Submission {
    pub fn new(header: &Header, text: impl Into<Arc<str>>, source: impl Into<String>) -> Submission {
        Submission {
            id: header.id,
            part_number: header.part_number.clone(),
            serial_number: header.serial_number.clone(),
            text: text.into(),
            source: source.into(),
            server_id: String::new(),
        }
    }

    pub fn for_server(self, server_id: impl Into<String>) -> Submission {
        Submission { server_id: server_id.into(), ..self }
    }
}

/// A queue in a folder. Clones share it; several programs may have it open, one of them delivers.
/// When the last clone is dropped, what was asked for has been written.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    clock: Clock,
    limits: Limits,
    reader: Mutex<Connection>,
    health: watch::Receiver<Health>,
    /// What was found wrong when it was opened, and mended.
    problem: Option<Explanation>,
    /// Both are there until the queue is dropped.
    writer: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writer = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Queue {
    /// Opens or makes the queue in `folder`. A damaged file is set aside and said in [`problem`](Self::problem).
    pub fn open(folder: &Path, clock: Clock, limits: Limits) -> Result<Queue, QueueError> {
        let open = || Store::new(schema::open_writer(folder)?, folder, clock.clone(), limits);
        let mut opened = open();
        if matches!(opened, Err(QueueError::DiskFull(_))) && ballast::throw(folder) {
            opened = open();
        }
        let (store, problem) = match opened {
            Ok(store) => (store, None),
            Err(QueueError::Damaged(detail)) => {
                let aside = schema::set_aside(folder, &clock.now().format("%Y%m%d-%H%M%S").to_string())?;
                let problem = Explanation::new("queue_set_aside").with("file", aside.display()).detail(detail);
                (open()?, Some(problem))
            }
            Err(error) => return Err(error),
        };
        let reader = Mutex::new(schema::open_reader(folder)?);
        let (health_sender, health) = watch::channel(Health { totals: store.totals(), failure: None });
        let (writer, inbox) = mpsc::channel(writer::REQUESTS);
        let thread = std::thread::Builder::new().name("andon-queue".to_owned()).spawn(move || writer::run(store, inbox, health_sender))?;
        let folder = folder.to_path_buf();
        Ok(Queue(Arc::new(Shared { folder, clock, limits, reader, health, problem, writer: Some(writer), thread: Some(thread) })))
    }

    /// What was found wrong when the queue was opened.
    pub fn problem(&self) -> Option<Explanation> {
        self.0.problem.clone()
    }

    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// What lies in it, as far as this program has seen.
    pub fn totals(&self) -> Totals {
        self.0.health.borrow().totals
    }

    /// Takes a report. When this answers, it is on the disk.
    pub async fn enqueue(&self, submission: Submission) -> Result<Accepted, QueueError> {
        one(self.ask(Job::Add(vec![entry(submission)])).await?)
    }

    /// As [`enqueue`](Self::enqueue), for threads outside the runtime.
    pub fn enqueue_blocking(&self, submission: Submission) -> Result<Accepted, QueueError> {
        one(self.ask_blocking(Job::Add(vec![entry(submission)]))?)
    }

    /// Takes many at once, with one sync of the disk; each has its own answer. For threads outside the runtime.
    pub fn enqueue_all_blocking(&self, submissions: Vec<Submission>) -> Result<Vec<Result<Accepted, QueueError>>, QueueError> {
        match self.ask_blocking(Job::Add(submissions.into_iter().map(entry).collect()))? {
            Answer::Added(answers) => Ok(answers),
            _ => Err(QueueError::Closed),
        }
    }

    async fn ask(&self, job: Job) -> Result<Answer, QueueError> {
        let (answer, receiver) = oneshot::channel();
        let writer = self.0.writer.as_ref().ok_or(QueueError::Closed)?;
        writer.send(Request { job, answer }).await.map_err(|_| QueueError::Closed)?;
        receiver.await.map_err(|_| QueueError::Closed)?
    }

    fn ask_blocking(&self, job: Job) -> Result<Answer, QueueError> {
        let (answer, receiver) = oneshot::channel();
        let writer = self.0.writer.as_ref().ok_or(QueueError::Closed)?;
        writer.blocking_send(Request { job, answer }).map_err(|_| QueueError::Closed)?;
        receiver.blocking_recv().map_err(|_| QueueError::Closed)?
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports in the queue of a folder that no server is known to have; looks only, and makes or mends nothing.
/// What cannot be read, a damaged file set aside included, cannot be called empty: it counts as one.
pub(crate) fn undelivered_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return u64::from(folder.exists()) };
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let aside = names.iter().filter(|name| name.starts_with("queue.db.broken-") && !name.ends_with("-wal") && !name.ends_with("-shm"));
    let counted = || store::count(&schema::open_reader(folder)?);
    let here = match names.iter().any(|name| name == "queue.db") {
        true => counted().map_or(1, |totals| totals.waiting + totals.quarantined),
        false => 0,
    };
    here + aside.count() as u64
}

/// For the command line and other programs beside the owner. These wait for the disk, not for the network.
impl Queue {
    /// The newest reports of one kind, newest first.
    pub fn list(&self, filter: QueueFilter, limit: usize) -> Result<Vec<QueueRow>, QueueError> {
        Ok(read::list(&self.reader(), filter, limit)?.into_iter().map(|(_, row)| row).collect())
    }

    /// One report as the queue knows it; `None` where it never came or was forgotten.
    pub fn find(&self, id: Uuid) -> Result<Option<QueueRow>, QueueError> {
        read::find(&self.reader(), id)
    }

    /// All reports that are not delivered, those in quarantine included, oldest first.
    pub fn undelivered(&self) -> Result<Vec<Uuid>, QueueError> {
        read::undelivered(&self.reader())
    }

    /// What happened to a report, oldest first.
    pub fn events(&self, id: Uuid) -> Result<Option<Vec<QueueEvent>>, QueueError> {
        read::events(&self.reader(), id)
    }

    /// A report that is not delivered yet, with its text.
    pub fn stored(&self, id: Uuid) -> Result<Option<Stored>, QueueError> {
        read::stored(&self.reader(), id)
    }

    /// Counts what lies in the file now, whoever wrote it.
    pub fn count_blocking(&self) -> Result<Totals, QueueError> {
        store::count(&self.reader())
    }

    /// Tries again now, from quarantine too; answers how many.
    pub fn retry_blocking(&self, ids: Vec<Uuid>) -> Result<u64, QueueError> {
        counted(self.ask_blocking(Job::Retry(Which::These(ids)))?)
    }

    pub fn retry_all_quarantined_blocking(&self) -> Result<u64, QueueError> {
        counted(self.ask_blocking(Job::Retry(Which::AllQuarantined))?)
    }

    /// Gives reports that were accepted for another server to `server_id`; answers how many.
    pub fn release_blocking(&self, ids: Vec<Uuid>, server_id: &str) -> Result<u64, QueueError> {
        counted(self.ask_blocking(Job::Release(ids, server_id.to_owned()))?)
    }

    /// Writes reports as files into a folder, each whole or not at all; answers how many still had a text.
    /// `step` hears how many are done, and ends the work by answering false.
    pub fn export_blocking(&self, ids: &[Uuid], folder: &Path, step: impl FnMut(usize) -> bool) -> Result<u64, QueueError> {
        export::run(self, ids, folder, step)
    }

    /// Throws reports away; answers how many.
    pub fn delete_blocking(&self, ids: Vec<Uuid>) -> Result<u64, QueueError> {
        counted(self.ask_blocking(Job::Delete(ids))?)
    }
}

fn entry(submission: Submission) -> Entry {
    let digest = Sha256::digest(submission.text.as_bytes()).into();
    Entry {
        id: submission.id,
        part: submission.part_number,
        serial: submission.serial_number,
        source: submission.source,
        server_id: submission.server_id,
        text: submission.text,
        digest,
    }
}

fn one(answer: Answer) -> Result<Accepted, QueueError> {
    match answer {
        Answer::Added(mut answers) if answers.len() == 1 => answers.remove(0),
        _ => Err(QueueError::Closed),
    }
}

fn counted(answer: Answer) -> Result<u64, QueueError> {
    match answer {
        Answer::Count(count) => Ok(count),
        _ => Err(QueueError::Closed),
    }
}
