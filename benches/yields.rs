//! One full question over a million reports, beside a plain sort and scan of the same rows.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration as Elapsed, Instant};

use andon::domain::report::{FailedStep, Status};
use andon::domain::yields::{Dimension, Run, RunTable, Selection};
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

const REPORTS: u64 = 1_000_000;
const HOURS: i64 = 24 * 30;
const ROUNDS: usize = 5;

fn main() {
    let runs: Vec<Run> = (0..REPORTS).map(run).collect();
    let mut table = RunTable::new();
    let load = time(|| runs.iter().cloned().for_each(|run| table.insert(run)));
    let edges: Vec<DateTime<Utc>> = (0..=HOURS).map(|hour| DateTime::UNIX_EPOCH + Duration::hours(hour)).collect();
    let all = Selection::default();
    let full = best(|| drop(black_box(table.overview(&all, &edges))));
    let plain = best(|| drop(black_box(sort_and_scan(&runs, &edges))));
    let past = Selection { as_of: Some(edges[edges.len() / 2]), ..Selection::default() };
    let grouped = best(|| drop(black_box(table.groups(&all, &[Dimension::PartNumber, Dimension::Station, Dimension::Process], &[]))));
    let overview = table.overview(&all, &edges);
    assert_eq!(
        overview.buckets.iter().map(|bucket| (bucket.kpis.units, bucket.kpis.first_pass)).collect::<Vec<_>>(),
        sort_and_scan(&runs, &edges)
    );
    let ms = |time: Elapsed| time.as_secs_f64() * 1e3;
    eprintln!("yields of {REPORTS} reports, {} units, {HOURS} hourly buckets", overview.kpis.units);
    eprintln!("{:<34} {:>10}", "", "ms");
    eprintln!("{:<34} {:>10.1}", "load into the table", ms(load));
    eprintln!("{:<34} {:>10.1}   aim < 50", "numbers, buckets and Pareto", ms(full));
    eprintln!("{:<34} {:>10.1}", "the same as of half-way", ms(best(|| drop(black_box(table.overview(&past, &edges))))));
    eprintln!("{:<34} {:>10.1}", "by part, station and process", ms(grouped));
    eprintln!("{:<34} {:>10.1}   {:.1} times the table's", "plain sort and scan, buckets only", ms(plain), ms(plain) / ms(full));
}

/// About one unit in ten comes back, some seconds to hours later.
fn run(i: u64) -> Run {
    let noise = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let unit = if noise.is_multiple_of(11) { i.saturating_sub(1 + noise % 5000) } else { i };
    let failed = noise % 100 < 6;
    let step = format!("Step {}", noise % 40);
    Run {
        report_id: Uuid::from_u64_pair(noise, i),
        part_number: format!("PART-{}", unit % 20),
        serial_number: format!("SN-{unit:08}"),
        revision: "A".to_owned(),
        station: format!("ST-{:02}", noise % 12),
        process_code: 100 + (unit % 3) as i64,
        start: DateTime::UNIX_EPOCH + Duration::milliseconds(i as i64 * HOURS * 3_600_000 / REPORTS as i64),
        result: if failed { Status::Failed } else { Status::Passed },
        failed_step: failed.then(|| FailedStep { name: step.clone(), path: step, ..FailedStep::default() }),
    }
}

/// Units and first passes an hour, the plain way.
fn sort_and_scan(runs: &[Run], edges: &[DateTime<Utc>]) -> Vec<(u64, u64)> {
    let mut order: Vec<&Run> = runs.iter().collect();
    order.sort_by_key(|run| (run.start, run.report_id));
    let mut seen: HashMap<(&str, &str, i64), ()> = HashMap::new();
    let mut hours = vec![(0, 0); edges.len() - 1];
    for run in order {
        if seen.insert((&run.part_number, &run.serial_number, run.process_code), ()).is_none() {
            let hour = edges.partition_point(|edge| *edge <= run.start) - 1;
            hours[hour].0 += 1;
            hours[hour].1 += u64::from(run.result == Status::Passed);
        }
    }
    hours
}

fn time(act: impl FnOnce()) -> Elapsed {
    let start = Instant::now();
    act();
    start.elapsed()
}

fn best(act: impl Fn()) -> Elapsed {
    (0..ROUNDS).map(|_| time(&act)).min().expect("rounds")
}
