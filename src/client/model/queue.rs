//! The queue as the window shows it: counts always, rows and a history of what is asked for.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Progress;
use crate::client::explain::Explanation;

/// The queue: counts always, rows for the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueSlice {
    pub waiting: u64,
    pub sending: u64,
    pub quarantined: u64,
    /// Delivered, as long as the history remembers.
    pub delivered: u64,
    /// Waiting for another server than the one signed in to.
    pub for_other_server: u64,
    pub oldest_waiting: Option<DateTime<Utc>>,
    pub last_delivery: Option<DateTime<Utc>>,
    pub bytes: u64,
    pub limit_reports: u64,
    pub limit_bytes: u64,
    /// Newest first, at most [`QUEUE_ROWS`] of the kind asked for.
    pub rows: Arc<Vec<QueueRow>>,
    pub filter: QueueFilter,
    /// What happened to the report that the screen has opened, oldest first.
    pub history: Option<(Uuid, Arc<Vec<QueueEvent>>)>,
    /// Set when the queue refuses or cannot be written: disk full, bound reached.
    pub trouble: Option<Explanation>,
    pub busy: Option<Progress>,
}

/// Most rows the queue screen is handed.
pub const QUEUE_ROWS: usize = 500;

impl QueueSlice {
    /// How full the queue is, 0 to 1, by the nearer of its two bounds.
    pub fn fullness(&self) -> f32 {
        let part = |used: u64, limit: u64| if limit == 0 { 0.0 } else { used as f32 / limit as f32 };
        part(self.waiting + self.sending + self.quarantined, self.limit_reports).max(part(self.bytes, self.limit_bytes))
    }

    /// Reports that are not on the server yet and will get there by themselves.
    pub fn pending(&self) -> u64 {
        self.waiting + self.sending
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueFilter {
    #[default]
    Pending,
    Quarantined,
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    Waiting,
    Sending,
    Delivered,
    Quarantined,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QueueRow {
    pub id: Uuid,
    pub state: QueueState,
    pub part_number: String,
    pub serial_number: String,
    /// The file it came from, or the program that submitted it.
    pub source: String,
    pub accepted_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub bytes: u64,
    pub tries: u32,
    pub next_try: Option<DateTime<Utc>>,
    /// The server's sentence of the last refusal, or why the last try failed.
    pub last_error: String,
    /// The server it was accepted for.
    pub server_id: String,
    /// It waits for another server than the one signed in to.
    pub foreign: bool,
}

/// One line of a report's history.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEvent {
    pub at: DateTime<Utc>,
    pub what: QueueHappening,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueHappening {
    Accepted,
    Replaced,
    Tried,
    Delivered,
    Quarantined,
    Retried,
    Released,
}
