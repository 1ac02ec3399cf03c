//! The calendar of yields: hours to years, in UTC.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Timelike, Utc};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Grouping {
    Year,
    Quarter,
    Month,
    /// From Monday.
    Week,
    Day,
    Hour,
}

impl Grouping {
    /// By its number on the wire.
    pub(in crate::server) fn of_wire(number: i64) -> Option<Grouping> {
        const ALL: [Grouping; 6] = [Grouping::Year, Grouping::Quarter, Grouping::Month, Grouping::Week, Grouping::Day, Grouping::Hour];
        ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Start of the period that `time` is in.
    pub(in crate::server) fn start(self, time: DateTime<Utc>) -> DateTime<Utc> {
        let day = time.date_naive();
        let first_of = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        match self {
            Grouping::Year => midnight(first_of(1)),
            Grouping::Quarter => midnight(first_of(day.month0() / 3 * 3 + 1)),
            Grouping::Month => midnight(first_of(day.month())),
            Grouping::Week => midnight(day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))),
            Grouping::Day => midnight(day),
            Grouping::Hour => midnight(day) + TimeDelta::hours(i64::from(time.hour())),
        }
    }

    /// The start `count` periods before the one that starts at `start`.
    pub(in crate::server) fn before(self, start: DateTime<Utc>, count: i64) -> DateTime<Utc> {
        let months = |each: u32| start.checked_sub_months(Months::new(each.saturating_mul(count.clamp(0, 24_000) as u32))).unwrap_or(start);
        match self {
            Grouping::Year => months(12),
            Grouping::Quarter => months(3),
            Grouping::Month => months(1),
            Grouping::Week => start - TimeDelta::weeks(count),
            Grouping::Day => start - TimeDelta::days(count),
            Grouping::Hour => start - TimeDelta::hours(count),
        }
    }

    fn after(self, start: DateTime<Utc>) -> DateTime<Utc> {
        let months = |each: u32| start.checked_add_months(Months::new(each)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        match self {
            Grouping::Year => months(12),
            Grouping::Quarter => months(3),
            Grouping::Month => months(1),
            Grouping::Week => start + TimeDelta::weeks(1),
            Grouping::Day => start + TimeDelta::days(1),
            Grouping::Hour => start + TimeDelta::hours(1),
        }
    }

    /// Starts of all periods that touch `from` to `to`, and the end of the last. `None` for more than `limit` of them.
    pub(in crate::server) fn edges(self, from: DateTime<Utc>, to: DateTime<Utc>, limit: usize) -> Option<Vec<DateTime<Utc>>> {
        let mut edges = vec![self.start(from)];
        while edges.last().is_some_and(|last| *last <= to) {
            if edges.len() > limit {
                return None;
            }
            edges.push(self.after(*edges.last()?));
        }
        Some(edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn periods_start_where_the_calendar_says() {
        let now = time("2026-11-22T17:24:38.5Z");
        for (number, start) in [
            "2026-01-01T00:00:00Z",
            "2026-10-01T00:00:00Z",
            "2026-11-01T00:00:00Z",
            "2026-11-16T00:00:00Z",
            "2026-11-22T00:00:00Z",
            "2026-11-22T17:00:00Z",
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(Grouping::of_wire(number as i64).unwrap().start(now), time(start));
        }
        assert_eq!((Grouping::of_wire(6), Grouping::of_wire(-2)), (None, None));
        assert_eq!(Grouping::Month.before(time("2026-03-01T00:00:00Z"), 13), time("2025-02-01T00:00:00Z"));
    }

    #[test]
    fn edges_hold_the_whole_span_and_have_a_bound() {
        let edges = Grouping::Hour.edges(time("2026-01-01T10:30:00Z"), time("2026-01-01T12:00:00Z"), 100).unwrap();
        assert_eq!(edges, ["2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"].map(time));
        assert_eq!(Grouping::Hour.edges(time("1970-01-01T00:00:00Z"), time("2026-01-01T12:00:00Z"), 100), None);
    }

    proptest! {
        #[test]
        fn every_time_lies_in_its_own_period(seconds in -62_000_000_000i64..250_000_000_000, number in 0i64..6) {
            let (time, grouping) = (DateTime::from_timestamp(seconds, 0).unwrap(), Grouping::of_wire(number).unwrap());
            let start = grouping.start(time);
            prop_assert!(start <= time && time < grouping.after(start));
            prop_assert_eq!(grouping.start(start), start);
            prop_assert_eq!(grouping.before(grouping.after(start), 1), start);
        }
    }
}
