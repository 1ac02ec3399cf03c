//! Ends of tries on their way to the disk, together and one write at a time.

use std::time::Instant;

use tokio::task::JoinError;

use super::{Courier, DISK_WAIT, Written};
use crate::client::queue::store::{Answer, Job, Outcome};

impl Courier {
    /// Writes the ends of tries, one write at a time.
    pub(super) fn write(&mut self) {
        if self.outcomes.is_empty() || !self.writes.is_empty() {
            return;
        }
        (self.write_due, self.disk_wait) = (None, None);
        self.being_written = std::mem::take(&mut self.outcomes);
        let (queue, outcomes) = (self.queue.clone(), self.being_written.clone());
        self.writes.spawn(async move {
            let answer = queue.ask(Job::Settle(outcomes.clone())).await;
            (outcomes, answer)
        });
    }

    pub(super) async fn written(&mut self, ended: Result<Written, JoinError>) {
        self.changed = true;
        let outcomes = std::mem::take(&mut self.being_written);
        match ended.map(|(_, answer)| answer) {
            Ok(Ok(Answer::Stale(stale))) if stale.is_empty() => {}
            Ok(Ok(_)) => self.reload().await,
            Ok(Err(error)) => {
                tracing::error!("{} ends of deliveries could not be written: {error}", outcomes.len());
                self.keep(outcomes);
            }
            Err(error) => {
                tracing::error!("writing the ends of deliveries broke off: {error}");
                self.keep(outcomes);
            }
        }
    }

    fn keep(&mut self, outcomes: Vec<Outcome>) {
        self.outcomes.splice(0..0, outcomes);
        self.disk_wait = Some(Instant::now() + DISK_WAIT);
        self.write_due = self.disk_wait;
    }
}
