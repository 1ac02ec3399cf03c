//! The table against the worked example and against a slow recount that follows the definitions word for word.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::report::{FailedStep, Status};

fn at(hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 4, hour, minute, second).unwrap()
}

fn run(id: u128, serial: &str, start: DateTime<Utc>, result: Status) -> Run {
    let step = |name: &str| FailedStep { name: name.to_owned(), path: format!("Main/{name}"), ..FailedStep::default() };
    Run {
        report_id: Uuid::from_u128(id),
        part_number: "PSU-48V".to_owned(),
        serial_number: serial.to_owned(),
        revision: "B".to_owned(),
        station: "EOL-01".to_owned(),
        process_code: 100,
        start,
        result,
        failed_step: (result == Status::Failed).then(|| step("Leak")),
    }
}

fn table(runs: impl IntoIterator<Item = Run>) -> RunTable {
    let mut table = RunTable::new();
    runs.into_iter().for_each(|run| table.insert(run));
    table
}

fn hours(from: u32, to: u32) -> Vec<DateTime<Utc>> {
    (from..=to).map(|hour| at(hour, 0, 0)).collect()
}

#[test]
fn a_retest_after_the_hour_counts_for_the_hour_of_the_first_run() {
    let table = table([run(1, "A", at(13, 59, 59), Status::Failed), run(2, "A", at(14, 0, 0), Status::Passed)]);
    let [earlier, later] = table.buckets(&Selection::default(), &hours(13, 15))[..] else { panic!("two buckets") };
    assert_eq!((earlier.kpis.units, earlier.kpis.first_pass, earlier.kpis.second_pass, earlier.kpis.reports), (1, 0, 1, 1));
    assert_eq!((later.kpis.units, later.kpis.reports, later.kpis.reports_passed, later.kpis.fpy()), (0, 1, 1, None));
}

#[test]
fn a_start_exactly_at_midnight_belongs_to_the_next_day() {
    let midnight = at(0, 0, 0);
    let table = table([run(1, "A", midnight - Duration::milliseconds(1), Status::Passed), run(2, "B", midnight, Status::Passed)]);
    let days = [midnight - Duration::days(1), midnight, midnight + Duration::days(1)];
    let units: Vec<u64> = table.buckets(&Selection::default(), &days).iter().map(|day| day.kpis.units).collect();
    assert_eq!(units, [1, 1]);
    let today = Selection { from: Some(midnight), ..Selection::default() };
    assert_eq!(table.kpis(&today).units, 1);
}

#[test]
fn runs_that_start_together_are_ordered_by_report_id() {
    let start = at(8, 0, 0);
    for ids in [[1, 2], [2, 1]] {
        let table = table(ids.map(|id| run(id, "A", start, if id == 1 { Status::Passed } else { Status::Failed })));
        let kpis = table.kpis(&Selection::default());
        assert_eq!((kpis.first_pass, kpis.last_pass), (1, 0));
        assert_eq!((table.run_number(Uuid::from_u128(1)), table.run_number(Uuid::from_u128(2))), (Some(1), Some(2)));
    }
}

#[test]
fn a_report_delivered_again_replaces_itself_and_a_late_one_moves_the_first_run() {
    let mut table = table([run(1, "A", at(9, 0, 0), Status::Passed), run(1, "A", at(9, 0, 0), Status::Failed)]);
    assert_eq!((table.len(), table.kpis(&Selection::default()).first_pass), (1, 0));
    table.insert(run(2, "A", at(7, 30, 0), Status::Passed));
    let buckets = table.buckets(&Selection::default(), &hours(7, 10));
    assert_eq!(
        buckets.iter().map(|b| (b.kpis.units, b.kpis.first_pass, b.kpis.reports)).collect::<Vec<_>>(),
        [(1, 1, 1), (0, 0, 0), (0, 0, 1)]
    );
    assert_eq!(table.run_number(Uuid::from_u128(1)), Some(2));
    assert!(table.remove(Uuid::from_u128(2)) && !table.remove(Uuid::from_u128(2)));
    assert_eq!(table.run_number(Uuid::from_u128(1)), Some(1));
    assert!(table.remove(Uuid::from_u128(1)) && table.is_empty());
    assert_eq!(table.kpis(&Selection::default()), Kpis::default());
}

#[test]
fn what_starts_at_as_of_or_later_is_not_known_yet() {
    let table = table([
        run(1, "A", at(9, 0, 0), Status::Failed),
        run(2, "A", at(10, 0, 0), Status::Passed),
        run(3, "B", at(10, 0, 0), Status::Passed),
    ]);
    let known = |as_of| table.kpis(&Selection { as_of: Some(as_of), ..Selection::default() });
    assert_eq!((known(at(10, 0, 0)).units, known(at(10, 0, 0)).last_pass, known(at(10, 0, 0)).reports), (1, 0, 1));
    assert_eq!((known(at(10, 0, 1)).units, known(at(10, 0, 1)).last_pass), (2, 2));
}

