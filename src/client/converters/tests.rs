//! Files of every kind in a watched folder: each ends in the queue and in Done, or in Error with a word, or stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::bridge::Publisher;
use super::super::command::ConvertersCommand;
use super::super::model::QueueFilter;
use super::super::queue::{Limits, Queue};
use super::super::settings::{Config, FolderConfig, Settings};
use super::folder::{Folder, Pace};
use crate::support::clock::Clock;

const QUICK: Pace = Pace {
    settle: Duration::from_millis(10),
    doubt: Duration::from_millis(60),
    rescan: Duration::from_millis(200),
    refused: Duration::from_millis(30),
};

struct Bench {
    home: TempDir,
    queue: Queue,
    folder: Folder,
}

impl Bench {
    fn new(limits: Limits) -> Bench {
        let home = TempDir::new().unwrap();
        let queue = Queue::open(&home.path().join("queue"), Clock::system(), limits).unwrap();
        let watched = home.path().join("wsjf");
        fs::create_dir(&watched).unwrap();
        Bench { queue, folder: Folder::new(watched, true, QUICK), home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("wsjf").join(name)
    }

    fn drop_file(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Steps until `good` holds.
    fn until(&mut self, what: &str, good: impl Fn(&Bench) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !good(self) {
            assert!(Instant::now() < deadline, "waited for: {what}; {:?}", self.folder.view);
            let _ = self.folder.step(&self.queue);
            std::thread::yield_now();
        }
    }

    fn handled(&self) -> u64 {
        self.folder.view.converted + self.folder.view.rejected
    }
}

fn report(id: u128, serial: &str) -> String {
    format!(
        r#"{{"id":"{}","type":"T","pn":"PSU-48V","sn":"{serial}","rev":"B","processCode":100,"result":"P",
        "machineName":"EOL-01","location":"Hall 2","purpose":"Production","start":"2026-03-04T08:15:30.250+01:00","x-own":4.10,
        "uut":{{"user":"op7","execTime":12.4}},
        "root":{{"stepType":"SequenceCall","group":"M","name":"Main","status":"P","id":1}}}}"#,
        Uuid::from_u128(id)
    )
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_report_goes_to_the_queue_to_the_letter_and_its_file_to_done() {
    let mut bench = Bench::new(Limits::default());
    bench.drop_file("a.json", report(1, "A"));
    bench.drop_file("b.WSJF", report(2, "B"));
    bench.drop_file("notes.txt", "not ours");
    bench.until("both are handled", |bench| bench.handled() == 2);
    assert_eq!(bench.queue.stored(Uuid::from_u128(1)).unwrap().unwrap().text, report(1, "A"));
    assert_eq!(names(&bench.path("Done")), ["a.json", "b.WSJF"]);
    assert_eq!(names(&bench.path("")), ["Done", "notes.txt"]);
    assert_eq!(bench.queue.list(QueueFilter::Pending, 9).unwrap()[0].source, "b.WSJF");
    assert_eq!(bench.folder.view.trouble, None);
}

#[test]
fn a_file_seen_again_after_a_crash_is_not_queued_twice() {
    let mut bench = Bench::new(Limits::default());
    bench.drop_file("a.json", report(1, "A"));
    bench.until("it is handled", |bench| bench.handled() == 1);
    fs::rename(bench.path("Done/a.json"), bench.path("a.json")).unwrap();
    bench.until("it is handled again", |bench| bench.handled() == 2);
    assert_eq!(bench.queue.totals().waiting, 1);
    bench.drop_file("a.json", report(2, "B"));
    bench.until("another of the same name", |bench| bench.handled() == 3);
    assert_eq!(names(&bench.path("Done")), ["a (2).json", "a.json"]);
}

#[test]
fn what_is_not_a_report_lies_in_error_with_its_reason() {
    let mut bench = Bench::new(Limits::default());
    bench.drop_file("bad.json", "{\"pn\": 1");
    bench.drop_file("latin.json", b"{\"pn\": \"\xe9\"}");
    let large = fs::File::create(bench.path("large.json")).unwrap();
    large.set_len(200 << 20).unwrap();
    drop(large);
    bench.drop_file("good.json", report(1, "A"));
    bench.until("all are handled", |bench| bench.handled() == 4);
    assert_eq!(
        names(&bench.path("Error")),
        ["bad.json", "bad.json.reason.txt", "large.json", "large.json.reason.txt", "latin.json", "latin.json.reason.txt"]
    );
    let reason = |name: &str| fs::read_to_string(bench.path("Error").join(name)).unwrap();
    assert!(reason("large.json.reason.txt").contains("200 MiB; at most 16 MiB"), "{}", reason("large.json.reason.txt"));
    assert!(reason("latin.json.reason.txt").contains("UTF-8"));
    assert_eq!((bench.folder.view.converted, bench.folder.view.rejected), (1, 3));
    assert_eq!(bench.queue.totals().waiting, 1);
}

#[test]
fn a_file_that_is_still_written_is_not_taken_for_a_broken_one() {
    let mut bench = Bench::new(Limits::default());
    let text = report(1, "A");
    for end in (0..text.len()).step_by(60) {
        bench.drop_file("slow.json", &text[..end]);
        let until = Instant::now() + QUICK.settle * 2;
        while Instant::now() < until {
            let _ = bench.folder.step(&bench.queue);
        }
    }
    assert_eq!(bench.handled(), 0);
    bench.drop_file("slow.json", &text);
    bench.until("it is whole", |bench| bench.handled() == 1);
    assert_eq!(bench.folder.view.rejected, 0);
}

#[test]
fn an_empty_or_locked_file_waits_is_named_and_then_taken() {
    let mut bench = Bench::new(Limits::default());
    bench.drop_file("empty.json", "");
    bench.until("it is named", |bench| bench.folder.view.trouble.as_ref().is_some_and(|trouble| trouble.key == "file_stuck"));
    bench.drop_file("empty.json", report(1, "A"));
    let locked = fs::File::open(bench.path("empty.json")).unwrap();
    locked.lock().unwrap();
    let until = Instant::now() + QUICK.rescan;
    while Instant::now() < until {
        let _ = bench.folder.step(&bench.queue);
    }
    assert_eq!(bench.handled(), 0, "another program holds it");
    drop(locked);
    bench.until("it is taken", |bench| bench.folder.view.converted == 1);
    assert_eq!(bench.folder.view.trouble, None);
}

#[cfg(unix)]
#[test]
fn links_folders_and_pipes_are_left_alone() {
    let mut bench = Bench::new(Limits::default());
    let outside = bench.home.path().join("outside.json");
    fs::write(&outside, report(9, "Z")).unwrap();
    std::os::unix::fs::symlink(&outside, bench.path("link.json")).unwrap();
    fs::create_dir(bench.path("folder.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(bench.path("pipe.json")).status().unwrap().success());
    bench.drop_file("a.json", report(1, "A"));
    bench.until("the real one is handled", |bench| bench.handled() == 1);
    assert_eq!(names(&bench.path("")), ["Done", "folder.json", "link.json", "pipe.json"]);
    assert_eq!(bench.queue.totals().waiting, 1);
}

#[test]
fn a_full_queue_leaves_the_files_where_they_are_until_there_is_room() {
    let mut bench = Bench::new(Limits { reports: 2, ..Limits::default() });
    for id in 1..=5 {
        bench.drop_file(&format!("{id}.json"), report(id, "A"));
    }
    bench.until("the queue is full", |bench| bench.folder.view.trouble.as_ref().is_some_and(|trouble| trouble.key == "queue_full"));
    assert_eq!(names(&bench.path("")).iter().filter(|name| name.ends_with(".json")).count(), 3);
    let ids = bench.queue.undelivered().unwrap();
    bench.queue.delete_blocking(ids).unwrap();
    bench.until("two more are taken", |bench| bench.folder.view.converted == 4);
    let ids = bench.queue.undelivered().unwrap();
    bench.queue.delete_blocking(ids).unwrap();
    bench.until("the last is taken", |bench| bench.folder.view.converted == 5);
    assert_eq!(bench.folder.view.trouble, None);
}

#[test]
fn a_backlog_is_queued_in_the_order_it_was_written() {
    let mut bench = Bench::new(Limits::default());
    let start = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for id in 1..=300u128 {
        let name = format!("{}.json", (id * 7919) % 1000);
        bench.drop_file(&name, report(id, "A"));
        let file = fs::File::options().write(true).open(bench.path(&name)).unwrap();
        file.set_modified(start + Duration::from_secs(id as u64)).unwrap();
    }
    bench.until("all are handled", |bench| bench.handled() == 300);
    let order: Vec<u128> = bench.queue.undelivered().unwrap().iter().map(|id| id.as_u128()).collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.len(), 300);
}

#[test]
fn odd_values_are_named_and_do_not_stop_a_report() {
    let mut bench = Bench::new(Limits::default());
    let odd = report(1, "A")
        .replace("\"id\":1}", "\"id\":1,\"numericMeas\":[{\"value\":NaN,\"compOp\":\"GELE\",\"lowLimit\":5,\"highLimit\":1}]}");
    bench.drop_file("odd.json", odd);
    bench.until("it is handled", |bench| bench.handled() == 1);
    assert_eq!(bench.folder.view.converted, 1);
    assert_eq!(bench.folder.view.trouble.as_ref().unwrap().key, "report_findings");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_takes_what_was_there_before_and_what_comes_later() {
    let home = TempDir::new().unwrap();
    let config = Config { watched_folders: vec![FolderConfig { path: "in".into(), ..FolderConfig::default() }], ..Config::default() };
    let settings = Settings::create(home.path(), config).unwrap();
    fs::create_dir(home.path().join("in")).unwrap();
    fs::write(home.path().join("in/old.json"), report(1, "A")).unwrap();
    let queue = Queue::open(&home.path().join("queue"), Clock::system(), Limits::default()).unwrap();
    let (publisher, mut model) = Publisher::new(Arc::new(|| ()));
    let (commands, inbox) = mpsc::channel(4);
    let stop = CancellationToken::new();
    // Only the system's word can be this quick: the rescan comes once a minute.
    let pace = Pace { rescan: Duration::from_secs(60), ..QUICK };
    let slice = publisher.slice(|model| &mut model.converters);
    let service = tokio::spawn(super::watch(settings.clone(), queue.clone(), slice, inbox, (stop.clone(), pace)));
    let limit = Duration::from_secs(20);
    let wait = model.wait_for(|model| model.converters.folders.first().is_some_and(|folder| folder.converted == 1));
    drop(tokio::time::timeout(limit, wait).await.expect("the old file is taken").unwrap());
    fs::write(home.path().join("in/new.json"), report(2, "B")).unwrap();
    let wait = model.wait_for(|model| model.converters.folders[0].converted == 2);
    drop(tokio::time::timeout(limit, wait).await.expect("the new file is taken").unwrap());
    commands.send(ConvertersCommand::SetFolder { index: 1, path: "more".into(), enabled: true }).await.unwrap();
    let wait = model.wait_for(|model| model.converters.folders.len() == 2);
    drop(tokio::time::timeout(limit, wait).await.expect("the second folder is watched").unwrap());
    fs::write(home.path().join("more/c.json"), report(3, "C")).unwrap();
    let wait = model.wait_for(|model| model.converters.folders[1].converted == 1);
    drop(tokio::time::timeout(limit, wait).await.expect("the second folder works").unwrap());
    assert_eq!(settings.get().watched_folders[1].path, Path::new("more"));
    assert_eq!(queue.totals().waiting, 3);
    stop.cancel();
    service.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_panics_is_no_service_that_ended_by_itself() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("in")).unwrap();
    fs::write(home.path().join("in/bad.json"), "{").unwrap();
    let config = Config { watched_folders: vec![FolderConfig { path: "in".into(), ..FolderConfig::default() }], ..Config::default() };
    let settings = Settings::create(home.path(), config).unwrap();
    let queue = Queue::open(&home.path().join("queue"), Clock::system(), Limits::default()).unwrap();
    let (publisher, _model) = Publisher::new(Arc::new(|| ()));
    let (_commands, inbox) = mpsc::channel(4);
    // No clock goes so far: what is not refused for ever panics.
    let pace = Pace { doubt: Duration::MAX, ..QUICK };
    let slice = publisher.slice(|model| &mut model.converters);
    let service = tokio::spawn(super::watch(settings, queue, slice, inbox, (CancellationToken::new(), pace)));
    let ended = tokio::time::timeout(Duration::from_secs(20), service).await.expect("it ends");
    assert!(ended.is_err_and(|error| error.is_panic()));
}
