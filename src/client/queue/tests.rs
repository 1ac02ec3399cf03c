//! The queue on a real disk: what is accepted is kept, once, whatever happens in between.

use std::path::Path;

use chrono::TimeDelta;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::model::{QueueFilter, QueueHappening, QueueState};
use super::store::{Answer, End, Job, Outcome};
use super::{Accepted, Limits, Queue, QueueError, Submission, read, undelivered_in};
use crate::support::clock::Clock;

mod crash;
mod delivery;
mod full_disk;
mod machine;

pub(super) fn open(folder: &Path) -> Queue {
    Queue::open(folder, Clock::system(), Limits::default()).expect("the queue opens")
}

pub(super) fn submission(id: u128, serial: &str, text: &str) -> Submission {
    Submission {
        id: Uuid::from_u128(id),
        part_number: "PSU-48V".to_owned(),
        serial_number: serial.to_owned(),
        text: text.into(),
        source: "test.json".to_owned(),
        server_id: String::new(),
    }
}

/// Takes the text of the first waiting report, as a sender does.
fn head(queue: &Queue) -> (i64, String, [u8; 32]) {
    let pending = read::pending(&queue.reader(), 0).unwrap();
    let (text, digest) = read::body(&queue.reader(), pending[0].seq).unwrap().unwrap();
    (pending[0].seq, text, digest)
}

fn settle(queue: &Queue, seq: i64, digest: [u8; 32], end: End) -> Answer {
    let pending = read::pending(&queue.reader(), 0).unwrap();
    let server_id = pending.into_iter().find(|report| report.seq == seq).map(|report| report.server_id).unwrap_or_default();
    queue.ask_blocking(Job::Settle(vec![Outcome { seq, digest, server_id, end }])).unwrap()
}

fn deliver_head(queue: &Queue) -> String {
    let (seq, text, digest) = head(queue);
    assert_eq!(settle(queue, seq, digest, End::Delivered), Answer::Stale(Vec::new()));
    text
}

#[test]
fn what_was_accepted_is_there_after_a_restart_and_leaves_once() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::New));
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Already));
    drop(queue);
    let queue = open(folder.path());
    assert_eq!((queue.totals().waiting, queue.totals().bytes), (1, 3));
    assert_eq!(deliver_head(&queue), "one");
    drop(queue);
    let queue = open(folder.path());
    assert_eq!((queue.totals().waiting, queue.totals().delivered, queue.totals().bytes), (0, 1, 0));
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Already), "delivered long ago");
    assert_eq!(queue.totals().waiting, 0);
    assert_eq!(queue.stored(Uuid::from_u128(1)).unwrap(), None, "the text is gone");
}

#[test]
fn another_content_under_the_same_id_replaces_and_is_sent_again() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    queue.enqueue_blocking(submission(1, "A", "one")).unwrap();
    queue.enqueue_blocking(submission(2, "B", "two")).unwrap();
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "ONE!")), Ok(Accepted::Replaced));
    assert_eq!(queue.totals().bytes, 7);
    assert_eq!(deliver_head(&queue), "ONE!", "it kept its place");
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Replaced));
    assert_eq!(deliver_head(&queue), "two", "a delivered one lines up again, behind");
    assert_eq!(deliver_head(&queue), "one");
    let events = queue.events(Uuid::from_u128(1)).unwrap().unwrap();
    let words: Vec<QueueHappening> = events.iter().map(|event| event.what).collect();
    use QueueHappening as H;
    assert_eq!(words, [H::Accepted, H::Replaced, H::Delivered, H::Replaced, H::Delivered]);
}

#[test]
fn a_text_replaced_while_it_was_sent_is_not_called_delivered() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    queue.enqueue_blocking(submission(1, "A", "one")).unwrap();
    let (seq, _, digest) = head(&queue);
    queue.enqueue_blocking(submission(1, "A", "two")).unwrap();
    assert_eq!(settle(&queue, seq, digest, End::Delivered), Answer::Stale(vec![seq]));
    assert_eq!(deliver_head(&queue), "two");
}

