//! The answers of the server that make one picture, and the picture they make.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, Local, SecondsFormat, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use crate::client::api::{Api, ApiError};
use crate::client::model::{Period, YieldPicture, YieldQuery};
use crate::client::rows;
use crate::domain::yields::{Bucket, Cause, Kpis, ParetoRow};
use crate::protocol::wats::{Filter, Process, ReportHeader, TopFailedRow, YieldRow};

/// Rows of the recent list.
const RECENT: usize = 20;
/// Steps of the Pareto.
const STEPS: i64 = 10;
/// How long counts may be taken for unchanged because the newest reports are: replaced and voided ones do not show there.
const TRUST: TimeDelta = TimeDelta::seconds(30);

/// Everything that one picture is made of, as the server told it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rows {
    /// The server that told them.
    #[serde(default)]
    pub(super) server_id: String,
    as_of: DateTime<Utc>,
    /// When the counts were fetched; the newest reports are looked at more often.
    counted_at: DateTime<Utc>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    part_number: String,
    process: String,
    hours: i64,
    total: YieldRow,
    buckets: Vec<YieldRow>,
    failed: Vec<TopFailedRow>,
    recent: Vec<ReportHeader>,
    parts: Vec<YieldRow>,
    processes: Vec<Process>,
}

/// From, to, and the length of a bucket.
fn window(period: Period, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>, TimeDelta) {
    let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
    let this_hour = now.duration_trunc(hour).unwrap_or(now);
    match period {
        Period::LastEightHours => (this_hour - hour * 7, this_hour + hour, hour),
        Period::Today => {
            let midnight = now.with_timezone(&Local).date_naive().and_hms_opt(0, 0, 0);
            let start = midnight.and_then(|time| Local.from_local_datetime(&time).earliest()).map_or(this_hour, |time| time.to_utc());
            (start, this_hour + hour, hour)
        }
        Period::LastSevenDays => {
            let today = now.duration_trunc(day).unwrap_or(now);
            (today - day * 6, today + day, day)
        }
    }
}

/// Fetches a picture's rows. Where the newest reports are the same as `before`, the rest is taken over for a while.
pub(super) async fn fetch(api: &Api, query: &YieldQuery, now: DateTime<Utc>, before: Option<Rows>) -> Result<Rows, ApiError> {
    let (from, to, length) = window(query.period, now);
    let recent = api.fetch_headers(&recent_filter(query), RECENT, 0).await?;
    if let Some(before) = before
        && (before.from, before.to) == (from, to)
        && before.is_for(query)
        && before.recent == recent
        && (TimeDelta::zero()..TRUST).contains(&(now - before.counted_at))
    {
        return Ok(Rows { as_of: now, ..before });
    }
    let filter = filter_of(query, from, to);
    let total = api.fetch_yield(&filter, "").await?.into_iter().next().unwrap_or_default();
    let grouped = Filter { date_grouping: Some(if length > TimeDelta::hours(1) { 4 } else { 5 }), ..filter.clone() };
    let buckets = api.fetch_yield(&grouped, "period").await?;
    let failed = api.fetch_top_failed(&Filter { top_count: Some(STEPS), ..filter.clone() }).await?;
    let all_parts = Filter { part_number: None, test_operation: None, ..filter };
    let parts = api.fetch_yield(&all_parts, "partNumber").await?;
    let processes = api.fetch_processes().await?;
    let (part_number, process) = (query.part_number.clone(), query.process.clone());
    let hours = length.num_hours();
    let server_id = String::new();
    Ok(Rows {
        server_id,
        as_of: now,
        counted_at: now,
        from,
        to,
        part_number,
        process,
        hours,
        total,
        buckets,
        failed,
        recent,
        parts,
        processes,
    })
}

fn filter_of(query: &YieldQuery, from: DateTime<Utc>, to: DateTime<Utc>) -> Filter {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let time = |time: DateTime<Utc>| Some(time.to_rfc3339_opts(SecondsFormat::Secs, true));
    Filter {
        part_number: some(&query.part_number),
        test_operation: some(&query.process),
        date_from: time(from),
        date_to: time(to),
        ..Filter::default()
    }
}

fn recent_filter(query: &YieldQuery) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    let mut parts = Vec::new();
    if !query.part_number.is_empty() {
        parts.push(format!("partNumber eq '{}'", quoted(&query.part_number)));
    }
    match query.process.parse::<i64>() {
        Ok(code) => parts.push(format!("processCode eq {code}")),
        Err(_) if !query.process.is_empty() => parts.push(format!("processName eq '{}'", quoted(&query.process))),
        Err(_) => {}
    }
    parts.join(" and ")
}

impl Rows {
    pub(super) fn told_by(self, server_id: String) -> Rows {
        Rows { server_id, ..self }
    }

    /// Whether they answer this query, whenever they were fetched.
    pub(super) fn is_for(&self, query: &YieldQuery) -> bool {
        let hours = if query.period == Period::LastSevenDays { 24 } else { 1 };
        let eight = self.to - self.from == TimeDelta::hours(8);
        self.part_number == query.part_number
            && self.process == query.process
            && self.hours == hours
            && (query.period != Period::LastEightHours || eight)
    }

    pub(super) fn picture(&self, target: Option<f64>) -> YieldPicture {
        let total = rows::kpis_of(&self.total);
        let recent: Vec<_> = self.recent.iter().cloned().filter_map(rows::header_of).collect();
        let part_numbers: BTreeSet<String> = self.parts.iter().filter_map(|row| row.part_number.clone()).collect();
        let processes: BTreeMap<i64, String> =
            self.processes.iter().filter(|process| process.is_test_operation).map(|process| (process.code, process.name.clone())).collect();
        YieldPicture {
            as_of: self.as_of,
            from: self.from,
            to: self.to,
            total,
            buckets: self.buckets(),
            pareto: self.pareto(&total),
            failing_now: total.units - total.last_pass,
            last_report: recent.first().map(|header| header.start_utc()),
            recent,
            target,
            part_numbers: part_numbers.into_iter().collect(),
            processes,
        }
    }

