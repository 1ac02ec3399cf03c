//! Durable acceptance of reports, beside a plain append and fsync of the same bytes on the same file system.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use andon::client::{Accepted, Limits, Queue, Submission};
use andon::domain::simulator::Line;
use andon::protocol::wsjf;
use andon::support::clock::Clock;
use chrono::DateTime;

const ROUNDS: usize = 9;
const REPORTS: usize = 400;
const PRODUCERS: usize = 16;

fn main() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the build");
    let mut line = Line::new(7);
    let mut rounds = Vec::new();
    let mut megabytes = 0.0;
    // The queue lives on through all rounds, as it does on a station: its file grows to thousands of reports.
    let queue = Queue::open(&place.path().join("queue"), Clock::system(), Limits::default()).expect("a queue");
    for _ in 0..ROUNDS {
        let (alone, many) = (reports(&mut line), reports(&mut line));
        megabytes += alone.iter().map(|report| report.text.len()).sum::<usize>() as f64 / 1e6;
        let (beside_alone, beside_many) = (plain(place.path(), &alone), plain(place.path(), &many));
        rounds.push([beside_alone, one_producer(&queue, alone), beside_many, many_producers(&queue, many)]);
    }
    let average = megabytes * 1e3 / (ROUNDS * REPORTS) as f64;
    eprintln!("{REPORTS} reports of {average:.1} kB on average, {ROUNDS} rounds, medians; {} lie in the queue", queue.totals().waiting);
    eprintln!("{:<34} {:>12} {:>12} {:>8} {:>8}", "durable acceptance, reports/s", "write+fsync", "queue", "ratio", "aim");
    row("one producer", &rounds, [0, 1], 0.8);
    row(&format!("{PRODUCERS} producers against one writer"), &rounds, [2, 3], 3.0);
}

fn reports(line: &mut Line) -> Vec<Submission> {
    let one = |_| {
        let text = line.next(DateTime::UNIX_EPOCH);
        let header = wsjf::read_header(&text).expect("a report");
        Submission::new(&header, text, "bench")
    };
    (0..REPORTS).map(one).collect()
}

/// One writer that appends each report to a file and waits until it is on the disk.
fn plain(place: &Path, reports: &[Submission]) -> Duration {
    let path = place.join("plain");
    let mut file = File::options().create(true).append(true).open(path).expect("a file");
    let start = Instant::now();
    for report in reports {
        file.write_all(report.text.as_bytes()).expect("room");
        file.sync_all().expect("a disk");
    }
    start.elapsed()
}

fn one_producer(queue: &Queue, reports: Vec<Submission>) -> Duration {
    let start = Instant::now();
    for report in reports {
        assert_eq!(queue.enqueue_blocking(report), Ok(Accepted::New));
    }
    start.elapsed()
}

fn many_producers(queue: &Queue, mut reports: Vec<Submission>) -> Duration {
    let share = REPORTS / PRODUCERS;
    let shares: Vec<Vec<Submission>> = (0..PRODUCERS).map(|_| reports.split_off(reports.len() - share)).collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| one_producer(queue, share));
        }
    });
    start.elapsed()
}

fn row(name: &str, rounds: &[[Duration; 4]], [base, ours]: [usize; 2], aim: f64) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let rate = |column: usize| median(rounds.iter().map(|round| REPORTS as f64 / round[column].as_secs_f64()).collect());
    // The ratio of each round by itself: what else the disk does then weighs on both.
    let ratio = median(rounds.iter().map(|round| round[base].as_secs_f64() / round[ours].as_secs_f64()).collect());
    eprintln!("{name:<34} {:>12.0} {:>12.0} {ratio:>8.2} {aim:>8.1}", rate(base), rate(ours));
}
