//! One watched folder: which files are complete, what becomes of each, and what is to be said about it.
//! Oldest first, a bounded number at a time; a file is moved only after the queue has it on the disk.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::super::explain::Explanation;
use super::super::model::WatchedFolder;
use super::super::queue::{Queue, QueueError, Submission};
use super::place;
use crate::domain::report::Finding;
use crate::protocol::wsjf;

/// How patient a folder is. Adjusted in tests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// A file that did not change for so long is looked into.
    pub(super) settle: Duration,
    /// One that makes no sense then may still be growing: it gets so long before it is refused.
    pub(super) doubt: Duration,
    /// How often to look again, whatever is heard from the system.
    pub(super) rescan: Duration,
    /// The wait after the queue took nothing.
    pub(super) refused: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Pace { settle: Duration::from_millis(300), doubt: seconds(5), rescan: seconds(15), refused: seconds(5) }
    }
}

/// Files and bytes handled in one step, and files remembered from one look into the folder.
const FILES_A_STEP: usize = 64;
const BYTES_A_STEP: u64 = 32 << 20;
const FILES_A_LOOK: usize = 100_000;
/// Findings of one report that go to the log.
const LOGGED_FINDINGS: usize = 20;

/// By what a file's change is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    bytes: u64,
    modified: Option<SystemTime>,
}

#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    look: Look,
}

/// A file that could not be handled: since when it looks like this, and when it is worth another try.
#[derive(Debug)]
struct Waiting {
    look: Look,
    since: Instant,
    again: Instant,
}

/// What reading a candidate came to.
enum Content {
    Report(Box<wsjf::Document>),
    /// Will never be a report.
    Bad(String),
    /// Not now: empty, locked, not readable, half written.
    NotYet(String),
    /// Changed or gone since the look.
    Changed,
}