    /// Every bucket of the window, also those in which nothing started.
    fn buckets(&self) -> Vec<Bucket> {
        let length = TimeDelta::hours(self.hours.clamp(1, 24));
        let told: BTreeMap<DateTime<Utc>, Kpis> =
            self.buckets.iter().filter_map(|row| Some((rows::period_of(row.period.as_deref()?)?, rows::kpis_of(row)))).collect();
        let starts = std::iter::successors(Some(self.from), |start| Some(*start + length)).take_while(|start| *start < self.to).take(400);
        let bucket = |start: DateTime<Utc>| {
            let end = start + length;
            let kpis = told.range(start..end).map(|(_, kpis)| *kpis).reduce(sum).unwrap_or_default();
            Bucket { start, end, kpis }
        };
        starts.map(bucket).collect()
    }

    fn pareto(&self, total: &Kpis) -> Vec<ParetoRow> {
        let listed: u64 = self.failed.iter().map(|row| row.fail_count).sum();
        let all = (total.units - total.first_pass).max(listed).max(1) as f64;
        let mut sorted: Vec<_> = self.failed.iter().filter(|row| row.fail_count > 0).collect();
        sorted.sort_by(|a, b| b.fail_count.cmp(&a.fail_count).then_with(|| a.step_path.cmp(&b.step_path)));
        let mut seen = 0;
        let row = |row: &TopFailedRow| {
            seen += row.fail_count;
            let step = if row.step_name.is_empty() { row.step_path.clone() } else { row.step_name.clone() };
            ParetoRow {
                step,
                path: row.step_path.clone(),
                cause: Cause::Step,
                units: row.fail_count,
                share: row.fail_count as f64 / all,
                cumulative: seen as f64 / all,
            }
        };
        sorted.into_iter().map(row).collect()
    }
}

fn sum(a: Kpis, b: Kpis) -> Kpis {
    Kpis {
        units: a.units + b.units,
        first_pass: a.first_pass + b.first_pass,
        second_pass: a.second_pass + b.second_pass,
        third_pass: a.third_pass + b.third_pass,
        last_pass: a.last_pass + b.last_pass,
        reports: a.reports + b.reports,
        reports_passed: a.reports_passed + b.reports_passed,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    pub(in crate::client::yields) fn rows() -> Rows {
        let bucket = |period: &str, units, fp| YieldRow {
            period: Some(period.to_owned()),
            unit_count: units,
            fp_count: fp,
            lp_count: units,
            ..YieldRow::default()
        };
        let failed = |name: &str, count| TopFailedRow { step_name: name.to_owned(), fail_count: count, ..TopFailedRow::default() };
        let (from, to, _) = window(Period::LastEightHours, at("2026-03-04T10:20:00Z"));
        Rows {
            server_id: "s1".to_owned(),
            as_of: at("2026-03-04T10:20:00Z"),
            counted_at: at("2026-03-04T10:20:00Z"),
            from,
            to,
            part_number: String::new(),
            process: String::new(),
            hours: 1,
            total: YieldRow { unit_count: 100, fp_count: 90, lp_count: 97, ..YieldRow::default() },
            buckets: vec![bucket("2026-03-04T09:00:00Z", 60, 54), bucket("2026-03-04T10:00:00Z", 40, 36)],
            failed: vec![failed("Leak", 2), failed("Voltage", 6)],
            recent: Vec::new(),
            parts: Vec::new(),
            processes: Vec::new(),
        }
    }

    #[test]
    fn a_picture_has_every_hour_and_its_pareto_adds_up() {
        let picture = rows().picture(Some(0.95));
        assert_eq!(picture.buckets.len(), 8);
        assert_eq!(picture.buckets.iter().map(|bucket| bucket.kpis.units).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 60, 40]);
        assert_eq!((picture.total.first_pass, picture.failing_now), (90, 3));
        let pareto: Vec<_> = picture.pareto.iter().map(|row| (row.step.as_str(), row.units)).collect();
        assert_eq!(pareto, [("Voltage", 6), ("Leak", 2)]);
        assert!((picture.pareto[1].cumulative - 0.8).abs() < 1e-9, "two of ten failing units failed nowhere in the list");
    }

    #[test]
    fn kept_rows_are_shown_only_for_the_query_they_answer() {
        let kept: Rows = serde_json::from_slice(&serde_json::to_vec(&rows()).unwrap()).unwrap();
        assert!(kept.is_for(&YieldQuery::default()));
        assert!(!kept.is_for(&YieldQuery { part_number: "X".to_owned(), ..YieldQuery::default() }));
        assert!(!kept.is_for(&YieldQuery { period: Period::LastSevenDays, ..YieldQuery::default() }));
    }

    #[test]
    fn windows_end_with_the_bucket_that_is_still_open() {
        let now = at("2026-03-04T10:20:00Z");
        let (from, to, _) = window(Period::LastEightHours, now);
        assert_eq!((from, to), (at("2026-03-04T03:00:00Z"), at("2026-03-04T11:00:00Z")));
        let (from, to, _) = window(Period::LastSevenDays, now);
        assert_eq!((from, to), (at("2026-02-26T00:00:00Z"), at("2026-03-05T00:00:00Z")));
        let (from, _, _) = window(Period::Today, now);
        assert!(from <= now && now - from < TimeDelta::hours(26));
    }
}
