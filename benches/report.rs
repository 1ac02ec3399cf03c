//! Reading and writing back reports, beside an untyped JSON value doing the same with the same bytes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use andon::domain::simulator::Line;
use andon::protocol::wsjf;
use chrono::DateTime;
use serde_json::Value;

const ROUNDS: usize = 7;

fn main() {
    let mut line = Line::new(1);
    let at = DateTime::UNIX_EPOCH;
    let mixed: Vec<String> = (0..300).map(|_| line.next(at)).collect();
    let large: Vec<String> = (0..20).map(|_| line.report_of(at, 5000)).collect();
    eprintln!("{:<22} {:>9} {:>14} {:>14} {:>8}", "report, read + write", "MB", "andon ms/MB", "value ms/MB", "ratio");
    for (name, texts) in [("mixed, 1-500 steps", &mixed), ("5000 steps each", &large)] {
        let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
        let (ours, value) =
            best_of_each(|| texts.iter().for_each(|text| round_trip(text)), || texts.iter().for_each(|text| value_round_trip(text)));
        let per_mb = |time: Duration| time.as_secs_f64() * 1e3 / megabytes;
        let ratio = ours.as_secs_f64() / value.as_secs_f64();
        eprintln!("{name:<22} {megabytes:>9.2} {:>14.2} {:>14.2} {ratio:>8.2}", per_mb(ours), per_mb(value));
    }
}

/// What is written back is the text, to the letter.
fn round_trip(text: &str) {
    let document = wsjf::read(text.as_bytes()).expect("a report");
    black_box(&document.report);
    black_box(document.text.into_bytes());
}

fn value_round_trip(text: &str) {
    let value: Value = serde_json::from_slice(text.as_bytes()).expect("JSON");
    black_box(serde_json::to_vec(black_box(&value)).expect("JSON"));
}

/// The best time of each, taken in turns.
fn best_of_each(mut a: impl FnMut(), mut b: impl FnMut()) -> (Duration, Duration) {
    let time = |act: &mut dyn FnMut()| {
        let start = Instant::now();
        act();
        start.elapsed()
    };
    (0..ROUNDS).map(|_| (time(&mut a), time(&mut b))).reduce(|m, n| (m.0.min(n.0), m.1.min(n.1))).expect("rounds")
}
