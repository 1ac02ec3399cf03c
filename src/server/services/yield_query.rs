//! A filter of the WATS group becomes a selection, dimensions and periods; groups become rows.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::yields::{Dimension, Group, Pattern, RunTable, Selection, TopFailed};
use crate::protocol::wats::{Filter, Process, TopFailedRow, YieldRow};
use crate::server::error::Refusal;
use crate::server::odata::parse_time;
use crate::server::services::periods::Grouping;

/// How far back is looked where no dates are given.
const DEFAULT_SPAN: TimeDelta = TimeDelta::days(30);
/// Most buckets of one answer.
const MAX_PERIODS: usize = 20_000;
/// Most rows of a Pareto.
const MAX_TOP: usize = 1000;
const DEFAULT_TOP: usize = 10;

/// A yield that was asked for, understood.
#[derive(Debug)]
pub(in crate::server) struct YieldQuery {
    selection: Selection,
    dimensions: Vec<Dimension>,
    edges: Vec<DateTime<Utc>>,
    order: Vec<(Key, bool)>,
    top: Option<usize>,
    /// Whether the answer changes with time alone, without any new report.
    pub(in crate::server) is_relative: bool,
}

/// Reads what is asked for. `dimensions` of the address win over those of the body.
pub(in crate::server) fn read(
    filter: &Filter,
    dimensions: Option<&str>,
    processes: &[Process],
    now: DateTime<Utc>,
) -> Result<YieldQuery, Refusal> {
    let words = dimensions.or(filter.dimensions.as_deref()).unwrap_or_default();
    let is_told = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let mut query = YieldQuery {
        is_relative: !is_told(&filter.date_from),
        selection: select(filter, processes, now)?,
        dimensions: Vec::new(),
        edges: Vec::new(),
        order: Vec::new(),
        top: top(filter)?,
    };
    for word in words.split(';').map(str::trim).filter(|word| !word.is_empty()) {
        read_dimension(word, &mut query)?;
    }
    if query.dimensions.contains(&Dimension::Period) {
        let grouping = grouping(filter)?.unwrap_or(Grouping::Day);
        let from = query.selection.from.unwrap_or(now - DEFAULT_SPAN);
        let to = query.selection.to.unwrap_or(now.max(from));
        // An open end moves on: what lies after the current period counts once its period begins.
        query.is_relative |= query.selection.to.is_none();
        query.edges = grouping.edges(from, to, MAX_PERIODS).ok_or_else(|| {
            let sentence = format!("These dates have more than {MAX_PERIODS} periods: choose longer periods or fewer days.");
            Refusal::bad_request("too_many_periods", sentence)
        })?;
    }
    Ok(query)
}

fn read_dimension(word: &str, query: &mut YieldQuery) -> Result<(), Refusal> {
    let mut parts = word.split_whitespace();
    let name = parts.next().unwrap_or_default();
    let descending = match parts.next() {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("asc") => Some(false),
        Some(word) if word.eq_ignore_ascii_case("desc") => Some(true),
        Some(_) => return Err(bad_dimension(word)),
    };
    let key = Key::find(name).ok_or_else(|| bad_dimension(name))?;
    if let Some(dimension) = key.dimension()
        && !query.dimensions.contains(&dimension)
    {
        query.dimensions.push(dimension);
    }
    query.order.extend(descending.map(|descending| (key, descending)));
    Ok(())
}

fn bad_dimension(name: &str) -> Refusal {
    let known: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
    let name: String = name.chars().take(60).collect();
    Refusal::bad_request("bad_dimension", format!("{name:?} is not a dimension of this server, which knows {}.", known.join(", ")))
}

/// What rows are made of and ordered by.
#[derive(Clone, Copy, Debug)]
enum Key {
    Dimension(Dimension),
    Number(fn(&YieldRow) -> Option<f64>),
}