pub(super) struct Folder {
    pub(super) view: WatchedFolder,
    path: PathBuf,
    pace: Pace,
    /// Oldest first.
    backlog: VecDeque<Candidate>,
    looked_at: Option<Instant>,
    waiting: HashMap<PathBuf, Waiting>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, enabled: bool, pace: Pace) -> Folder {
        let view = WatchedFolder {
            path: path.display().to_string(),
            enabled,
            waiting_files: 0,
            converted: 0,
            rejected: 0,
            last_file: String::new(),
            last_at: None,
            trouble: None,
        };
        Folder { view, path, pace, backlog: VecDeque::new(), looked_at: None, waiting: HashMap::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// One bounded step of work. Answers when the next is due; `None` where only news or the next rescan bring any.
    pub(super) fn step(&mut self, queue: &Queue) -> Option<Duration> {
        if !self.view.enabled {
            return None;
        }
        let next = match self.looked_at.filter(|_| !self.backlog.is_empty()) {
            None => self.look(),
            Some(at) if at.elapsed() < self.pace.settle => Some(self.pace.settle.saturating_sub(at.elapsed())),
            Some(_) => self.handle(queue),
        };
        self.view.waiting_files = (self.backlog.len() + self.waiting.len()) as u64;
        next
    }

    /// Notes all files that may be complete soon, oldest first.
    fn look(&mut self) -> Option<Duration> {
        let now = Instant::now();
        match self.list(now) {
            Ok(mut found) => {
                if self.view.trouble.as_ref().is_some_and(|trouble| trouble.key == "folder_unreadable") {
                    self.view.trouble = None;
                }
                found.sort_by(|a, b| (a.look.modified, &a.path).cmp(&(b.look.modified, &b.path)));
                self.backlog = found.into();
                self.looked_at = Some(now);
            }
            Err(error) => {
                self.view.trouble = Some(Explanation::new("folder_unreadable").with("folder", self.path.display()).detail(error));
                return None;
            }
        }
        if !self.backlog.is_empty() {
            return Some(self.pace.settle);
        }
        self.waiting.values().map(|waiting| waiting.again.saturating_duration_since(now)).min()
    }

    fn list(&mut self, now: Instant) -> io::Result<Vec<Candidate>> {
        let mut found = Vec::new();
        let mut still_there = HashMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            let Some(look) = look_at(&path) else { continue };
            match self.waiting.remove(&path) {
                Some(waiting) if waiting.look == look && waiting.again > now => {
                    still_there.insert(path, waiting);
                    continue;
                }
                Some(waiting) if waiting.look == look => {
                    still_there.insert(path.clone(), waiting);
                }
                _ => {}
            }
            if found.len() < FILES_A_LOOK {
                found.push(Candidate { path, look });
            }
        }
        self.waiting = still_there;
        Ok(found)
    }

    /// Reads, queues and moves some files of the backlog.
    fn handle(&mut self, queue: &Queue) -> Option<Duration> {
        let (mut reports, mut bytes) = (Vec::new(), 0);
        for _ in 0..FILES_A_STEP {
            if bytes >= BYTES_A_STEP {
                break;
            }
            let Some(candidate) = self.backlog.pop_front() else { break };
            bytes += candidate.look.bytes.min(wsjf::MAX_REPORT_BYTES as u64);
            match read(&candidate) {
                Content::Report(document) => reports.push((candidate, document)),
                Content::Bad(reason) => self.doubt(candidate, &reason, queue),
                Content::NotYet(reason) => self.wait(candidate, &reason),
                Content::Changed => {}
            }
        }
        let refused = self.submit(reports, queue);
        place::sync(&self.path);
        if refused {
            self.backlog.clear();
            return Some(self.pace.refused);
        }
        Some(Duration::ZERO)
    }

    /// Queues the reports, then moves their files. Answers whether the queue refused.
    fn submit(&mut self, reports: Vec<(Candidate, Box<wsjf::Document>)>, queue: &Queue) -> bool {
        if reports.is_empty() {
            return false;
        }
        let submissions = reports
            .iter()
            .map(|(candidate, document)| Submission::new(&document.report.header, document.text.as_str(), name_of(&candidate.path)));
        let answers = match queue.enqueue_all_blocking(submissions.collect()) {
            Ok(answers) => answers,
            Err(error) => {
                self.refused(&error);
                return true;
            }
        };
        let mut refused = false;
        for ((candidate, document), answer) in reports.into_iter().zip(answers) {
            match answer {
                Ok(_) => self.done(candidate, &document.report.findings, queue),
                Err(error @ QueueError::TooLarge { .. }) => self.reject(candidate, &error.to_string(), queue),
                Err(error) => {
                    self.refused(&error);
                    refused = true;
                }
            }
        }
        refused
    }

    fn refused(&mut self, error: &QueueError) {
        tracing::warn!("the queue takes nothing from {}: {error}", self.view.path);
        self.view.trouble = Some(error.explain());
    }

    fn done(&mut self, candidate: Candidate, findings: &[Finding], queue: &Queue) {
        let name = self.note(&candidate, queue);
        for finding in findings.iter().take(LOGGED_FINDINGS) {
            tracing::warn!("{name}: {:?} at {:?}", finding.what, finding.place);
        }
        let odd = || Explanation::new("report_findings").with("file", &name).with("count", findings.len());
        self.view.trouble = (!findings.is_empty()).then(odd);
        self.view.converted += 1;
        if let Err(error) = place::put(&candidate.path, place::DONE) {
            self.view.converted -= 1;
            self.not_moved(candidate, &name, &error);
        }
    }

    /// What makes no sense now may be half of what will: it is refused only after it stayed so for a while.
    fn doubt(&mut self, candidate: Candidate, reason: &str, queue: &Queue) {
        let now = Instant::now();
        let known = self.waiting.get(&candidate.path).filter(|waiting| waiting.look == candidate.look);
        let since = known.map_or(now, |waiting| waiting.since);
        let age = now.saturating_duration_since(since);
        if age >= self.pace.doubt {
            return self.reject(candidate, reason, queue);
        }
        let waiting = Waiting { look: candidate.look, since, again: now + (self.pace.doubt - age) };
        self.waiting.insert(candidate.path, waiting);
    }

    fn reject(&mut self, candidate: Candidate, reason: &str, queue: &Queue) {
        let name = self.note(&candidate, queue);
        tracing::warn!("{name} is refused: {reason}");
        match place::reject(&candidate.path, reason) {
            Ok(_) => {
                self.waiting.remove(&candidate.path);
                self.view.rejected += 1;
                self.view.trouble = Some(Explanation::new("file_rejected").with("file", &name).detail(reason));
            }
            Err(error) => self.not_moved(candidate, &name, &error),
        }
    }

    fn note(&mut self, candidate: &Candidate, queue: &Queue) -> String {
        let name = name_of(&candidate.path);
        self.view.last_file.clone_from(&name);
        self.view.last_at = Some(queue.clock().now());
        name
    }

    fn not_moved(&mut self, candidate: Candidate, name: &str, error: &io::Error) {
        tracing::error!("{name} cannot be moved: {error}");
        self.view.trouble = Some(Explanation::new("file_not_moved").with("file", name).detail(error));
        self.hold(candidate, self.pace.rescan);
    }

    /// A file that is not readable yet is tried again for ever, and named once it takes long.
    fn wait(&mut self, candidate: Candidate, reason: &str) {
        let name = name_of(&candidate.path);
        let since = self.hold(candidate, self.pace.settle);
        if since.elapsed() >= self.pace.doubt {
            tracing::debug!("{name} cannot be read yet: {reason}");
            self.view.trouble = Some(Explanation::new("file_stuck").with("file", name).detail(reason));
        }
    }

    /// Puts a file by, for the longer the longer it lies there. Answers since when.
    fn hold(&mut self, candidate: Candidate, least: Duration) -> Instant {
        let now = Instant::now();
        let known = self.waiting.get(&candidate.path).filter(|waiting| waiting.look == candidate.look);
        let since = known.map_or(now, |waiting| waiting.since);
        let pause = now.saturating_duration_since(since).clamp(least, self.pace.rescan.max(least));
        self.waiting.insert(candidate.path, Waiting { look: candidate.look, since, again: now + pause });
        since
    }
}

