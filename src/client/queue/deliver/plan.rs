//! The plan and the disk: what is taken in from there, and read for the window.

use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::watch;

use super::{Courier, PUBLISH_EVERY};
use crate::client::queue::error::QueueError;
use crate::client::queue::read;
use crate::client::queue::store::{End, Outcome};
use crate::client::queue::view::{self, Live};
use crate::client::queue::writer::Health;

impl Courier {
    /// Takes in what this program has accepted since the last look.
    pub(super) async fn load_new(&mut self, health: &mut watch::Receiver<Health>) {
        health.borrow_and_update();
        self.changed = true;
        let after = self.last_seq;
        match self.read(move |db| read::pending(db, after)).await {
            Ok(reports) => {
                for report in &reports {
                    self.schedule.put(report);
                    self.last_seq = report.seq;
                }
            }
            Err(error) => tracing::error!("new reports could not be looked at: {error}"),
        }
    }

    /// Makes the plan agree with the disk, after changes that are more than new reports.
    pub(in crate::client::queue) async fn reload(&mut self) {
        self.changed = true;
        match self.read(|db| read::pending(db, 0)).await {
            Ok(mut reports) => {
                self.last_seq = self.last_seq.max(reports.last().map_or(0, |report| report.seq));
                let done = |outcome: &&Outcome| !matches!(outcome.end, End::Failed(_));
                let ended: Vec<i64> = self.outcomes.iter().chain(&self.being_written).filter(done).map(|outcome| outcome.seq).collect();
                reports.retain(|report| !ended.contains(&report.seq));
                self.schedule.reset(&reports);
            }
            Err(error) => tracing::error!("the queue could not be looked at: {error}"),
        }
    }

    pub(in crate::client::queue) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let queue = self.queue.clone();
        tokio::task::spawn_blocking(move || read(&queue.reader())).await.map_err(|_| QueueError::Closed)?
    }

    pub(super) async fn publish(&mut self) {
        let now = Instant::now();
        if !self.changed || self.published_at.is_some_and(|at| now < at + PUBLISH_EVERY) {
            return;
        }
        (self.changed, self.published_at) = (false, Some(now));
        let wanted = self.wanted;
        match self.read(move |db| view::read(db, wanted)).await {
            Ok(read) => self.slice.set(view::draw(wanted, read, self.live(now))),
            Err(error) => self.slice.update(|slice| slice.trouble = Some(error.explain())),
        }
    }

    fn live(&self, now: Instant) -> Live<'_> {
        Live {
            schedule: &self.schedule,
            flying: self.flights.len() as u64,
            server_id: &self.link.server_id,
            limits: self.queue.limits(),
            health: self.queue.0.health.borrow().clone(),
            refused: self.refusals.explain(),
            last_delivery: self.last_delivery,
            problem: self.queue.problem(),
            busy: self.export.progress(),
            now: (now, self.queue.0.clock.now()),
        }
    }
}
