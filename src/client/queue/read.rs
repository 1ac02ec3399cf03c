//! Everything that only looks into the queue's file.

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::super::model::{QueueEvent, QueueFilter, QueueRow, QueueState};
use super::error::QueueError;
use super::history;
use super::store::{DELIVERED, QUARANTINED};

/// A waiting report as the sender plans by it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pending {
    pub(super) seq: i64,
    pub(super) id: Uuid,
    pub(super) part: String,
    pub(super) serial: String,
    pub(super) server_id: String,
    /// Microseconds since 1970, for show.
    pub(super) accepted_at: i64,
    pub(super) tries: u32,
}

/// A report with its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub id: Uuid,
    pub part_number: String,
    pub serial_number: String,
    pub text: String,
}

/// Reports that wait, in order of acceptance, beginning after place `after`.
pub(super) fn pending(db: &Connection, after: i64) -> Result<Vec<Pending>, QueueError> {
    let sql = "select seq, id, part, serial, server_id, accepted_at, tries from report where state = 0 and seq > ?1 order by seq";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([after], |row| {
        Ok(Pending {
            seq: row.get(0)?,
            id: id(row, 1)?,
            part: row.get(2)?,
            serial: row.get(3)?,
            server_id: row.get(4)?,
            accepted_at: row.get(5)?,
            tries: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The text at a place and its digest, while it waits there.
pub(super) fn body(db: &Connection, seq: i64) -> Result<Option<(String, [u8; 32])>, QueueError> {
    let sql = "select body.text, report.digest from report join body on body.seq = report.seq where report.seq = ?1 and state = 0";
    Ok(db.prepare_cached(sql)?.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// A report with its text, while the queue has it.
pub(super) fn stored(db: &Connection, wanted: Uuid) -> Result<Option<Stored>, QueueError> {
    let sql = "select id, part, serial, text from report join body on body.seq = report.seq where id = ?1";
    let read = |row: &Row<'_>| Ok(Stored { id: id(row, 0)?, part_number: row.get(1)?, serial_number: row.get(2)?, text: row.get(3)? });
    Ok(db.prepare_cached(sql)?.query_row([wanted.as_bytes()], read).optional()?)
}

pub(super) fn undelivered(db: &Connection) -> Result<Vec<Uuid>, QueueError> {
    let mut statement = db.prepare_cached("select id from report where state in (0, 3) order by seq")?;
    Ok(statement.query_map([], |row| id(row, 0))?.collect::<Result<_, _>>()?)
}

const ROW: &str = "select id, state, part, serial, source, accepted_at, delivered_at, bytes, tries, last_error, server_id, seq from report";

/// The newest reports of one kind, newest first.
pub(super) fn list(db: &Connection, filter: QueueFilter, limit: usize) -> Result<Vec<(i64, QueueRow)>, QueueError> {
    let state = match filter {
        QueueFilter::Pending => 0,
        QueueFilter::Delivered => DELIVERED,
        QueueFilter::Quarantined => QUARANTINED,
    };
    let mut statement = db.prepare_cached(&format!("{ROW} where state = ?1 order by seq desc limit ?2"))?;
    let rows = statement.query_map(params![state, i64::try_from(limit).unwrap_or(i64::MAX)], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn find(db: &Connection, id: Uuid) -> Result<Option<QueueRow>, QueueError> {
    let mut statement = db.prepare_cached(&format!("{ROW} where id = ?1"))?;
    Ok(statement.query_row([id.as_bytes()], row).optional()?.map(|(_, row)| row))
}

pub(super) fn events(db: &Connection, id: Uuid) -> Result<Option<Vec<QueueEvent>>, QueueError> {
    let mut statement = db.prepare_cached("select history from report where id = ?1")?;
    let history: Option<String> = statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    Ok(history.map(|history| history::read(&history)))
}

fn row(row: &Row<'_>) -> rusqlite::Result<(i64, QueueRow)> {
    let state = match row.get(1)? {
        DELIVERED => QueueState::Delivered,
        QUARANTINED => QueueState::Quarantined,
        _ => QueueState::Waiting,
    };
    let bytes: i64 = row.get(7)?;
    let queue_row = QueueRow {
        id: id(row, 0)?,
        state,
        part_number: row.get(2)?,
        serial_number: row.get(3)?,
        source: row.get(4)?,
        accepted_at: DateTime::from_timestamp_micros(row.get(5)?).unwrap_or_default(),
        delivered_at: row.get::<_, Option<i64>>(6)?.and_then(DateTime::from_timestamp_micros),
        bytes: bytes.unsigned_abs(),
        tries: row.get(8)?,
        next_try: None,
        last_error: row.get(9)?,
        server_id: row.get(10)?,
        foreign: false,
    };
    Ok((row.get(11)?, queue_row))
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}
