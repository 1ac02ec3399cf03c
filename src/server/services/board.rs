//! The line board: how each process has done since a time, and the last reports.

use chrono::{DateTime, Utc};

use crate::domain::yields::{Dimension, Group, MIN_UNITS, RunTable, Selection, Verdict, judge};
use crate::protocol::page::{Board, BoardProcess, BoardReport, BoardVerdict};
use crate::protocol::wats::{Process, ReportHeader};
use crate::server::error::Refusal;
use crate::server::odata::{Field, Order};
use crate::server::state::Line;
use crate::server::store::report_query::{self, ReportQuery};

/// How many reports are shown.
const LAST_REPORTS: u32 = 12;

/// What a board asks for.
#[derive(Clone, Copy)]
pub(in crate::server) struct BoardQuery {
    pub(in crate::server) since: DateTime<Utc>,
    pub(in crate::server) as_of: DateTime<Utc>,
    pub(in crate::server) target: Option<f64>,
}

/// Everything since `query.since`, by process in the order of the plant's list.
pub(in crate::server) async fn read(line: &Line, query: &BoardQuery, processes: &[Process]) -> Result<Board, Refusal> {
    let reports = last_reports(line).await?;
    let (runs, asked, processes) = (line.runs.clone(), *query, processes.to_vec());
    // Over a year of reports this takes longer than others should wait for this thread.
    let counted = tokio::task::spawn_blocking(move || runs.look(|table| rows(table, &asked, &processes))).await;
    let processes = counted.map_err(|error| {
        tracing::error!("the board could not be counted: {error}");
        Refusal::internal()
    })?;
    let BoardQuery { since, as_of, target } = *query;
    Ok(Board { since, as_of, target, min_units: MIN_UNITS, processes, reports })
}

fn rows(table: &RunTable, query: &BoardQuery, processes: &[Process]) -> Vec<BoardProcess> {
    let selection = Selection { from: Some(query.since), ..Selection::default() };
    let mut rows: Vec<BoardProcess> =
        table.groups(&selection, &[Dimension::Process], &[]).into_iter().map(|group| row(&group, query.target, processes)).collect();
    let place = |row: &BoardProcess| processes.iter().position(|process| process.code == row.code).unwrap_or(usize::MAX);
    rows.sort_by_key(|row| (place(row), row.code));
    rows
}

fn row(group: &Group, target: Option<f64>, processes: &[Process]) -> BoardProcess {
    let code = group.process_code.unwrap_or_default();
    let name = processes.iter().find(|process| process.code == code).map_or_else(|| code.to_string(), |process| process.name.clone());
    let interval = group.kpis.fpy_interval();
    BoardProcess {
        code,
        name,
        units: group.kpis.units,
        first_pass: group.kpis.first_pass,
        fpy: group.kpis.fpy(),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        last_pass_yield: group.kpis.lpy(),
        verdict: match judge(&group.kpis, target) {
            Verdict::OnTarget => BoardVerdict::OnTarget,
            Verdict::BelowTarget => BoardVerdict::BelowTarget,
            Verdict::TooFewUnits => BoardVerdict::TooFewUnits,
            Verdict::NoTarget => BoardVerdict::NoTarget,
        },
        last_report: group.last,
    }
}

async fn last_reports(line: &Line) -> Result<Vec<BoardReport>, Refusal> {
    let newest_first = [Order { field: Field::Start, descending: true }];
    let query = ReportQuery { kind: "T", filter: None, order: &newest_first, top: LAST_REPORTS, skip: 0 };
    Ok(report_query::list(&line.store, &query).await?.into_iter().map(report).collect())
}

/// No name of a person: the board may be public.
fn report(header: ReportHeader) -> BoardReport {
    BoardReport {
        start: header.start_utc,
        serial_number: header.serial_number,
        part_number: header.part_number,
        process: header.process_name,
        station: header.station_name,
        result: header.result,
    }
}