#[test]
fn a_refused_report_keeps_the_sentence_and_goes_again_when_asked() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    queue.enqueue_blocking(submission(1, "A", "poison")).unwrap();
    queue.enqueue_blocking(submission(2, "A", "good")).unwrap();
    let (seq, _, digest) = head(&queue);
    settle(&queue, seq, digest, End::Refused("pn is missing".to_owned()));
    assert_eq!(deliver_head(&queue), "good", "the next of the same unit is not blocked");
    let row = queue.find(Uuid::from_u128(1)).unwrap().unwrap();
    assert_eq!((row.state, row.last_error.as_str(), row.tries), (QueueState::Quarantined, "pn is missing", 1));
    assert_eq!(queue.totals().quarantined, 1);
    assert_eq!(queue.retry_all_quarantined_blocking(), Ok(1));
    assert_eq!(deliver_head(&queue), "poison");
    assert_eq!((queue.totals().waiting, queue.totals().quarantined, queue.totals().delivered), (0, 0, 2));
}

#[test]
fn the_bound_refuses_loudly_and_keeps_what_is_there() {
    let folder = TempDir::new().unwrap();
    let limits = Limits { reports: 2, bytes: 10, report_bytes: 8, ..Limits::default() };
    let queue = Queue::open(folder.path(), Clock::system(), limits).unwrap();
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "123456789")), Err(QueueError::TooLarge { bytes: 9, limit: 8 }));
    queue.enqueue_blocking(submission(1, "A", "12345678")).unwrap();
    assert_eq!(queue.enqueue_blocking(submission(2, "A", "123")), Err(QueueError::Full { reports: 1, bytes: 8 }));
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "x")), Ok(Accepted::Replaced), "a replacement frees its own room");
    queue.enqueue_blocking(submission(2, "A", "y")).unwrap();
    assert_eq!(queue.enqueue_blocking(submission(3, "A", "z")), Err(QueueError::Full { reports: 2, bytes: 2 }));
    deliver_head(&queue);
    assert_eq!(queue.enqueue_blocking(submission(3, "A", "z")), Ok(Accepted::New));
}

#[test]
fn a_report_belongs_to_the_server_it_was_accepted_for() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    queue.enqueue_blocking(submission(1, "A", "one")).unwrap();
    queue.ask_blocking(Job::Bind("first".to_owned())).unwrap();
    queue.enqueue_blocking(submission(2, "A", "two")).unwrap();
    queue.ask_blocking(Job::Bind("second".to_owned())).unwrap();
    queue.enqueue_blocking(submission(3, "A", "three").for_server("third")).unwrap();
    queue.enqueue_blocking(submission(4, "A", "four")).unwrap();
    let owner = |id| queue.find(Uuid::from_u128(id)).unwrap().unwrap().server_id;
    assert_eq!([owner(1), owner(2), owner(3), owner(4)], ["first", "first", "third", "second"]);
    assert_eq!(queue.release_blocking(vec![Uuid::from_u128(2), Uuid::from_u128(4)], "second"), Ok(1));
    assert_eq!(owner(2), "second");
}

#[test]
fn what_another_server_has_is_new_to_this_one() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    queue.ask_blocking(Job::Bind("first".to_owned())).unwrap();
    queue.enqueue_blocking(submission(1, "A", "one")).unwrap();
    deliver_head(&queue);
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Already));
    queue.ask_blocking(Job::Bind("second".to_owned())).unwrap();
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Replaced));
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Already), "it waits");
    assert_eq!(queue.find(Uuid::from_u128(1)).unwrap().unwrap().server_id, "second");
    assert_eq!(deliver_head(&queue), "one");
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Already));
}

#[test]
fn a_second_program_submits_and_the_first_notices() {
    let folder = TempDir::new().unwrap();
    let (owner, other) = (open(folder.path()), open(folder.path()));
    owner.ask_blocking(Job::Look).unwrap();
    assert_eq!(owner.ask_blocking(Job::Look), Ok(Answer::Outside(false)));
    other.enqueue_blocking(submission(1, "A", "one")).unwrap();
    assert_eq!(owner.ask_blocking(Job::Look), Ok(Answer::Outside(true)));
    assert_eq!(owner.ask_blocking(Job::Look), Ok(Answer::Outside(false)));
    assert_eq!(owner.totals().waiting, 1);
    assert_eq!(owner.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::Already));
    deliver_head(&owner);
    assert_eq!(other.count_blocking().unwrap().delivered, 1);
}

#[test]
fn many_producers_at_once_each_get_their_own_answer() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    std::thread::scope(|scope| {
        for producer in 0..16u128 {
            let queue = queue.clone();
            scope.spawn(move || {
                for n in 0..25 {
                    let id = producer * 1000 + n;
                    assert_eq!(queue.enqueue_blocking(submission(id, "A", &id.to_string())), Ok(Accepted::New));
                }
            });
        }
    });
    assert_eq!(queue.count_blocking().unwrap().waiting, 400);
    assert_eq!(queue.totals(), queue.count_blocking().unwrap());
}

