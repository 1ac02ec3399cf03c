//! A tester that is not there: it writes reports into the watched folder, as a real one does.
//! First what it did in the past eight hours, then one a beat. It waits when nobody takes them away.

pub(super) mod colleagues;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::bridge::Demo;
use super::link::LinkReceiver;
use super::settings::Settings;
use crate::domain::connection::Connection;
use crate::domain::simulator::Line;
use crate::support::clock::Clock;

/// Files that may lie in the folder before the tester waits.
const CROWDED: usize = 1000;
/// Files kept of those that were taken.
const KEPT: usize = 200;

pub(crate) async fn run(demo: Demo, settings: Settings, clock: Clock, mut link: LinkReceiver, stop: CancellationToken) {
    let config = settings.get();
    let Some(folder) = config.watched_folders.first().map(|folder| settings.place(&folder.path)) else { return };
    // Reports belong to the server they were accepted for: the tester starts when there is one.
    tokio::select! {
        () = stop.cancelled() => return,
        ready = link.wait_for(|link| link.state == Connection::Connected) => if ready.is_err() { return },
    }
    let mut line = Line::new(demo.seed);
    let (start, span) = (clock.now(), TimeDelta::hours(8));
    for index in 0..demo.backlog {
        let at = start - span + span * i32::try_from(index).unwrap_or(0) / i32::try_from(demo.backlog.max(1)).unwrap_or(1);
        write(&folder, index, line.next(at)).await;
        if stop.is_cancelled() {
            return;
        }
    }
    let mut beat = tokio::time::interval(demo.beat.max(Duration::from_millis(10)));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for index in demo.backlog.. {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let place = folder.clone();
        let crowded = tokio::task::spawn_blocking(move || tidy(&place)).await.unwrap_or(false);
        if !crowded {
            write(&folder, index, line.next(clock.now())).await;
        }
    }
}

/// Writes as careful testers do: under another name first, so that nobody reads half a file.
async fn write(folder: &Path, index: usize, text: String) {
    let folder = folder.to_owned();
    let written = tokio::task::spawn_blocking(move || -> io::Result<()> {
        fs::create_dir_all(&folder)?;
        let temporary = folder.join(format!("run-{index:06}.part"));
        fs::write(&temporary, text)?;
        fs::rename(temporary, folder.join(format!("run-{index:06}.json")))
    });
    if let Ok(Err(error)) = written.await {
        tracing::warn!(%error, "the simulated tester cannot write");
    }
}

/// Removes the oldest files that were taken, and tells whether too many wait.
fn tidy(folder: &Path) -> bool {
    for name in ["Done", "Error"] {
        let mut taken = files_in(&folder.join(name));
        if taken.len() > KEPT * 2 {
            taken.sort();
            let surplus = taken.len() - KEPT;
            for path in &taken[..surplus] {
                let _ = fs::remove_file(path);
            }
        }
    }
    files_in(folder).len() > CROWDED
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect());
    entries.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_does_not_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("Done")).unwrap();
        for index in 0..=KEPT * 2 {
            fs::write(folder.path().join(format!("Done/run-{index:06}.json")), "x").unwrap();
        }
        assert!(!tidy(folder.path()));
        let left = files_in(&folder.path().join("Done"));
        assert_eq!(left.len(), KEPT);
        assert!(left.iter().all(|path| path.file_name().unwrap().to_string_lossy().as_ref() > "run-000200.json"));
    }
}