/// A plain file with a report's name; links, folders and pipes are not looked into.
fn look_at(path: &Path) -> Option<Look> {
    let metadata = std::fs::symlink_metadata(path).ok().filter(|metadata| has_reports_name(path) && metadata.is_file())?;
    Some(Look { bytes: metadata.len(), modified: metadata.modified().ok() })
}

pub(super) fn has_reports_name(path: &Path) -> bool {
    let (Some(name), Some(extension)) = (path.file_name(), path.extension()) else { return false };
    !name.to_string_lossy().starts_with('.') && ["json", "wsjf"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn read(candidate: &Candidate) -> Content {
    if look_at(&candidate.path) != Some(candidate.look) {
        return Content::Changed;
    }
    let limit = wsjf::MAX_REPORT_BYTES as u64;
    match candidate.look.bytes {
        0 => return Content::NotYet("it is empty".to_owned()),
        found if found > limit => {
            return Content::Bad(wsjf::Unreadable::TooLarge { found: found as usize, limit: limit as usize }.to_string());
        }
        _ => {}
    }
    let bytes = match read_unlocked(&candidate.path, limit) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Content::Changed,
        Err(error) => return Content::NotYet(error.to_string()),
    };
    if bytes.len() as u64 != candidate.look.bytes || look_at(&candidate.path) != Some(candidate.look) {
        return Content::Changed;
    }
    match wsjf::read(&bytes) {
        Ok(document) => Content::Report(Box::new(document)),
        Err(error) => Content::Bad(error.to_string()),
    }
}

/// Reads a file that nobody holds a lock on, up to one byte more than `limit`.
fn read_unlocked(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => return Err(io::Error::new(io::ErrorKind::WouldBlock, "another program has locked it")),
        // A file system without locks.
        Err(TryLockError::Error(_)) | Ok(()) => {}
    }
    let mut bytes = Vec::new();
    (&file).take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