const KEYS: &[(&str, Key)] = &[
    ("partNumber", Key::Dimension(Dimension::PartNumber)),
    ("revision", Key::Dimension(Dimension::Revision)),
    ("stationName", Key::Dimension(Dimension::Station)),
    ("testOperation", Key::Dimension(Dimension::Process)),
    ("processCode", Key::Dimension(Dimension::Process)),
    ("period", Key::Dimension(Dimension::Period)),
    ("unitCount", Key::Number(|row| Some(row.unit_count as f64))),
    ("fpCount", Key::Number(|row| Some(row.fp_count as f64))),
    ("spCount", Key::Number(|row| Some(row.sp_count as f64))),
    ("tpCount", Key::Number(|row| Some(row.tp_count as f64))),
    ("lpCount", Key::Number(|row| Some(row.lp_count as f64))),
    ("fpy", Key::Number(|row| row.fpy)),
    ("spy", Key::Number(|row| row.spy)),
    ("tpy", Key::Number(|row| row.tpy)),
    ("lpy", Key::Number(|row| row.lpy)),
    ("testReportCount", Key::Number(|row| row.test_report_count.map(|count| count as f64))),
    ("testYield", Key::Number(|row| row.test_yield)),
];

impl Key {
    fn find(name: &str) -> Option<Key> {
        KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, key)| *key)
    }

    fn dimension(self) -> Option<Dimension> {
        match self {
            Key::Dimension(dimension) => Some(dimension),
            Key::Number(_) => None,
        }
    }

    fn compare(self, a: &YieldRow, b: &YieldRow) -> std::cmp::Ordering {
        match self {
            Key::Dimension(Dimension::PartNumber) => a.part_number.cmp(&b.part_number),
            Key::Dimension(Dimension::Revision) => a.revision.cmp(&b.revision),
            Key::Dimension(Dimension::Station) => a.station_name.cmp(&b.station_name),
            Key::Dimension(Dimension::Process) => a.process_code.cmp(&b.process_code),
            Key::Dimension(Dimension::Period) => a.period.cmp(&b.period),
            Key::Number(number) => number(a).unwrap_or(f64::NEG_INFINITY).total_cmp(&number(b).unwrap_or(f64::NEG_INFINITY)),
        }
    }
}

fn select(filter: &Filter, processes: &[Process], now: DateTime<Utc>) -> Result<Selection, Refusal> {
    let pattern = |text: &Option<String>| text.as_deref().filter(|text| !text.trim().is_empty()).map(Pattern::parse);
    let (from, to) = span(filter, now)?;
    let operation = filter.test_operation.as_deref().map(str::trim).filter(|text| !text.is_empty());
    Ok(Selection {
        from,
        to,
        as_of: None,
        part_number: pattern(&filter.part_number),
        serial_number: pattern(&filter.serial_number),
        revision: pattern(&filter.revision),
        station: pattern(&filter.station_name),
        processes: operation.map(|operation| codes(operation, processes)),
    })
}

/// A process is named by its name, with the usual signs, or by its code.
fn codes(operation: &str, processes: &[Process]) -> Vec<i64> {
    let pattern = Pattern::parse(operation);
    let named = processes.iter().filter(|process| pattern.matches(&process.name)).map(|process| process.code);
    named.chain(operation.split(';').filter_map(|code| code.trim().parse().ok())).collect()
}

/// From included, to excluded.
type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

fn span(filter: &Filter, now: DateTime<Utc>) -> Result<Span, Refusal> {
    let read = |name: &str, text: &Option<String>| match text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => parse_time(text)
            .map(Some)
            .ok_or_else(|| Refusal::bad_request("bad_filter", format!("{name} is not a time such as 2026-01-31T08:00:00Z."))),
    };
    let (from, to) = (read("dateFrom", &filter.date_from)?, read("dateTo", &filter.date_to)?);
    if from.is_some() {
        return Ok((from, to));
    }
    let count = filter.period_count.filter(|count| *count > 0);
    if let (None, Some(count), Some(grouping)) = (to, count, grouping(filter)?) {
        let current = grouping.start(now);
        let with_current = filter.include_current_period.unwrap_or(true);
        let back = (count - i64::from(with_current)).min(MAX_PERIODS as i64);
        return Ok((Some(grouping.before(current, back)), (!with_current).then_some(current)));
    }
    Ok((Some(to.unwrap_or(now) - DEFAULT_SPAN), to))
}