#[test]
fn a_station_that_only_retests_has_reports_but_no_units() {
    let retest = Run { station: "RETEST".to_owned(), ..run(2, "A", at(10, 0, 0), Status::Passed) };
    let table = table([run(1, "A", at(9, 0, 0), Status::Failed), retest]);
    let of = |station: &str| table.kpis(&Selection { station: Some(Pattern::parse(station)), ..Selection::default() });
    assert_eq!((of("RETEST").units, of("RETEST").reports_passed), (0, 1));
    assert_eq!((of("EOL%").units, of("EOL%").last_pass, of("EOL%").reports), (1, 1, 1));
}

#[test]
fn one_serial_number_in_two_processes_is_two_units() {
    let other = Run { process_code: 200, ..run(2, "A", at(10, 0, 0), Status::Passed) };
    let table = table([run(1, "A", at(9, 0, 0), Status::Failed), other]);
    assert_eq!(table.kpis(&Selection::default()).units, 2);
    let groups = table.groups(&Selection::default(), &[Dimension::Process], &[]);
    let rows: Vec<_> = groups.iter().map(|g| (g.process_code, g.kpis.units, g.kpis.first_pass)).collect();
    assert_eq!(rows, [(Some(100), 1, 0), (Some(200), 1, 1)]);
}

#[test]
fn the_pareto_lists_station_errors_apart() {
    let failed = |id, step: &str| Run {
        failed_step: Some(FailedStep { name: step.to_owned(), path: step.to_owned(), ..FailedStep::default() }),
        ..run(id, &format!("S{id}"), at(9, 0, id as u32), Status::Failed)
    };
    let mut runs = vec![failed(1, "Rails"), failed(2, "Leak"), failed(3, "Leak"), failed(4, "Boot")];
    runs.push(run(5, "S5", at(9, 1, 0), Status::Error));
    runs.push(run(6, "S6", at(9, 1, 0), Status::Terminated));
    runs.push(run(7, "S7", at(9, 1, 0), Status::Passed));
    runs.push(Run { serial_number: "S7".to_owned(), ..failed(8, "Rails") });
    let rows = table(runs).pareto(&Selection { to: Some(at(10, 0, 0)), ..Selection::default() });
    // S7 ran at 9:00:08 first and failed in Rails, then passed at 9:01.
    let told: Vec<_> = rows.iter().map(|row| (row.step.as_str(), row.cause, row.units)).collect();
    let expected = [
        ("Leak", Cause::Step, 2),
        ("Rails", Cause::Step, 2),
        ("Boot", Cause::Step, 1),
        ("", Cause::StationError, 1),
        ("", Cause::Terminated, 1),
    ];
    assert_eq!(told, expected);
    assert!((rows[0].share - 2.0 / 7.0).abs() < 1e-12 && rows[4].cumulative == 1.0);
}

#[test]
fn failing_now_knows_the_newest_first() {
    let mut runs = vec![run(1, "A", at(9, 0, 0), Status::Failed), run(2, "A", at(9, 5, 0), Status::Passed)];
    runs.extend([
        run(3, "B", at(9, 1, 0), Status::Passed),
        run(4, "B", at(9, 6, 0), Status::Failed),
        run(5, "C", at(9, 7, 0), Status::Error),
    ]);
    let table = table(runs);
    let told: Vec<_> = table.failing_now(&Selection::default(), 10).into_iter().map(|unit| (unit.serial_number, unit.runs)).collect();
    assert_eq!(told, [("C".to_owned(), 1), ("B".to_owned(), 2)]);
    assert_eq!(table.failing_now(&Selection::default(), 1).len(), 1);
}

#[test]
fn patterns_are_or_anything_and_one_character() {
    let matches = |pattern: &str, text: &str| Pattern::parse(pattern).matches(text);
    assert!(matches("PSU-%", "PSU-48V") && matches("A;%48V", "PSU-48V") && matches("PSU-__V", "PSU-48V") && matches("", "x"));
    assert!(!matches("PSU", "PSU-48V") && !matches("psu-%", "PSU-48V") && !matches("PSU-_V", "PSU-48V"));
    assert!(matches("%a%b%", "xxaybz") && !matches("%a%b", "xxaybz") && matches("Łó_ź", "Łódź"));
}

#[test]
fn a_route_without_units_in_one_process_has_no_rolled_yield() {
    let half = Kpis { units: 2, first_pass: 1, ..Kpis::default() };
    assert_eq!(rolled(&[half, half]), Some(0.25));
    assert_eq!((rolled(&[half, Kpis::default()]), rolled(&[])), (None, None));
}

#[test]
fn forty_five_of_fifty_is_not_below_95_percent() {
    let kpis = Kpis { units: 50, first_pass: 45, ..Kpis::default() };
    let interval = kpis.fpy_interval().unwrap();
    assert!((interval.low - 0.786).abs() < 5e-4 && (interval.high - 0.957).abs() < 5e-4, "{interval:?}");
    assert_eq!(judge(&kpis, Some(0.95)), Verdict::OnTarget);
    assert_eq!(judge(&kpis, Some(0.96)), Verdict::BelowTarget);
}

