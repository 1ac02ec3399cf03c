//! Rows of the wire as the domain's words.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::domain::report::{Header, ReportKind, Status};
use crate::domain::yields::Kpis;
use crate::protocol::wats::{ReportHeader, YieldRow};

/// A row of the list of reports; `None` where it lacks what makes it one.
pub(super) fn header_of(row: ReportHeader) -> Option<Header> {
    Some(Header {
        id: row.uuid.parse().ok()?,
        kind: if row.report_type == "R" { ReportKind::Repair } else { ReportKind::Test },
        part_number: row.part_number,
        serial_number: row.serial_number,
        revision: row.revision.unwrap_or_default(),
        process_code: row.process_code.unwrap_or_default(),
        process_name: row.process_name.unwrap_or_default(),
        result: Status::parse(&row.result)?,
        station: row.station_name.unwrap_or_default(),
        location: row.location.unwrap_or_default(),
        purpose: row.purpose.unwrap_or_default(),
        operator: row.operator.unwrap_or_default(),
        start: row.start_utc?.fixed_offset(),
    })
}

/// The counts of a yield row. Where a server tells percentages alone, the counts follow from them.
pub(super) fn kpis_of(row: &YieldRow) -> Kpis {
    let units = row.unit_count;
    let count = |count: u64, percent: Option<f64>| match percent {
        Some(percent) if count == 0 && percent > 0.0 => ((percent.min(100.0) / 100.0 * units as f64).round() as u64).min(units),
        _ => count.min(units),
    };
    let reports = row.test_report_count.unwrap_or_default();
    let passed = || row.test_yield.map(|percent| (percent.clamp(0.0, 100.0) / 100.0 * reports as f64).round() as u64);
    Kpis {
        units,
        first_pass: count(row.fp_count, row.fpy),
        second_pass: count(row.sp_count, row.spy),
        third_pass: count(row.tp_count, row.tpy),
        last_pass: count(row.lp_count, row.lpy),
        reports,
        reports_passed: row.test_report_passed_count.or_else(passed).unwrap_or_default().min(reports),
    }
}

/// The start of a bucket. A time without an offset is UTC.
pub(super) fn period_of(text: &str) -> Option<DateTime<Utc>> {
    let naive = || {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
    };
    let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok().or_else(|| Some(naive().or_else(day)?.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_from_percentages_where_a_server_tells_no_counts() {
        let row = YieldRow { unit_count: 40, fpy: Some(92.5), lpy: Some(100.0), ..YieldRow::default() };
        let kpis = kpis_of(&row);
        assert_eq!((kpis.first_pass, kpis.second_pass, kpis.last_pass), (37, 0, 40));
        let row = YieldRow { unit_count: 40, fp_count: 36, fpy: Some(92.5), ..YieldRow::default() };
        assert_eq!(kpis_of(&row).first_pass, 36, "counts come first");
    }

    #[test]
    fn buckets_start_where_the_text_says() {
        let expected = "2026-03-04T07:00:00Z".parse::<DateTime<Utc>>().ok();
        for text in ["2026-03-04T07:00:00Z", "2026-03-04T08:00:00+01:00", "2026-03-04T07:00:00", "2026-03-04 07:00"] {
            assert_eq!(period_of(text), expected, "{text}");
        }
        assert_eq!(period_of("week 9"), None);
    }
}
