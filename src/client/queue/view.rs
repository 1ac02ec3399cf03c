//! What the window sees of the queue, put together at most a few times a second and only after a change.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use uuid::Uuid;

use super::super::explain::Explanation;
use super::super::model::{Progress, QUEUE_ROWS, QueueEvent, QueueFilter, QueueRow, QueueSlice, QueueState};
use super::error::QueueError;
use super::read;
use super::schedule::Schedule;
use super::store::Limits;
use super::writer::Health;

/// From where the queue says that it fills up.
const WARN_AT: f32 = 0.8;

/// What the screen has asked to see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub(super) filter: QueueFilter,
    pub(super) history: Option<Uuid>,
}

/// What has to be read from the disk for a picture.
pub(super) struct Read {
    rows: Vec<(i64, QueueRow)>,
    history: Option<(Uuid, Vec<QueueEvent>)>,
}

pub(super) fn read(db: &Connection, wanted: Wanted) -> Result<Read, QueueError> {
    let rows = read::list(db, wanted.filter, QUEUE_ROWS)?;
    let history = match wanted.history {
        Some(id) => read::events(db, id)?.map(|events| (id, events)),
        None => None,
    };
    Ok(Read { rows, history })
}

/// What the sender knows and the disk does not.
pub(super) struct Live<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) flying: u64,
    pub(super) server_id: &'a str,
    pub(super) limits: Limits,
    pub(super) health: Health,
    /// Set while the server refuses the station.
    pub(super) refused: Option<Explanation>,
    pub(super) last_delivery: Option<DateTime<Utc>>,
    pub(super) problem: Option<Explanation>,
    pub(super) busy: Option<Progress>,
    /// The same moment by both clocks.
    pub(super) now: (Instant, DateTime<Utc>),
}

pub(super) fn draw(wanted: Wanted, read: Read, live: Live<'_>) -> QueueSlice {
    let totals = live.health.totals;
    let rows = read.rows.into_iter().map(|(seq, row)| overlay(seq, row, &live)).collect();
    let mut slice = QueueSlice {
        waiting: totals.waiting.saturating_sub(live.flying),
        sending: live.flying,
        quarantined: totals.quarantined,
        delivered: totals.delivered,
        for_other_server: if live.server_id.is_empty() { 0 } else { live.schedule.foreign(live.server_id) },
        oldest_waiting: live.schedule.oldest().and_then(DateTime::from_timestamp_micros),
        last_delivery: live.last_delivery,
        bytes: totals.bytes,
        limit_reports: live.limits.reports,
        limit_bytes: live.limits.bytes,
        rows: Arc::new(rows),
        filter: wanted.filter,
        history: read.history.map(|(id, events)| (id, Arc::new(events))),
        trouble: None,
        busy: live.busy,
    };
    slice.trouble = trouble(&slice, live.health.failure.as_ref(), (live.refused, live.problem));
    slice
}

fn overlay(seq: i64, mut row: QueueRow, live: &Live<'_>) -> QueueRow {
    if row.state != QueueState::Waiting {
        return row;
    }
    if live.schedule.is_flying(seq) {
        row.state = QueueState::Sending;
    }
    row.foreign = !live.server_id.is_empty() && row.server_id != live.server_id;
    let (now, wall) = live.now;
    let wait = live.schedule.until(seq).map(|until| until.saturating_duration_since(now));
    // Cut to seconds, so that an unchanged plan draws an unchanged picture.
    row.next_try = wait.and_then(|wait| TimeDelta::from_std(wait).ok()).and_then(|wait| whole_second(wall + wait));
    row
}

fn whole_second(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.timestamp(), 0)
}

/// What needs a person most: what stops the queue, then what stops delivery, then what may stop it, then what was found at the start.
fn trouble(
    slice: &QueueSlice,
    failure: Option<&QueueError>,
    (refused, problem): (Option<Explanation>, Option<Explanation>),
) -> Option<Explanation> {
    if let Some(failure) = failure {
        return Some(failure.explain());
    }
    let fullness = slice.fullness();
    if fullness >= 1.0 {
        let reports = slice.waiting + slice.sending + slice.quarantined;
        return Some(QueueError::Full { reports, bytes: slice.bytes }.explain());
    }
    let filling = || Explanation::new("queue_filling").with("percent", (fullness * 100.0).floor());
    refused.or_else(|| (fullness >= WARN_AT).then(filling)).or(problem)
}