#[test]
fn an_empty_period_has_no_yield_rather_than_none_passed() {
    let kpis = Kpis::default();
    assert_eq!((kpis.fpy(), kpis.lpy(), kpis.fpy_interval()), (None, None, None));
    assert_eq!(judge(&kpis, Some(0.95)), Verdict::TooFewUnits);
}

/// Counts as the definitions read: sort each unit's known runs, look at the first, then at all.
fn recount(runs: &BTreeMap<u128, Run>, from: DateTime<Utc>, to: DateTime<Utc>, as_of: DateTime<Utc>, station: Option<&str>) -> Kpis {
    let mut units: BTreeMap<(&str, &str, i64), Vec<&Run>> = BTreeMap::new();
    let known = || runs.values().filter(|run| run.start < as_of);
    for run in known() {
        units.entry((&run.part_number, &run.serial_number, run.process_code)).or_default().push(run);
    }
    let selected = |run: &Run| run.start >= from && run.start < to && station.is_none_or(|station| run.station == station);
    let mut kpis = Kpis::default();
    for runs in units.values_mut() {
        runs.sort_by_key(|run| (run.start, run.report_id));
        if selected(runs[0]) {
            let passed = |n: usize| u64::from(runs.iter().take(n).any(|run| run.result == Status::Passed));
            kpis.units += 1;
            kpis.first_pass += passed(1);
            kpis.second_pass += passed(2);
            kpis.third_pass += passed(3);
            kpis.last_pass += u64::from(runs.last().is_some_and(|run| run.result == Status::Passed));
        }
    }
    kpis.reports = known().filter(|run| selected(run)).count() as u64;
    kpis.reports_passed = known().filter(|run| selected(run) && run.result == Status::Passed).count() as u64;
    kpis
}

/// A report id, and its run as serial number, minute, result and station; none where the report is taken away.
type Act = (u128, Option<(u8, u8, u8, u8)>);

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let words = (0..6_u8, 0..40_u8, 0..6_u8, 0..3_u8);
    prop::collection::vec((0..30_u128, prop::option::weighted(0.85, words)), 0..80)
}

proptest! {
    #[test]
    fn the_table_counts_like_the_slow_recount(acts in acts(), from in 0..40_i64, length in 0..40_i64, as_of in 0..60_i64) {
        let time = |minute: i64| at(6, 0, 0) + Duration::minutes(minute);
        let results = [Status::Passed, Status::Failed, Status::Error, Status::Terminated, Status::Done, Status::Passed];
        let (mut table, mut runs) = (RunTable::new(), BTreeMap::new());
        for (id, words) in acts {
            match words {
                Some((serial, minute, result, station)) => {
                    let run = Run {
                        station: format!("ST{station}"),
                        process_code: i64::from(serial % 2),
                        ..run(id, &format!("S{}", serial / 2), time(minute.into()), results[result as usize])
                    };
                    table.insert(run.clone());
                    runs.insert(id, run);
                }
                None => prop_assert_eq!(table.remove(Uuid::from_u128(id)), runs.remove(&id).is_some()),
            }
        }
        prop_assert_eq!(table.len(), runs.len());
        let (from, to, as_of) = (time(from), time(from + length), time(as_of));
        for station in [None, Some("ST1")] {
            let selection = Selection { from: Some(from), to: Some(to), as_of: Some(as_of), station: station.map(Pattern::parse), ..Selection::default() };
            prop_assert_eq!(table.kpis(&selection), recount(&runs, from, to, as_of, station));
            let middle = from + (to - from) / 2;
            let mut sum = Kpis::default();
            for bucket in table.buckets(&selection, &[from, middle, to]) {
                prop_assert_eq!(bucket.kpis, recount(&runs, bucket.start, bucket.end, as_of, station));
                sum += bucket.kpis;
            }
            prop_assert_eq!(sum, table.kpis(&selection));
            let mut grouped = Kpis::default();
            for group in table.groups(&selection, &[Dimension::Station, Dimension::Process, Dimension::Period], &[from, middle, to]) {
                let own = Selection { station: group.station.as_deref().map(Pattern::parse), processes: group.process_code.map(|code| vec![code]), ..selection.clone() };
                let bucket = table.buckets(&own, &[from, middle, to]).into_iter().find(|bucket| Some(bucket.start) == group.period).unwrap();
                prop_assert_eq!(group.kpis, bucket.kpis);
                grouped += group.kpis;
            }
            prop_assert_eq!(grouped, sum);
            let failing: u64 = table.pareto(&selection).iter().map(|row| row.units).sum();
            prop_assert_eq!(failing, sum.units - sum.first_pass);
            prop_assert_eq!(table.failing_now(&selection, usize::MAX).len() as u64, sum.units - sum.last_pass);
        }
        for (id, run) in &runs {
            let before = runs.values().filter(|r| (&r.serial_number, r.process_code) == (&run.serial_number, run.process_code) && (r.start, r.report_id) < (run.start, run.report_id));
            prop_assert_eq!(table.run_number(Uuid::from_u128(*id)), Some(before.count() as u64 + 1));
            prop_assert!(table.history(&run.part_number, &run.serial_number, run.process_code).contains(run));
        }
    }
}
