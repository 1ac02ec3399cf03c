//! Reports: the head in columns, the source as it came beside it. One report an id, one report a run of a unit.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::sql::Sql;
use super::{Store, StoreError, micros, report_changes, time};
use crate::domain::report::{FactKind, FailedStep, Header, Report, ReportKind, Status};
use crate::domain::yields::Run;
use crate::protocol::live::ReportReceived;

/// A checked report on its way into the database.
#[derive(Debug)]
pub(in crate::server) struct NewReport {
    pub(in crate::server) header: Header,
    /// What yields count; nothing of a repair.
    pub(in crate::server) run: Option<Run>,
    comment: String,
    execution_secs: Option<f64>,
    error_code: Option<i64>,
    error_message: Option<String>,
    failed_step: Option<FailedStep>,
    pub(in crate::server) source: String,
    received_at: DateTime<Utc>,
    received_by: String,
}

impl NewReport {
    pub(in crate::server) fn new(report: Report, source: String, received_by: &str, now: DateTime<Utc>) -> NewReport {
        let fact =
            |label: &str| report.facts.iter().find(|fact| fact.kind == FactKind::Run && fact.label == label).map(|fact| fact.text.clone());
        NewReport {
            run: Run::of(&report),
            error_code: fact("errorCode").and_then(|text| text.parse().ok()),
            error_message: fact("errorMessage"),
            failed_step: report.failed_step(),
            comment: report.comment,
            execution_secs: report.execution_secs.filter(|secs| secs.is_finite()),
            header: report.header,
            source,
            received_at: now,
            received_by: received_by.to_owned(),
        }
    }
}

impl NewReport {
    /// What followers of the line are told.
    pub(in crate::server) fn head(&self) -> ReportReceived {
        let header = &self.header;
        ReportReceived {
            id: header.id.to_string(),
            serial_number: header.serial_number.clone(),
            part_number: header.part_number.clone(),
            process_code: header.process_code,
            process: header.process_name.clone(),
            result: header.result.word().to_owned(),
            station: header.station.clone(),
            start: header.start_utc(),
        }
    }

    /// Whether one of the texts that become columns holds the character NUL. In the source it is written out, and harmless.
    pub(in crate::server) fn holds_nul(&self) -> bool {
        let header = &self.header;
        let failed = self.failed_step.iter().flat_map(|step| [&step.name, &step.path, &step.step_type, &step.group]);
        let texts = [&header.serial_number, &header.part_number, &header.revision, &header.process_name, &header.station];
        let more = [&header.location, &header.purpose, &header.operator, &self.comment];
        texts.into_iter().chain(more).chain(&self.error_message).chain(failed).any(|text| text.contains('\0'))
    }
}

const INSERT: &str =
    "insert into reports (id, kind, serial_number, part_number, revision, process_code, process_name, result, station, location,
        purpose, operator, comment, start_at, execution_secs, error_code, error_message, failed_step, failed_step_path, failed_step_type,
        failed_step_group, received_at, received_by, size_bytes)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
    on conflict (id) do update set kind = excluded.kind, serial_number = excluded.serial_number, part_number = excluded.part_number,
        revision = excluded.revision, process_code = excluded.process_code, process_name = excluded.process_name, result = excluded.result,
        station = excluded.station, location = excluded.location, purpose = excluded.purpose, operator = excluded.operator,
        comment = excluded.comment, start_at = excluded.start_at, execution_secs = excluded.execution_secs,
        error_code = excluded.error_code, error_message = excluded.error_message, failed_step = excluded.failed_step,
        failed_step_path = excluded.failed_step_path, failed_step_type = excluded.failed_step_type,
        failed_step_group = excluded.failed_step_group, received_at = excluded.received_at, received_by = excluded.received_by,
        size_bytes = excluded.size_bytes";
const INSERT_SOURCE: &str = "insert into report_sources (report_id, source) values ($1, $2)
    on conflict (report_id) do update set source = excluded.source";
const DELETE_SAME_RUN: &str =
    "delete from reports where serial_number = $1 and part_number = $2 and process_code = $3 and start_at = $4 and id <> $5
    returning id";

/// What a stored batch changed.
pub(in crate::server) struct Stored {
    /// Report by report, which older ones of the same run it replaced.
    pub(in crate::server) replaced: Vec<Vec<Uuid>>,
    /// The numbers of its changes, without a gap.
    pub(in crate::server) changes: std::ops::RangeInclusive<i64>,
}

/// Stores all or none, durably.
pub(in crate::server) async fn put_all(store: &Store, reports: impl Iterator<Item = &NewReport>) -> Result<Stored, StoreError> {
    let mut transaction = store.begin().await?;
    let (mut replaced, mut changed) = (Vec::new(), Vec::new());
    for report in reports {
        let older = put(&mut transaction, report).await?;
        changed.push(report.header.id);
        changed.extend_from_slice(&older);
        replaced.push(older);
    }
    let changes = report_changes::note(&mut transaction, &changed).await?;
    transaction.commit().await?;
    Ok(Stored { replaced, changes })
}

