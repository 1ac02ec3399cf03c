//! The jobs themselves, inside one open transaction.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

use super::super::model::QueueHappening;
use super::error::QueueError;
use super::history;
use super::store::{Accepted, Answer, DELIVERED, End, Entry, Job, Limits, Outcome, QUARANTINED, Totals, WAITING, Which};

/// Rows forgotten in one step of tidying.
pub(super) const FORGET_A_STEP: u64 = 500;

/// One open transaction, and the totals as they will be when it is committed.
pub(super) struct Work<'a> {
    pub(super) change: Transaction<'a>,
    pub(super) now: DateTime<Utc>,
    pub(super) limits: Limits,
    pub(super) totals: Totals,
    pub(super) top: i64,
    pub(super) outside: bool,
}

/// A row as the jobs need it.
struct Known {
    seq: i64,
    state: i64,
    bytes: u64,
    digest: [u8; 32],
    history: String,
    server_id: String,
    /// Part and serial number.
    unit: (String, String),
}

impl Known {
    const SELECT: &str = "select seq, state, bytes, digest, history, server_id, part, serial from report";

    fn read(row: &Row<'_>) -> rusqlite::Result<Known> {
        let bytes: i64 = row.get(2)?;
        Ok(Known {
            seq: row.get(0)?,
            state: row.get(1)?,
            bytes: bytes.unsigned_abs(),
            digest: row.get(3)?,
            history: row.get(4)?,
            server_id: row.get(5)?,
            unit: (row.get(6)?, row.get(7)?),
        })
    }
}

