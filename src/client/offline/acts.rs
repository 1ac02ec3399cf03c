//! What people did while the server was gone, on disk until the server has it in its audit log. One file, written whole and synced.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::files;
use crate::protocol::audit::{OFFLINE_MOST, OfflineAct};
use crate::support::clock::Clock;

/// Most acts that wait. When they are reached nobody signs in any more: what nobody would hear of is not done.
pub(crate) const LIMIT: usize = 1000;
/// Refused tries leave this many places for those who come in.
const RESERVE: usize = 100;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    acts: Vec<Waiting>,
}

/// An act, and the server it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    server_id: String,
    #[serde(flatten)]
    act: OfflineAct,
}

/// The acts in a file.
#[derive(Debug)]
pub(crate) struct Acts {
    path: PathBuf,
    content: Content,
}

/// Who did what, as it is noted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'a> {
    pub(crate) user: &'a str,
    pub(crate) action: &'static str,
    pub(crate) target: &'a str,
    /// `ok`, or the code of the refusal.
    pub(crate) result: &'static str,
}

impl Deed<'_> {
    pub(crate) fn comes(user: &str) -> Deed<'_> {
        Deed { user, action: "login", target: "", result: "ok" }
    }

    pub(crate) fn leaves(user: &str) -> Deed<'_> {
        Deed { action: "logout", ..Deed::comes(user) }
    }
}

impl Acts {
    /// A file that cannot be read is set aside, and the version before it is used.
    pub(crate) fn open(folder: &Path, clock: &Clock) -> Acts {
        let path = folder.join("offline_acts.json");
        let content = match read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(error) => {
                tracing::error!(%error, "what was done while the server was gone cannot be read");
                let _ = files::set_aside(&path, clock.now());
                read(&files::backup_of(&path)).unwrap_or_default()
            }
        };
        Acts { path, content }
    }

    /// Notes an act. When this answers well, it is on the disk.
    pub(crate) fn note(&mut self, server_id: &str, deed: Deed<'_>, clock: &Clock) -> io::Result<()> {
        let room = if deed.result == "ok" { LIMIT } else { LIMIT - RESERVE };
        if self.content.acts.len() >= room {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many acts wait for the server"));
        }
        let Deed { user, action, target, result } = deed;
        let (action, result) = (action.to_owned(), result.to_owned());
        let act = OfflineAct { id: Uuid::now_v7(), at: clock.now(), user: user.to_owned(), action, target: target.to_owned(), result };
        self.content.acts.push(Waiting { server_id: server_id.to_owned(), act });
        self.write().inspect_err(|_| drop(self.content.acts.pop()))
    }

    /// The oldest for this server, as many as are told at once.
    pub(crate) fn next(&self, server_id: &str) -> Vec<OfflineAct> {
        let mine = self.content.acts.iter().filter(|waiting| waiting.server_id == server_id);
        mine.take(OFFLINE_MOST).map(|waiting| waiting.act.clone()).collect()
    }

    /// Forgets what the server has. What cannot be written is told once more, and the server knows it by its id.
    pub(crate) fn told(&mut self, acts: &[OfflineAct]) {
        self.content.acts.retain(|waiting| acts.iter().all(|act| act.id != waiting.act.id));
        if let Err(error) = self.write() {
            tracing::warn!(%error, "acts that were told are still on the disk");
        }
    }

    fn write(&self) -> io::Result<()> {
        files::write_whole(&self.path, &serde_json::to_vec(&self.content)?)
    }
}

fn read(path: &Path) -> io::Result<Content> {
    Ok(serde_json::from_slice(&files::read_bounded(path, files::SETTINGS_LIMIT)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes() -> Deed<'static> {
        Deed::comes("ann")
    }

    fn fails() -> Deed<'static> {
        Deed { result: "invalid_credentials", ..comes() }
    }

    #[test]
    fn an_act_is_there_after_a_restart_until_its_server_has_it() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), &clock);
        for (server, deed) in [("s1", comes()), ("s2", comes()), ("s1", fails())] {
            acts.note(server, deed, &clock).unwrap();
        }
        let mut acts = Acts::open(folder.path(), &clock);
        let mine = acts.next("s1");
        assert_eq!(mine.iter().map(|act| act.result.as_str()).collect::<Vec<_>>(), ["ok", "invalid_credentials"]);
        acts.told(&mine);
        let acts = Acts::open(folder.path(), &clock);
        assert_eq!((acts.next("s1").len(), acts.next("s2").len()), (0, 1));
    }

    #[test]
    fn tries_that_fail_leave_room_for_those_who_come_in_and_then_nobody_does() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), &clock);
        let waiting = || Waiting { server_id: "s1".to_owned(), act: Acts::open(folder.path(), &clock).next("s1")[0].clone() };
        acts.note("s1", fails(), &clock).unwrap();
        acts.content.acts = vec![waiting(); LIMIT - RESERVE];
        assert!(acts.note("s1", fails(), &clock).is_err() && acts.note("s1", comes(), &clock).is_ok());
        acts.content.acts = vec![waiting(); LIMIT];
        assert!(acts.note("s1", comes(), &clock).is_err());
        assert!(serde_json::to_vec(&acts.content).unwrap().len() < 400 * LIMIT && acts.next("s1").len() == OFFLINE_MOST);
    }

    #[test]
    fn a_broken_file_is_set_aside_and_the_one_before_is_used() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), &clock);
        acts.note("s1", comes(), &clock).unwrap();
        acts.note("s1", comes(), &clock).unwrap();
        std::fs::write(folder.path().join("offline_acts.json"), "{").unwrap();
        assert_eq!(Acts::open(folder.path(), &clock).next("s1").len(), 1);
        let aside = std::fs::read_dir(folder.path()).unwrap().flatten().any(|entry| entry.path().to_string_lossy().contains(".broken-"));
        assert!(aside);
    }
}
