//! A program killed at random moments while it accepts: what it called accepted is on the disk.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use uuid::Uuid;

use super::super::{Accepted, Queue};
use super::{open, submission};

/// Set for the child: the folder whose queue it fills. Two numbers follow: its first id, and how many producers.
const FOLDER: &str = "ANDON_TEST_FILL_QUEUE";

/// Not a test of its own: what the child process runs, until it is killed.
#[test]
fn child_fills_a_queue() {
    #[expect(clippy::disallowed_methods, reason = "how the parent talks to its child")]
    let Ok(task) = std::env::var(FOLDER) else { return };
    let mut parts = task.splitn(3, ' ');
    let first: u128 = parts.next().unwrap().parse().unwrap();
    let producers: u128 = parts.next().unwrap().parse().unwrap();
    let queue = open(Path::new(parts.next().unwrap()));
    std::thread::scope(|scope| {
        for producer in 0..producers {
            let queue = queue.clone();
            scope.spawn(move || fill(&queue, first + producer, producers));
        }
    });
}

fn fill(queue: &Queue, first: u128, step: u128) {
    for id in (first..).step_by(step as usize) {
        assert_eq!(queue.enqueue_blocking(submission(id, &id.to_string(), &text(id))), Ok(Accepted::New));
        let mut out = std::io::stdout().lock();
        writeln!(out, "accepted {id}").unwrap();
        out.flush().unwrap();
    }
}

fn text(id: u128) -> String {
    format!("report {id} ").repeat(400)
}

fn child(folder: &Path, first: u128, producers: u128) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "client::queue::tests::crash::child_fills_a_queue", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, format!("{first} {producers} {}", folder.display()));
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills `child` after it said so many times "accepted", and answers all it said.
fn kill_after(mut child: Child, said: usize) -> Vec<u128> {
    let mut accepted = Vec::new();
    let mut child_out = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: &str| line.rsplit_once("accepted ").and_then(|(_, id)| id.trim().parse::<u128>().ok());
    while accepted.len() < said {
        let line = child_out.next().expect("the child lives until it is killed").unwrap();
        accepted.extend(number(&line));
    }
    child.kill().unwrap();
    accepted.extend(child_out.map_while(Result::ok).filter_map(|line| number(&line)));
    child.wait().unwrap();
    accepted
}

#[test]
fn a_program_killed_at_random_moments_has_kept_what_it_accepted() {
    let folder = TempDir::new().unwrap();
    let mut accepted = Vec::new();
    for round in 0..20u128 {
        let producers = if round % 2 == 0 { 1 } else { 8 };
        // 1 to 60, scattered: another moment of the write each round.
        let said = (round * 37 % 60 + 1) as usize;
        accepted.extend(kill_after(child(folder.path(), round * 1_000_000 + 1, producers), said));
    }
    let queue = open(folder.path());
    for id in &accepted {
        let stored = queue.stored(Uuid::from_u128(*id)).unwrap().unwrap_or_else(|| panic!("{id} was accepted and is gone"));
        assert_eq!(stored.text, text(*id), "whole, not half");
    }
    let there = queue.undelivered().unwrap().len();
    assert!(there >= accepted.len() && there <= accepted.len() + 20 * 8, "{there} lie there, {} were accepted", accepted.len());
    assert_eq!(queue.count_blocking().unwrap(), queue.totals());
}

#[test]
fn two_programs_at_once_lose_and_double_nothing() {
    let folder = TempDir::new().unwrap();
    let mine = open(folder.path());
    let other = child(folder.path(), 1_000_001, 4);
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            for id in 1..=100 {
                assert_eq!(mine.enqueue_blocking(submission(id, "A", &text(id))), Ok(Accepted::New));
            }
        });
        let theirs = kill_after(other, 100);
        producer.join().unwrap();
        for id in theirs.into_iter().chain(1..=100) {
            assert!(mine.stored(Uuid::from_u128(id)).unwrap().is_some(), "{id} is gone");
        }
    });
}
