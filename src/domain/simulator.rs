//! A line that is not there: test reports as real stations write them, the same for the same seed.
//! It takes its time from outside and its chance from the seed, so that it can be repeated.

mod sequence;

use std::collections::VecDeque;
use std::fmt::Write;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use uuid::Uuid;

use self::sequence::{Sequence, escaped};
use super::report::Status;

const PROCESSES: [(i64, &str); 3] = [(110, "Functional test"), (120, "Leak test"), (100, "End of line test")];

/// Code and name of the processes a unit passes, in their order, to be made known to a server. A fresh one knows 100.
pub fn processes() -> [(i64, &'static str); 3] {
    PROCESSES
}

/// Product: part number, revision, mark of its serial numbers.
const PRODUCTS: [(&str, &str, &str); 2] = [("VALVE-12", "C", "V12"), ("PUMP-48V", "B", "P48")];
const STATIONS: [[&str; 2]; 3] = [["FCT-01", "FCT-02"], ["LEAK-01", "LEAK-02"], ["EOL-01", "EOL-02"]];
const OPERATORS: [&str; 5] = ["Agnieszka Żak", "Jürgen Groß", "op7", "Łukasz Wójcik", "Ingrid Sørensen"];
const COMMENTS: [&str; 6] = [
    "",
    "Uszczelka wymieniona – źdźbło usunięte",
    "Dichtung geprüft, größerer Drehmoment",
    "retest after \"cleaning\" 🔧\tok",
    "Überprüft ✅",
    "ciśnienie spadło: 3½ bar → 3 bar",
];

/// Retests a unit gets before it is scrapped.
const MAX_RETESTS: u32 = 3;
/// Reports in which the leak rate drifts from good to bad, until the fixture is cleaned.
pub const DRIFT_PERIOD: u64 = 400;

/// The simulated line: units on their way from process to process.
#[derive(Clone, Debug)]
pub struct Line {
    random: Random,
    made: u64,
    waiting: VecDeque<Job>,
}

/// A unit that waits for its next run.
#[derive(Clone, Debug)]
struct Job {
    product: usize,
    serial: String,
    process: usize,
    retests: u32,
}

impl Line {
    pub fn new(seed: u64) -> Line {
        Line { random: Random(seed), made: 0, waiting: VecDeque::new() }
    }

    /// The next report of the line, started at `at`. About one in twenty first runs fails.
    pub fn next(&mut self, at: DateTime<Utc>) -> String {
        let steps = match self.random.below(100) {
            0..3 => 1,
            3..80 => 12 + self.random.below(30) as usize,
            80..97 => 40 + self.random.below(120) as usize,
            _ => 160 + self.random.below(341) as usize,
        };
        self.report_of(at, steps)
    }

    /// The next report of the line, with exactly `steps` steps, the root included; at least one.
    pub fn report_of(&mut self, at: DateTime<Utc>, steps: usize) -> String {
        let job = self.take_job();
        let result = self.result(&job);
        let sequence = Sequence::new(&mut self.random, result, steps.max(1));
        let (root, seconds) = sequence.write(job.process == 1, self.made);
        let text = self.head(&job, result, at, seconds, &root);
        self.put_back(job, result);
        text
    }

    fn take_job(&mut self) -> Job {
        self.made += 1;
        let crowded = self.waiting.len() > 12 || (self.waiting.len() > 3 && self.random.chance(0.7));
        match crowded.then(|| self.waiting.pop_front()).flatten() {
            Some(job) => job,
            None => {
                let product = self.random.below(PRODUCTS.len() as u64) as usize;
                let serial = format!("{}-{:04x}-{:06}", PRODUCTS[product].2, self.random.below(0x10000), self.made);
                Job { product, serial, process: 0, retests: 0 }
            }
        }
    }

    fn result(&mut self, job: &Job) -> Status {
        let drift = (self.made % DRIFT_PERIOD) as f64 / DRIFT_PERIOD as f64;
        let failing = match (job.retests, job.process) {
            (0, 1) => 0.02 + 0.1 * drift * drift,
            (0, _) => 0.04,
            _ => 0.3,
        };
        match self.random.unit() {
            x if x < failing => Status::Failed,
            x if x < failing + 0.004 => Status::Error,
            x if x < failing + 0.006 => Status::Terminated,
            _ => Status::Passed,
        }
    }

    fn put_back(&mut self, job: Job, result: Status) {
        if result != Status::Passed && job.retests < MAX_RETESTS {
            self.waiting.push_back(Job { retests: job.retests + 1, ..job });
        } else if result == Status::Passed && job.process + 1 < PROCESSES.len() {
            self.waiting.push_back(Job { process: job.process + 1, retests: 0, ..job });
        }
    }

    fn head(&mut self, job: &Job, result: Status, at: DateTime<Utc>, seconds: f64, root: &str) -> String {
        let random = &mut self.random;
        let (part, revision, _) = PRODUCTS[job.product];
        let (code, name) = PROCESSES[job.process];
        let id = uuid::Builder::from_random_bytes(Uuid::from_u64_pair(random.next(), random.next()).into_bytes()).into_uuid();
        let start = start_text(at, random);
        let (letter, serial) = (result.letter(), &job.serial);
        let station = random.pick(&STATIONS[job.process]);
        let (operator, comment) = (escaped(random.pick(&OPERATORS)), escaped(if random.chance(0.2) { random.pick(&COMMENTS) } else { "" }));
        let (socket, lot, firmware) = (random.below(4), random.below(90), random.below(9));
        let vendor = if random.chance(0.5) { r#","vendorData":{"cell":"A\u0142","torque":[4.10,1e-3,1E+2],"empty":null}"# } else { "" };
        let error = if result == Status::Error { r#","errorCode":-17500,"errorMessage":"Gerät antwortet nicht""# } else { "" };
        let mut text = String::with_capacity(root.len() + 900);
        _ = write!(
            text,
            r#"{{"id":"{id}","type":"T","pn":"{part}","sn":"{serial}","rev":"{revision}","processCode":{code},"processName":"{name}","#
        );
        _ = write!(
            text,
            r#""result":"{letter}","machineName":"{station}","location":"Hala 2 – Łódź","purpose":"Production","start":"{start}"{vendor},"#
        );
        _ = write!(text, r#""uut":{{"user":"{operator}","fixtureId":"FX-{socket}","testSocketIndex":{socket},"batchSN":"LOT-{lot}","#);
        _ = write!(
            text,
            r#""execTime":{seconds:.3},"comment":"{comment}"{error}}},"miscInfos":[{{"description":"Firmware","text":"1.4.{firmware}"}},"#
        );
        _ = write!(text, r#"{{"description":"Luftfeuchte %","numeric":4{firmware}}}],"assets":[{{"sn":"DMM-4","usageCount":1}}],"#);
        _ = write!(text, r#""subUnits":[{{"partType":"PCBA","pn":"PCB-7","rev":"A","sn":"PCB-{lot}{socket}"}}],"root":{root}}}"#);
        text
    }
}

/// Some stations write local time with seven digits, some write UTC.
fn start_text(at: DateTime<Utc>, random: &mut Random) -> String {
    if random.chance(0.5) {
        return at.to_rfc3339_opts(SecondsFormat::Millis, true);
    }
    let local = FixedOffset::east_opt(3600).map_or_else(|| at.fixed_offset(), |zone| at.with_timezone(&zone));
    local.format("%Y-%m-%dT%H:%M:%S.%3f0000%:z").to_string()
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for a line that is not there.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, of: f64) -> bool {
        self.unit() < of
    }

    /// About normal, mean 0, standard deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