impl Work<'_> {
    pub(super) fn run(&mut self, job: &Job) -> Result<Answer, QueueError> {
        match job {
            Job::Add(entries) => Ok(Answer::Added(entries.iter().map(|entry| self.add(entry)).collect::<Result<_, _>>()?)),
            Job::Settle(outcomes) => self.settle(outcomes),
            Job::Retry(which) => self.retry(which),
            Job::Release(ids, server_id) => self.release(ids, server_id),
            Job::Delete(ids) => self.delete(ids),
            Job::Bind(server_id) => self.bind(server_id),
            Job::Tidy => self.forget(),
            Job::Look => Ok(Answer::Outside(std::mem::take(&mut self.outside))),
        }
    }

    /// The outer error ends the transaction; the inner one is the answer for this report alone.
    fn add(&mut self, entry: &Entry) -> Result<Result<Accepted, QueueError>, QueueError> {
        let bytes = entry.text.len() as u64;
        if bytes > self.limits.report_bytes {
            return Ok(Err(QueueError::TooLarge { bytes, limit: self.limits.report_bytes }));
        }
        let known = self.find(entry.id)?;
        let owner = self.owner(entry)?;
        if known.as_ref().is_some_and(|known| known.digest == entry.digest && (known.state != DELIVERED || known.server_id == owner)) {
            return Ok(Ok(Accepted::Already));
        }
        let mut after = self.totals;
        if let Some(known) = &known {
            leave(&mut after, known);
        }
        after.waiting += 1;
        after.bytes += bytes;
        if after.waiting + after.quarantined > self.limits.reports || after.bytes > self.limits.bytes {
            let reports = self.totals.waiting + self.totals.quarantined;
            return Ok(Err(QueueError::Full { reports, bytes: self.totals.bytes }));
        }
        let accepted = match known {
            None => self.insert(entry, &owner)?,
            Some(known) => self.replace(entry, &owner, &known)?,
        };
        self.totals = after;
        Ok(Ok(accepted))
    }

    fn insert(&mut self, entry: &Entry, owner: &str) -> Result<Accepted, QueueError> {
        let seq = self.next_seq()?;
        let history = history::append("", self.now, QueueHappening::Accepted, &entry.source);
        let sql = "insert into report (seq, id, state, bytes, part, serial, source, server_id, accepted_at, digest, history)
                   values (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.change.prepare_cached(sql)?.execute(params![
            seq,
            entry.id.as_bytes(),
            entry.text.len() as i64,
            entry.part,
            entry.serial,
            entry.source,
            owner,
            self.now.timestamp_micros(),
            entry.digest,
            history,
        ])?;
        self.put_body(seq, entry)?;
        Ok(Accepted::New)
    }

    /// A waiting report keeps its place in line; one that was delivered or refused, or waited in another line, lines up again.
    fn replace(&mut self, entry: &Entry, owner: &str, known: &Known) -> Result<Accepted, QueueError> {
        let same_line = known.server_id == owner && (&known.unit.0, &known.unit.1) == (&entry.part, &entry.serial);
        let seq = if known.state == WAITING && same_line { known.seq } else { self.next_seq()? };
        // The sender shall not go on planning with a place that is empty now.
        self.outside |= known.state == WAITING && !same_line;
        let history = history::append(&known.history, self.now, QueueHappening::Replaced, &entry.source);
        self.drop_body(known.seq)?;
        let sql = "update report set seq = ?2, state = 0, bytes = ?3, part = ?4, serial = ?5, source = ?6, server_id = ?7,
                   accepted_at = ?8, digest = ?9, history = ?10, delivered_at = null, tries = 0, last_error = '' where seq = ?1";
        self.change.prepare_cached(sql)?.execute(params![
            known.seq,
            seq,
            entry.text.len() as i64,
            entry.part,
            entry.serial,
            entry.source,
            owner,
            self.now.timestamp_micros(),
            entry.digest,
            history,
        ])?;
        self.put_body(seq, entry)?;
        Ok(Accepted::Replaced)
    }

    /// The server a report is for: the one named, else the last one signed in to, else nobody yet.
    fn owner(&self, entry: &Entry) -> Result<String, QueueError> {
        if !entry.server_id.is_empty() {
            return Ok(entry.server_id.clone());
        }
        let mut statement = self.change.prepare_cached("select value from fact where name = 'server'")?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    fn settle(&mut self, outcomes: &[Outcome]) -> Result<Answer, QueueError> {
        let mut stale = Vec::new();
        for outcome in outcomes {
            let mut statement = self.change.prepare_cached(&format!("{} where seq = ?1 and state = 0", Known::SELECT))?;
            let Some(known) = statement.query_row([outcome.seq], Known::read).optional()? else { continue };
            drop(statement);
            if known.digest == outcome.digest && known.server_id == outcome.server_id {
                self.settle_one(&known, &outcome.end)?;
            } else {
                stale.push(outcome.seq);
            }
        }
        Ok(Answer::Stale(stale))
    }

    fn settle_one(&mut self, known: &Known, end: &End) -> Result<(), QueueError> {
        let at = self.now.timestamp_micros();
        let (state, what, sentence, delivered_at) = match end {
            End::Delivered => (DELIVERED, QueueHappening::Delivered, "", Some(at)),
            End::Refused(sentence) => (QUARANTINED, QueueHappening::Quarantined, sentence.as_str(), None),
            End::Failed(sentence) => (known.state, QueueHappening::Tried, sentence.as_str(), None),
        };
        let history = history::append(&known.history, self.now, what, sentence);
        let sql = "update report set state = ?2, tries = tries + 1, last_error = ?3, history = ?4, delivered_at = ?5 where seq = ?1";
        let sentence = history::one_line(sentence);
        self.change.prepare_cached(sql)?.execute(params![known.seq, state, sentence, history, delivered_at])?;
        match end {
            End::Delivered => {
                self.drop_body(known.seq)?;
                leave(&mut self.totals, known);
                self.totals.delivered += 1;
            }
            End::Refused(_) => {
                self.totals.waiting = self.totals.waiting.saturating_sub(1);
                self.totals.quarantined += 1;
            }
            End::Failed(_) => {}
        }
        Ok(())
    }

    fn retry(&mut self, which: &Which) -> Result<Answer, QueueError> {
        let known = match which {
            Which::These(ids) => self.find_all(ids)?,
            Which::AllQuarantined => {
                let mut statement = self.change.prepare_cached(&format!("{} where state = {QUARANTINED}", Known::SELECT))?;
                statement.query_map([], Known::read)?.collect::<Result<_, _>>()?
            }
        };
        let mut count = 0;
        for known in known.iter().filter(|known| known.state != DELIVERED) {
            let history = history::append(&known.history, self.now, QueueHappening::Retried, "");
            let mut statement = self.change.prepare_cached("update report set state = 0, history = ?2 where seq = ?1")?;
            statement.execute(params![known.seq, history])?;
            if known.state == QUARANTINED {
                self.totals.quarantined = self.totals.quarantined.saturating_sub(1);
                self.totals.waiting += 1;
            }
            count += 1;
        }
        Ok(Answer::Count(count))
    }

    fn release(&mut self, ids: &[Uuid], server_id: &str) -> Result<Answer, QueueError> {
        let sql = "update report set server_id = ?2, history = ?3 where seq = ?1 and server_id <> ?2";
        let mut count = 0;
        for known in self.find_all(ids)?.iter().filter(|known| known.state != DELIVERED) {
            let history = history::append(&known.history, self.now, QueueHappening::Released, server_id);
            count += self.change.prepare_cached(sql)?.execute(params![known.seq, server_id, history])? as u64;
        }
        Ok(Answer::Count(count))
    }

    fn delete(&mut self, ids: &[Uuid]) -> Result<Answer, QueueError> {
        let known = self.find_all(ids)?;
        for known in &known {
            self.drop_body(known.seq)?;
            self.change.prepare_cached("delete from report where seq = ?1")?.execute([known.seq])?;
            leave(&mut self.totals, known);
        }
        Ok(Answer::Count(known.len() as u64))
    }

    fn bind(&mut self, server_id: &str) -> Result<Answer, QueueError> {
        let sql = "insert into fact (name, value) values ('server', ?1) on conflict (name) do update set value = ?1 where value <> ?1";
        self.change.prepare_cached(sql)?.execute([server_id])?;
        let sql = "update report set server_id = ?1 where state in (0, 3) and server_id = ''";
        Ok(Answer::Count(self.change.prepare_cached(sql)?.execute([server_id])? as u64))
    }

    /// Forgets deliveries that are too old or too many. A clock set back forgets nothing, one set ahead only history.
    fn forget(&mut self) -> Result<Answer, QueueError> {
        let too_many = self.limits.remembered;
        let oldest = (self.now - TimeDelta::days(self.limits.remembered_days)).timestamp_micros();
        let sql = "delete from report where seq in (select seq from report where state = 2 and (delivered_at < ?1 or seq <=
                   (select seq from report where state = 2 order by seq desc limit 1 offset ?2)) order by seq limit ?3)";
        let step = FORGET_A_STEP as i64;
        let count = self.change.prepare_cached(sql)?.execute(params![oldest, too_many as i64, step])? as u64;
        self.totals.delivered = self.totals.delivered.saturating_sub(count);
        Ok(Answer::Count(count))
    }

    fn next_seq(&mut self) -> Result<i64, QueueError> {
        let highest: i64 = self.change.prepare_cached("select coalesce(max(seq), 0) from report")?.query_row([], |row| row.get(0))?;
        self.top = self.top.max(highest) + 1;
        Ok(self.top)
    }

    fn find(&self, id: Uuid) -> Result<Option<Known>, QueueError> {
        let mut statement = self.change.prepare_cached(&format!("{} where id = ?1", Known::SELECT))?;
        Ok(statement.query_row([id.as_bytes()], Known::read).optional()?)
    }

    fn find_all(&self, ids: &[Uuid]) -> Result<Vec<Known>, QueueError> {
        ids.iter().filter_map(|id| self.find(*id).transpose()).collect()
    }

    fn put_body(&self, seq: i64, entry: &Entry) -> Result<(), QueueError> {
        self.change.prepare_cached("insert into body (seq, text) values (?1, ?2)")?.execute(params![seq, &*entry.text])?;
        Ok(())
    }

    fn drop_body(&self, seq: i64) -> Result<(), QueueError> {
        self.change.prepare_cached("delete from body where seq = ?1")?.execute([seq])?;
        Ok(())
    }
}

/// Takes a row out of the totals.
fn leave(totals: &mut Totals, known: &Known) {
    let group = match known.state {
        DELIVERED => &mut totals.delivered,
        QUARANTINED => &mut totals.quarantined,
        _ => &mut totals.waiting,
    };
    *group = group.saturating_sub(1);
    if known.state != DELIVERED {
        totals.bytes = totals.bytes.saturating_sub(known.bytes);
    }
}