async fn put(connection: &mut AnyConnection, report: &NewReport) -> Result<Vec<Uuid>, StoreError> {
    let (header, failed) = (&report.header, report.failed_step.as_ref());
    let (id, start) = (header.id.to_string(), micros(header.start_utc()));
    let replaced: Vec<String> = sqlx::query_scalar(DELETE_SAME_RUN)
        .bind(&header.serial_number)
        .bind(&header.part_number)
        .bind(header.process_code)
        .bind(start)
        .bind(&id)
        .fetch_all(&mut *connection)
        .await?;
    sqlx::query(INSERT)
        .bind(&id)
        .bind(kind_letter(header.kind))
        .bind(&header.serial_number)
        .bind(&header.part_number)
        .bind(&header.revision)
        .bind(header.process_code)
        .bind(&header.process_name)
        .bind(header.result.word())
        .bind(&header.station)
        .bind(&header.location)
        .bind(&header.purpose)
        .bind(&header.operator)
        .bind(&report.comment)
        .bind(start)
        .bind(report.execution_secs)
        .bind(report.error_code)
        .bind(report.error_message.as_deref())
        .bind(failed.map(|step| step.name.as_str()))
        .bind(failed.map(|step| step.path.as_str()))
        .bind(failed.map(|step| step.step_type.as_str()))
        .bind(failed.map(|step| step.group.as_str()))
        .bind(micros(report.received_at))
        .bind(&report.received_by)
        .bind(report.source.len() as i64)
        .execute(&mut *connection)
        .await?;
    sqlx::query(INSERT_SOURCE).bind(&id).bind(&report.source).execute(&mut *connection).await?;
    Ok(replaced.iter().filter_map(|id| id.parse().ok()).collect())
}

/// `T` or `R`.
pub(in crate::server) fn kind_letter(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Test => "T",
        ReportKind::Repair => "R",
    }
}

/// The report as it came.
pub(in crate::server) async fn find_source(store: &Store, id: Uuid) -> Result<Option<String>, StoreError> {
    let text = "select source from report_sources where report_id = $1";
    Ok(sqlx::query_scalar(text).bind(id.to_string()).fetch_optional(&store.readers).await?)
}

#[derive(sqlx::FromRow)]
struct RunRow {
    id: String,
    part_number: String,
    serial_number: String,
    revision: String,
    station: String,
    process_code: i64,
    start_at: i64,
    result: String,
    failed_step: Option<String>,
    failed_step_path: Option<String>,
    failed_step_type: Option<String>,
    failed_step_group: Option<String>,
}

impl RunRow {
    /// `None` for a row that no version of this program writes.
    fn run(self) -> Option<Run> {
        let text = Option::unwrap_or_default;
        let (path, step_type, group) = (text(self.failed_step_path), text(self.failed_step_type), text(self.failed_step_group));
        Some(Run {
            report_id: self.id.parse().ok()?,
            part_number: self.part_number,
            serial_number: self.serial_number,
            revision: self.revision,
            station: self.station,
            process_code: self.process_code,
            start: time(self.start_at),
            result: Status::parse(&self.result)?,
            failed_step: self.failed_step.map(|name| FailedStep { name, path, step_type, group }),
        })
    }
}

const SELECT_RUNS: &str = "select id, part_number, serial_number, revision, station, process_code, start_at, result, failed_step,
    failed_step_path, failed_step_type, failed_step_group from reports where kind = 'T'";

/// Rows read at a time.
const CHUNK: i64 = 20_000;

/// Hands every test run to `each`, oldest first and not all at once: there may be millions.
pub(in crate::server) async fn read_runs(store: &Store, mut each: impl FnMut(Run)) -> Result<(), StoreError> {
    let (mut start, mut id) = (i64::MIN, String::new());
    loop {
        let mut sql = Sql::new(SELECT_RUNS);
        sql.push(" and (start_at, id) > (")
            .push_bind(start)
            .push(", ")
            .push_bind(id)
            .push(") order by start_at, id limit ")
            .push_bind(CHUNK);
        let rows: Vec<RunRow> = sql.fetch_all(&store.readers).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        (start, id) = (last.start_at, last.id.clone());
        rows.into_iter().filter_map(RunRow::run).for_each(&mut each);
    }
}

/// The test runs among these reports.
pub(in crate::server) async fn find_runs(store: &Store, ids: &[Uuid]) -> Result<Vec<Run>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(SELECT_RUNS);
    sql.push(" and id in (").push_list(ids.iter().map(Uuid::to_string)).push(")");
    let rows: Vec<RunRow> = sql.fetch_all(&store.readers).await?;
    Ok(rows.into_iter().filter_map(RunRow::run).collect())
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    id: String,
    serial_number: String,
    part_number: String,
    process_code: i64,
    process_name: String,
    result: String,
    station: String,
    start_at: i64,
}

impl From<HeadRow> for ReportReceived {
    fn from(row: HeadRow) -> ReportReceived {
        ReportReceived {
            id: row.id,
            serial_number: row.serial_number,
            part_number: row.part_number,
            process_code: row.process_code,
            process: row.process_name,
            result: row.result,
            station: row.station,
            start: time(row.start_at),
        }
    }
}

/// What followers of the line are told of those of these reports that are there.
pub(in crate::server) async fn find_heads(store: &Store, ids: &[Uuid]) -> Result<Vec<ReportReceived>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = "select id, serial_number, part_number, process_code, process_name, result, station, start_at from reports where id in (";
    let mut sql = Sql::new(text);
    sql.push_list(ids.iter().map(Uuid::to_string)).push(")");
    let rows: Vec<HeadRow> = sql.fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(ReportReceived::from).collect())
}
