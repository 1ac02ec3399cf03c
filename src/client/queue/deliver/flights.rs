//! Reports under way: which start, and what the end of a try means for its report and for the others.

use std::time::Instant;

use tokio::task::{Id, JoinError};

use super::{Courier, DISK_WAIT, OUTCOMES_WAIT};
use crate::client::health::chance;
use crate::client::queue::flight::{Flight, Missed, fly};
use crate::client::queue::store::Outcome;
use crate::client::queue::verdict::Verdict;

/// Reports under way at a time, each of another unit.
const FLIGHTS: usize = 4;
/// With so many unwritten ends no new try is started: the disk is in trouble.
const OUTCOMES_LIMIT: usize = 1000;

impl Courier {
    pub(super) fn start(&mut self) {
        if self.paused_until.is_some() || self.outcomes.len() >= OUTCOMES_LIMIT {
            return;
        }
        let Some(api) = self.link.online() else { return };
        let flights = if self.refusals.are_general() { 1 } else { FLIGHTS };
        while self.flights.len() < flights {
            let Some(seq) = self.schedule.take(&self.link.server_id) else { break };
            let handle = self.flights.spawn(fly(self.queue.clone(), api.clone(), seq));
            self.flying.insert(handle.id(), (seq, self.link.server_id.clone()));
            self.changed = true;
        }
    }

    pub(super) fn landed(&mut self, ended: Result<(Id, Flight), JoinError>) {
        self.changed = true;
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some((seq, server_id)) = self.flying.remove(&id) else { return };
        match ended {
            Ok((_, flight)) => self.judge(flight, server_id),
            Err(error) => {
                tracing::error!("a delivery broke off: {error}");
                self.schedule.land(seq, Instant::now() + DISK_WAIT);
            }
        }
    }

    fn judge(&mut self, Flight { seq, digest, end }: Flight, server_id: String) {
        let now = Instant::now();
        let result = match end {
            Ok(()) => Ok(()),
            Err(Missed::Api(error)) => Err(error),
            Err(Missed::Gone) => return self.schedule.remove(seq),
            Err(Missed::Queue(error)) => {
                tracing::error!("a waiting report could not be read: {error}");
                self.schedule.land(seq, now + DISK_WAIT);
                return;
            }
        };
        self.observer.saw(&result);
        if let Some(pause) = self.refusals.note(&result) {
            self.paused_until = self.paused_until.max(Some(now + pause));
        }
        let verdict = Verdict::of(result, self.schedule.tries(seq), chance());
        match &verdict {
            Verdict::Delivered => {
                self.last_delivery = Some(self.queue.0.clock.now());
                self.schedule.remove(seq);
            }
            Verdict::Refused(_) => self.schedule.remove(seq),
            Verdict::Again { wait, pause, .. } => {
                self.schedule.land(seq, now + *wait);
                if *pause {
                    self.paused_until = self.paused_until.max(Some(now + *wait));
                }
            }
        }
        self.outcomes.push(Outcome { seq, digest, server_id, end: verdict.end() });
        self.write_due.get_or_insert(now + OUTCOMES_WAIT);
    }
}
