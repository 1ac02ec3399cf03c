//! Everything that changes the queue's file, as jobs that share one transaction.
//! A job is decided inside its transaction, so two programs on one queue cannot contradict each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::ballast;
use super::error::QueueError;
use super::work::Work;
use crate::support::clock::Clock;

/// What a queue takes, and how long it remembers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Reports not yet on the server, those in quarantine included.
    pub reports: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Bytes of one report: what a line server takes.
    pub report_bytes: u64,
    /// How long and how many delivered reports are remembered.
    pub remembered_days: i64,
    pub remembered: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { reports: 100_000, bytes: 10_000_000_000, report_bytes: 16 << 20, remembered_days: 30, remembered: 10_000 }
    }
}

/// A report to be queued, with the digest of its text.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) part: String,
    pub(super) serial: String,
    pub(super) source: String,
    pub(super) server_id: String,
    pub(super) text: Arc<str>,
    pub(super) digest: [u8; 32],
}

/// What became of a report that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    New,
    /// The id was known with another content, which this one replaces; it will be delivered (again).
    Replaced,
    /// Known with this very content: waiting, in quarantine, or delivered long ago. Nothing to do.
    Already,
}

/// How one try to deliver ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) seq: i64,
    /// Of the text that was sent: a text replaced meanwhile is not delivered yet.
    pub(super) digest: [u8; 32],
    /// Where it was sent: a report that was given to another server meanwhile is not delivered there yet.
    pub(super) server_id: String,
    pub(super) end: End,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Delivered,
    /// Stays; why the try failed.
    Failed(String),
    /// The server will never take it; its sentence.
    Refused(String),
}

/// Which reports a person means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Which {
    These(Vec<Uuid>),
    AllQuarantined,
}

#[derive(Clone, Debug)]
pub(super) enum Job {
    Add(Vec<Entry>),
    Settle(Vec<Outcome>),
    Retry(Which),
    /// Gives reports of other servers to the one named.
    Release(Vec<Uuid>, String),
    Delete(Vec<Uuid>),
    /// A server was signed in to: it gets what nobody owns.
    Bind(String),
    /// Forgets old deliveries and gives free space back, a bounded step at a time.
    Tidy,
    /// Asks whether there is more than new reports since the last look.
    Look,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Added(Vec<Result<Accepted, QueueError>>),
    /// Reports changed by the job.
    Count(u64),
    /// Reports whose text or server was replaced while they were sent: they wait again.
    Stale(Vec<i64>),
    /// Whether another program has written, or a report has changed lines.
    Outside(bool),
}

/// What lies in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub waiting: u64,
    pub quarantined: u64,
    /// As long as the history remembers.
    pub delivered: u64,
    /// Bytes of the texts that are not delivered.
    pub bytes: u64,
}

pub(super) const WAITING: i64 = 0;
pub(super) const DELIVERED: i64 = 2;
pub(super) const QUARANTINED: i64 = 3;

/// Pages handed back to the disk in one step of tidying, and free pages kept for the next reports.
const PAGES_A_STEP: i64 = 5000;
const SPARE_PAGES: i64 = 1000;

pub(super) struct Store {
    db: Connection,
    folder: PathBuf,
    clock: Clock,
    limits: Limits,
    totals: Totals,
    /// Changes when another program writes; then the totals are counted anew.
    seen_version: i64,
    /// The highest place given out by this program: a place is never given twice, also after a deletion.
    top: i64,
    /// Another program has written, or a report has changed lines, and nobody has asked yet.
    outside: bool,
}

impl Store {
    pub(super) fn new(db: Connection, folder: &Path, clock: Clock, limits: Limits) -> Result<Store, QueueError> {
        let totals = count(&db)?;
        let seen_version = data_version(&db)?;
        ballast::load(folder);
        Ok(Store { db, folder: folder.to_path_buf(), clock, limits, totals, seen_version, top: 0, outside: false })
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Runs `jobs` as one transaction. When this returns, all of them are on the disk, or none is.
    pub(super) fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Answer>, QueueError> {
        let mut result = self.transact(jobs);
        let takes_more = jobs.iter().any(|job| matches!(job, Job::Add(_)));
        if matches!(result, Err(QueueError::DiskFull(_))) && !takes_more && ballast::throw(&self.folder) {
            tracing::warn!("the disk is full; the queue makes room for what was delivered");
            result = self.transact(jobs);
        }
        // The jobs are on the disk: what fails here must not call them failed.
        if jobs.iter().any(|job| matches!(job, Job::Tidy))
            && let Err(error) = self.give_back_space()
        {
            tracing::warn!("free space could not be given back to the disk: {error}");
        }
        result
    }

    /// Hands free pages back to the disk, a bounded number, once many have gathered; all, where the disk was full.
    fn give_back_space(&mut self) -> Result<(), QueueError> {
        let (spare, step) = if ballast::is_aboard(&self.folder) { (SPARE_PAGES, PAGES_A_STEP) } else { (0, i64::MAX) };
        let free: i64 = self.db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        let step = (free - spare).min(step);
        if step > 0 {
            let mut vacuum = self.db.prepare(&format!("pragma incremental_vacuum({step})"))?;
            let mut pages = vacuum.query([])?;
            while pages.next()?.is_some() {}
        }
        if spare == 0 {
            // A checkpoint that another program hinders comes at the next step.
            let _ = self.db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
            ballast::load(&self.folder);
        }
        Ok(())
    }

    fn transact(&mut self, jobs: &[&Job]) -> Result<Vec<Answer>, QueueError> {
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = data_version(&change)?;
        let outside = self.outside || version != self.seen_version;
        let totals = if version == self.seen_version { self.totals } else { count(&change)? };
        let mut work = Work { change, now: self.clock.now(), limits: self.limits, totals, top: self.top, outside };
        let answers = jobs.iter().map(|job| work.run(job)).collect::<Result<Vec<Answer>, QueueError>>()?;
        let Work { change, totals, top, outside, .. } = work;
        (self.top, self.outside) = (top, outside);
        change.commit()?;
        self.totals = totals;
        self.seen_version = version;
        Ok(answers)
    }
}

pub(super) fn data_version(db: &Connection) -> Result<i64, QueueError> {
    Ok(db.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

pub(super) fn count(db: &Connection) -> Result<Totals, QueueError> {
    let mut statement = db.prepare_cached("select state, count(*), coalesce(sum(bytes), 0) from report group by state")?;
    let mut rows = statement.query([])?;
    let mut totals = Totals::default();
    while let Some(row) = rows.next()? {
        let (state, reports, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (reports, bytes) = (reports.unsigned_abs(), bytes.unsigned_abs());
        match state {
            DELIVERED => totals.delivered += reports,
            QUARANTINED => (totals.quarantined, totals.bytes) = (totals.quarantined + reports, totals.bytes + bytes),
            _ => (totals.waiting, totals.bytes) = (totals.waiting + reports, totals.bytes + bytes),
        }
    }
    Ok(totals)
}