fn grouping(filter: &Filter) -> Result<Option<Grouping>, Refusal> {
    match filter.date_grouping {
        None | Some(-1) => Ok(None),
        Some(number) => Grouping::of_wire(number).map(Some).ok_or_else(|| {
            Refusal::bad_request("bad_filter", "dateGrouping is -1 none, 0 year, 1 quarter, 2 month, 3 week, 4 day or 5 hour.")
        }),
    }
}

fn top(filter: &Filter) -> Result<Option<usize>, Refusal> {
    match filter.top_count {
        None => Ok(None),
        Some(count) if count >= 1 => Ok(Some(count.min(i64::from(u32::MAX)) as usize)),
        Some(_) => Err(Refusal::bad_request("bad_filter", "topCount is at least 1.")),
    }
}

/// The rows of a yield.
pub(in crate::server) fn rows(query: &YieldQuery, table: &RunTable, processes: &[Process]) -> Vec<YieldRow> {
    let groups = table.groups(&query.selection, &query.dimensions, &query.edges);
    let mut rows: Vec<YieldRow> = groups.into_iter().map(|group| row(group, processes)).collect();
    for (key, descending) in query.order.iter().rev() {
        rows.sort_by(|a, b| if *descending { key.compare(b, a) } else { key.compare(a, b) });
    }
    rows.truncate(query.top.unwrap_or(usize::MAX));
    rows
}

fn row(group: Group, processes: &[Process]) -> YieldRow {
    let percent = |ratio: Option<f64>| ratio.map(|ratio| ratio * 100.0);
    let kpis = &group.kpis;
    YieldRow {
        test_operation: group.process_code.map(|code| process_name(code, processes)),
        process_code: group.process_code,
        period: group.period.map(|start| start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        unit_count: kpis.units,
        fp_count: kpis.first_pass,
        sp_count: kpis.second_pass,
        tp_count: kpis.third_pass,
        lp_count: kpis.last_pass,
        fpy: percent(kpis.fpy()),
        spy: percent(kpis.spy()),
        tpy: percent(kpis.tpy()),
        lpy: percent(kpis.lpy()),
        test_report_count: Some(kpis.reports),
        test_report_passed_count: Some(kpis.reports_passed),
        test_yield: percent(kpis.report_yield()),
        first_utc: group.first,
        last_utc: group.last,
        part_number: group.part_number,
        revision: group.revision,
        station_name: group.station,
    }
}

/// The name of now; the code where the process is not known.
fn process_name(code: i64, processes: &[Process]) -> String {
    processes.iter().find(|process| process.code == code).map_or_else(|| code.to_string(), |process| process.name.clone())
}

/// The rows of a Pareto: steps that failed first in first runs.
pub(in crate::server) fn top_failed(query: &YieldQuery, table: &RunTable, filter: &Filter) -> Vec<TopFailedRow> {
    let units = table.kpis(&query.selection).units;
    let failed = table.top_failed(&query.selection, query.top.unwrap_or(DEFAULT_TOP).min(MAX_TOP));
    let row = |failed: TopFailed| TopFailedRow {
        step_name: failed.step.name,
        step_path: failed.step.path,
        step_type: failed.step.step_type,
        step_group: failed.step.group,
        part_number: filter.part_number.clone(),
        fail_count: failed.units,
        total_count: units,
        fail_rate: (units > 0).then(|| 100.0 * failed.units as f64 / units as f64),
        first_fail_date: Some(failed.first),
        last_fail_date: Some(failed.last),
    };
    failed.into_iter().map(row).collect()
}
