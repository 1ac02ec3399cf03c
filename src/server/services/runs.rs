//! What yields are counted from: all test runs in memory. They follow the database commit by commit, whoever commits.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use uuid::Uuid;

use crate::domain::yields::{Run, RunTable};
use crate::server::store::{Store, StoreError, report_changes, reports};

/// The table, and how far it has followed. Only the writer changes it.
#[derive(Default)]
pub(in crate::server) struct Runs {
    table: RwLock<RunTable>,
    revision: AtomicU64,
    /// The number of the newest change that is in the table.
    known: AtomicI64,
}

impl Runs {
    /// Reads all runs of the database.
    pub(in crate::server) async fn read(store: &Store) -> Result<Runs, StoreError> {
        let runs = Runs::default();
        runs.read_again(store).await?;
        Ok(runs)
    }

    async fn read_again(&self, store: &Store) -> Result<(), StoreError> {
        // Changes after this number are in the table too, or not, and will be looked at again.
        let newest = report_changes::newest(store).await?;
        let mut table = RunTable::new();
        reports::read_runs(store, |run| table.insert(run)).await?;
        self.change(|now| *now = table);
        self.known.store(newest, Ordering::Release);
        Ok(())
    }

    /// Changes with every stored report; starts again with the server.
    pub(in crate::server) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Looks at the table. Keep it short: whoever stores a report waits.
    pub(in crate::server) fn look<T>(&self, look: impl FnOnce(&RunTable) -> T) -> T {
        look(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut RunTable)) {
        change(&mut self.table.write().unwrap_or_else(PoisonError::into_inner));
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Takes in changes that this server just stored, unless others came between: then the database has to be looked at.
    pub(super) fn follow(&self, changes: &std::ops::RangeInclusive<i64>, gone: &[Uuid], came: Vec<Run>) -> bool {
        let next = self.known.load(Ordering::Acquire) + 1 == *changes.start();
        if next {
            self.apply(gone, came);
            self.known.store(*changes.end(), Ordering::Release);
        }
        next
    }

    /// A report that came replaces what was known of it.
    fn apply(&self, gone: &[Uuid], came: Vec<Run>) {
        self.change(|table| {
            gone.iter().for_each(|id| {
                table.remove(*id);
            });
            came.into_iter().for_each(|run| table.insert(run));
        });
    }

    /// Takes in whatever was stored since, by anybody. Answers whose reports those were.
    pub(super) async fn catch_up(&self, store: &Store) -> Result<Vec<Uuid>, StoreError> {
        let mut all = Vec::new();
        loop {
            let known = self.known.load(Ordering::Acquire);
            let changes = report_changes::after(store, known).await?;
            let (Some((first, _)), Some((last, _))) = (changes.first(), changes.last()) else { return Ok(all) };
            if *first != known + 1 {
                tracing::warn!("this server was too far behind the others and reads all reports again");
                self.read_again(store).await?;
                continue;
            }
            let ids: Vec<Uuid> = changes.iter().map(|(_, id)| *id).collect();
            let came = reports::find_runs(store, &ids).await?;
            self.apply(&ids, came);
            self.known.store(*last, Ordering::Release);
            all.extend(ids);
        }
    }
}
