//! A disk without room, for which the test mounts a small one of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::super::store::{End, Job, Outcome};
use super::super::{Queue, QueueError, read};
use super::{open, submission};

/// A file system of its own, gone with this value.
struct SmallDisk(PathBuf, TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(kilobytes: u32) -> Option<SmallDisk> {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("disk");
        std::fs::create_dir(&place).unwrap();
        let options = format!("size={kilobytes}k");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&place).status();
        status.is_ok_and(|status| status.success()).then_some(SmallDisk(place, folder))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = &self.1;
    }
}

#[test]
fn on_a_full_disk_accepted_means_kept_and_the_rest_is_refused_with_a_word() {
    let Some(disk) = SmallDisk::mount(4096) else {
        eprintln!("NOT RUN: on_a_full_disk needs to mount a small file system, and this user may not");
        #[expect(clippy::disallowed_methods, reason = "a test that cannot run fails where it must run")]
        let must_run = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!must_run, "CI has to run this test as root");
        return;
    };
    let queue = open(disk.path());
    let text = "x".repeat(20_000);
    let mut accepted = Vec::new();
    let refusal = loop {
        let id = accepted.len() as u128 + 1;
        match queue.enqueue_blocking(submission(id, &id.to_string(), &text)) {
            Ok(_) => accepted.push(id),
            Err(error) => break error,
        }
        assert!(accepted.len() < 1000, "the disk never filled");
    };
    assert!(matches!(refusal, QueueError::DiskFull(_)), "{refusal:?}");
    assert_eq!(refusal.explain().key, "queue_disk_full");
    assert!(accepted.len() > 20, "{} fitted", accepted.len());
    drain_after_reopening(queue, &disk, accepted.len() as u64);
}

/// What was accepted is still there, can be delivered although the disk is full, and makes room again.
fn drain_after_reopening(queue: Queue, disk: &SmallDisk, accepted: u64) {
    drop(queue);
    let queue = open(disk.path());
    assert_eq!(queue.totals().waiting, accepted);
    let pending = read::pending(&queue.reader(), 0).unwrap();
    for some in pending.chunks(40) {
        let outcomes = some.iter().map(|report| {
            let (text, digest) = read::body(&queue.reader(), report.seq).unwrap().unwrap();
            assert_eq!(text.len(), 20_000);
            Outcome { seq: report.seq, digest, server_id: report.server_id.clone(), end: End::Delivered }
        });
        queue.ask_blocking(Job::Settle(outcomes.collect())).expect("the end of a delivery is written on a full disk too");
    }
    assert_eq!((queue.totals().waiting, queue.totals().delivered), (0, accepted));
    queue.ask_blocking(Job::Tidy).unwrap();
    assert!(queue.enqueue_blocking(submission(9999, "Z", "again")).is_ok());
}
