//! Durable acceptance of reports, beside a plain append and fsync of the same bytes on the same file system;
//! and their delivery to a true line server, beside a bare loop of the same posts.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use andon::client::{Accepted, Bridge, Command, Limits, Queue, SessionCommand, SignIn, Startup, Submission};
use andon::domain::InstanceId;
use andon::domain::connection::Connection;
use andon::domain::simulator::Line;
use andon::protocol::wsjf;
use andon::server::{Config, UnknownProcesses};
use andon::support::clock::Clock;
use andon::support::secret::Secret;
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
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    deliver(&runtime, place.path(), &mut line);
}

/// Reports of one delivery, and the time all of it may take.
const DELIVERED: usize = 2000;
const LIMIT: Duration = Duration::from_secs(120);

fn deliver(runtime: &tokio::runtime::Runtime, place: &Path, line: &mut Line) {
    let mut config = Config::in_folder(place.join("server"));
    config.listen = "127.0.0.1:0".parse().expect("an address");
    config.unknown_processes = UnknownProcesses::Accept;
    let server = runtime.block_on(andon::server::start(config, Clock::system())).expect("a server");
    let token = runtime.block_on(server.admin().issue_token("bench")).expect("a token");
    let url = server.url();
    let texts = |line: &mut Line| (0..DELIVERED).map(|_| line.next(DateTime::UNIX_EPOCH)).collect::<Vec<String>>();
    let one = runtime.block_on(post(&url, &token, texts(line), 1));
    let four = runtime.block_on(post(&url, &token, texts(line), 4));
    let station = station(&place.join("station"), &url, token, texts(line));
    let rate = |time: Duration| DELIVERED as f64 / time.as_secs_f64();
    eprintln!("{:<34} {:>12} {:>12} {:>12}", "delivery, reports/s", "bare loop", "4 at a time", "station");
    eprintln!("{:<34} {:>12.0} {:>12.0} {:>12.0}", format!("{DELIVERED} reports"), rate(one), rate(four), rate(station));
    runtime.block_on(server.stop());
}

/// Posts the reports, so many at a time, each connection one after another.
async fn post(url: &str, token: &Secret, texts: Vec<String>, at_once: usize) -> Duration {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let authorization = format!("Basic {}", token.expose());
    let start = Instant::now();
    let mut posts = tokio::task::JoinSet::new();
    for share in texts.chunks(texts.len().div_ceil(at_once)) {
        let (client, url, authorization, share) = (client.clone(), format!("{url}/api/Report/WSJF"), authorization.clone(), share.to_vec());
        posts.spawn(async move {
            for text in share {
                let request = client.post(&url).header("authorization", &authorization).header("content-type", "application/json");
                let answer = request.body(text).send().await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
                answer.bytes().await.expect("a body");
            }
        });
    }
    posts.join_all().await;
    start.elapsed()
}

/// A station that was away with full hands signs in: the time until all is delivered and written down.
fn station(folder: &Path, url: &str, token: Secret, texts: Vec<String>) -> Duration {
    let id = InstanceId::parse("bench").expect("a name");
    let startup = Startup { instance: Some(id.clone()), create_instance: true, keyring: false, ..Startup::new(folder.to_path_buf()) };
    let mut bridge = Bridge::start(startup, || ()).expect("services");
    bridge.wait(LIMIT, |model| model.instances.current.as_ref() == Some(&id)).expect("the instance opens");
    let queue = Queue::open(&folder.join("instances/bench/queue"), Clock::system(), Limits::default()).expect("the station's queue");
    for text in texts {
        let header = wsjf::read_header(&text).expect("a report");
        queue.enqueue_blocking(Submission::new(&header, text, "bench")).expect("room");
    }
    bridge.wait(LIMIT, |model| model.queue.waiting as usize == DELIVERED).expect("all wait");
    let sign_in = SignIn {
        server_url: url.to_owned(),
        user: String::new(),
        password: token,
        remember: false,
        application: None,
        allow_plain_http: false,
    };
    bridge.send(Command::Session(SessionCommand::SignIn(sign_in))).expect("services listen");
    bridge.wait(LIMIT, |model| model.connection.state == Connection::Connected).expect("the station signs in");
    let start = Instant::now();
    bridge.wait(LIMIT, |model| model.queue.delivered as usize == DELIVERED).expect("all is delivered");
    start.elapsed()
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