#[test]
fn old_deliveries_are_forgotten_and_nothing_else_whatever_the_clock_does() {
    let folder = TempDir::new().unwrap();
    let clock = Clock::held(chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap());
    let limits = Limits { remembered: 3, ..Limits::default() };
    let queue = Queue::open(folder.path(), clock.clone(), limits).unwrap();
    for id in 1..=5 {
        queue.enqueue_blocking(submission(id, "A", "x")).unwrap();
        deliver_head(&queue);
    }
    queue.enqueue_blocking(submission(6, "A", "waits")).unwrap();
    assert_eq!(queue.ask_blocking(Job::Tidy), Ok(Answer::Count(2)));
    clock.push(TimeDelta::days(-1));
    assert_eq!(queue.ask_blocking(Job::Tidy), Ok(Answer::Count(0)));
    assert_eq!(queue.enqueue_blocking(submission(5, "A", "x")), Ok(Accepted::Already));
    assert_eq!(deliver_head(&queue), "waits");
    clock.push(TimeDelta::days(40));
    queue.enqueue_blocking(submission(7, "A", "waits too")).unwrap();
    assert_eq!(queue.ask_blocking(Job::Tidy), Ok(Answer::Count(4)));
    assert_eq!((queue.totals().waiting, queue.totals().delivered), (1, 0));
}

#[test]
fn a_damaged_file_is_set_aside_and_work_goes_on() {
    let folder = TempDir::new().unwrap();
    assert_eq!(undelivered_in(&folder.path().join("none")), 0);
    std::fs::write(folder.path().join("queue.db"), "this is not a database, and it is long enough to be sure ".repeat(99)).unwrap();
    assert_eq!(undelivered_in(folder.path()), 1, "looking mends nothing");
    let queue = open(folder.path());
    assert_eq!(queue.problem().unwrap().key, "queue_set_aside");
    assert_eq!(undelivered_in(folder.path()), 1, "nobody knows what lies in it");
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::New));
    assert_eq!(undelivered_in(folder.path()), 2);
    let kept = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok).filter(|file| {
        file.file_name().to_string_lossy().contains("broken-") && file.metadata().is_ok_and(|metadata| metadata.len() > 1000)
    });
    assert_eq!(kept.count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_damaged_in_its_middle_is_set_aside_too() {
    use std::os::unix::fs::FileExt;
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    for id in 0..200 {
        queue.enqueue_blocking(submission(id, "A", "one")).unwrap();
    }
    drop(queue);
    let file = std::fs::File::options().write(true).open(folder.path().join("queue.db")).unwrap();
    for page in 2..file.metadata().unwrap().len() / 4096 {
        file.write_all_at(&[0xff; 4096], page * 4096).unwrap();
    }
    let queue = open(folder.path());
    assert_eq!(queue.problem().unwrap().key, "queue_set_aside");
    assert_eq!(queue.enqueue_blocking(submission(1, "A", "one")), Ok(Accepted::New));
}

#[test]
fn a_queue_of_a_newer_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    rusqlite::Connection::open(folder.path().join("queue.db")).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert_eq!(Queue::open(folder.path(), Clock::system(), Limits::default()).err(), Some(QueueError::FromFuture(9)));
}

#[test]
fn exported_reports_are_files_with_the_text_to_the_letter() {
    let folder = TempDir::new().unwrap();
    let queue = open(folder.path());
    let text = "{\"pn\": \"Ł\", \"value\": 4.10}\r\n";
    queue.enqueue_blocking(submission(1, "S/N 1", text)).unwrap();
    queue.enqueue_blocking(submission(2, "B", "two")).unwrap();
    let target = folder.path().join("out");
    let ids = queue.undelivered().unwrap();
    assert_eq!(queue.export_blocking(&ids, &target, |_| true), Ok(2));
    let name = format!("PSU-48V_S-N-1_{}.json", Uuid::from_u128(1));
    assert_eq!(std::fs::read_to_string(target.join(name)).unwrap(), text);
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 2);
    let halfway = folder.path().join("halfway");
    assert_eq!(queue.export_blocking(&ids, &halfway, |done| done < 1), Ok(1), "cancelled after the first");
    assert_eq!(queue.list(QueueFilter::Pending, 10).unwrap().len(), 2, "an export takes nothing out");
}
