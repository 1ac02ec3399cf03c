//! What people did while the server was gone, on disk until the server has it in its audit log. One file, written whole and synced.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::files;
use crate::protocol::audit::{OFFLINE_MOST, OfflineAct};

/// Most acts that wait for one server. When they are reached nobody signs in any more: what nobody would hear of is not done.
pub(crate) const LIMIT: usize = 1000;
/// Most acts for all servers together: of those for servers that were left the oldest give way.
const MOST: usize = 4 * LIMIT;
/// Refused tries leave this many places for those who come in.
const RESERVE: usize = 100;
/// What is noted of a person who signed out, and of one whom nobody saw leave: the program ended first, by a crash or a power cut.
const LEFT: &str = "logout";
const LEFT_OPEN: &str = "session.left_open";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    acts: Vec<Waiting>,
    /// Who came and has not left yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    present: Vec<Present>,
}

/// Somebody who is there without the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Present {
    server_id: String,
    user: String,
    /// Of the program, from opening the station to closing it.
    run: Uuid,
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
    run: Uuid,
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
        Deed { action: LEFT, ..Deed::comes(user) }
    }
}

impl Acts {
    /// A file that cannot be read is set aside, and the version before it is used. Who was there in a run before this one, and was
    /// not seen to leave, is noted as gone: only now is it known, and nobody knows since when.
    pub(crate) fn open(folder: &Path, run: Uuid, now: DateTime<Utc>) -> Acts {
        let path = file_in(folder);
        let content = match read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(error) => {
                tracing::error!(%error, "what was done while the server was gone cannot be read");
                let _ = files::set_aside(&path, now);
                read(&files::backup_of(&path)).unwrap_or_default()
            }
        };
        let mut acts = Acts { path, run, content };
        acts.end(|one| one.run != run, LEFT_OPEN, now);
        acts
    }

    /// Notes that somebody came, and that he is there. When this answers well, it is on the disk.
    pub(crate) fn enter(&mut self, server_id: &str, user: &str, now: DateTime<Utc>) -> io::Result<()> {
        self.content.present.push(Present { server_id: server_id.to_owned(), user: user.to_owned(), run: self.run });
        self.note(server_id, Deed::comes(user), now).inspect_err(|_| drop(self.content.present.pop()))
    }

    /// Notes that somebody left who was there.
    pub(crate) fn leave(&mut self, server_id: &str, user: &str, now: DateTime<Utc>) {
        let mut found = false;
        let first = |one: &Present| {
            let is_he = !found && one.server_id == server_id && one.user == user;
            found |= is_he;
            is_he
        };
        self.end(first, LEFT, now);
    }

    /// Everybody leaves: the station is closed.
    pub(crate) fn leave_all(&mut self, now: DateTime<Utc>) {
        self.end(|_| true, LEFT, now);
    }

    /// Notes the sign-outs of these, in one write. Where the disk refuses they are noted at the next start.
    fn end(&mut self, mut whose: impl FnMut(&Present) -> bool, action: &'static str, now: DateTime<Utc>) {
        let before = (self.content.acts.len(), self.content.present.clone());
        let (gone, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut self.content.present).into_iter().partition(|one| whose(one));
        self.content.present = stay;
        for Present { server_id, user, .. } in &gone {
            self.push(server_id, Deed { action, ..Deed::comes(user) }, now);
        }
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self.write() {
            tracing::error!(%error, "a sign-out without the server could not be noted yet");
            self.content.acts.truncate(before.0);
            self.content.present = before.1;
        }
    }

    /// Notes an act. When this answers well, it is on the disk.
    pub(crate) fn note(&mut self, server_id: &str, deed: Deed<'_>, now: DateTime<Utc>) -> io::Result<()> {
        let room = if deed.result == "ok" { LIMIT } else { LIMIT - RESERVE };
        if self.content.acts.iter().filter(|waiting| waiting.server_id == server_id).count() >= room {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many acts wait for the server"));
        }
        let oldest = self.oldest_of_another(server_id).map(|at| (at, self.content.acts.remove(at)));
        self.push(server_id, deed, now);
        self.write().inspect_err(|_| {
            self.content.acts.pop();
            if let Some((at, waiting)) = oldest {
                self.content.acts.insert(at, waiting);
            }
        })
    }

    /// What gives way where there is no more room.
    fn oldest_of_another(&self, server_id: &str) -> Option<usize> {
        let full = self.content.acts.len() >= MOST;
        full.then(|| self.content.acts.iter().position(|waiting| waiting.server_id != server_id)).flatten()
    }

    fn push(&mut self, server_id: &str, deed: Deed<'_>, now: DateTime<Utc>) {
        let Deed { user, action, target, result } = deed;
        let (action, result) = (action.to_owned(), result.to_owned());
        let act = OfflineAct { id: Uuid::now_v7(), at: now, user: user.to_owned(), action, target: target.to_owned(), result };
        self.content.acts.push(Waiting { server_id: server_id.to_owned(), act });
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

fn file_in(folder: &Path) -> PathBuf {
    folder.join("offline_acts.json")
}

/// Acts in an instance's folder that no server has heard of. A file that cannot be read counts as one.
pub(crate) fn untold_in(folder: &Path) -> u64 {
    match read(&file_in(folder)) {
        Ok(content) => (content.acts.len() + content.present.len()) as u64,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(_) => 1,
    }
}

fn read(path: &Path) -> io::Result<Content> {
    Ok(serde_json::from_slice(&files::read_bounded(path, files::SETTINGS_LIMIT)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::clock::Clock;

    fn comes() -> Deed<'static> {
        Deed::comes("ann")
    }

    fn fails() -> Deed<'static> {
        Deed { result: "invalid_credentials", ..comes() }
    }

    #[test]
    fn an_act_is_there_after_a_restart_until_its_server_has_it() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), Uuid::nil(), clock.now());
        for (server, deed) in [("s1", comes()), ("s2", comes()), ("s1", fails())] {
            acts.note(server, deed, clock.now()).unwrap();
        }
        let mut acts = Acts::open(folder.path(), Uuid::nil(), clock.now());
        let mine = acts.next("s1");
        assert_eq!(mine.iter().map(|act| act.result.as_str()).collect::<Vec<_>>(), ["ok", "invalid_credentials"]);
        acts.told(&mine);
        let acts = Acts::open(folder.path(), Uuid::nil(), clock.now());
        assert_eq!((acts.next("s1").len(), acts.next("s2").len()), (0, 1));
    }

    #[test]
    fn tries_that_fail_leave_room_for_those_who_come_in_and_then_nobody_does() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), Uuid::nil(), clock.now());
        let waiting =
            || Waiting { server_id: "s1".to_owned(), act: Acts::open(folder.path(), Uuid::nil(), clock.now()).next("s1")[0].clone() };
        acts.note("s1", fails(), clock.now()).unwrap();
        acts.content.acts = vec![waiting(); LIMIT - RESERVE];
        assert!(acts.note("s1", fails(), clock.now()).is_err() && acts.note("s1", comes(), clock.now()).is_ok());
        acts.content.acts = vec![waiting(); LIMIT];
        assert!(acts.note("s1", comes(), clock.now()).is_err());
        assert!(serde_json::to_vec(&acts.content).unwrap().len() < 400 * LIMIT && acts.next("s1").len() == OFFLINE_MOST);
    }

    #[test]
    fn what_waits_for_servers_that_were_left_keeps_nobody_out_and_is_bounded() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), Uuid::nil(), clock.now());
        acts.note("old", Deed::comes("the oldest"), clock.now()).unwrap();
        let left = acts.content.acts[0].clone();
        for n in 1..=MOST {
            acts.content.acts.resize(n, Waiting { act: OfflineAct { id: Uuid::now_v7(), ..left.act.clone() }, ..left.clone() });
        }
        acts.note("s1", comes(), clock.now()).unwrap();
        acts.note("s1", fails(), clock.now()).unwrap();
        assert_eq!((acts.content.acts.len(), acts.next("s1").len()), (MOST, 2));
        assert!(acts.content.acts.iter().all(|waiting| waiting.act.id != left.act.id), "the oldest of another server gives way");
        let bytes = std::fs::metadata(file_in(folder.path())).unwrap().len();
        assert!(bytes < files::SETTINGS_LIMIT / 2, "{bytes}");
        assert_eq!(Acts::open(folder.path(), Uuid::nil(), clock.now()).next("s1").len(), 2);
    }

    #[test]
    fn a_broken_file_is_set_aside_and_the_one_before_is_used() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), Uuid::nil(), clock.now());
        acts.note("s1", comes(), clock.now()).unwrap();
        acts.note("s1", comes(), clock.now()).unwrap();
        std::fs::write(folder.path().join("offline_acts.json"), "{").unwrap();
        assert_eq!(Acts::open(folder.path(), Uuid::nil(), clock.now()).next("s1").len(), 1);
        let aside = std::fs::read_dir(folder.path()).unwrap().flatten().any(|entry| entry.path().to_string_lossy().contains(".broken-"));
        assert!(aside);
    }

    #[test]
    fn whoever_is_there_when_the_station_closes_is_noted_as_gone_and_after_a_crash_as_not_seen_to_leave() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let run = |n| Acts::open(folder.path(), Uuid::from_u128(n), clock.now());
        let mut acts = run(1);
        for user in ["ann", "ann", "ben"] {
            acts.enter("s1", user, clock.now()).unwrap();
        }
        acts.leave("s1", "ann", clock.now());
        acts.leave("s1", "nobody", clock.now());
        let told =
            |acts: &Acts| acts.next("s1").iter().map(|act| format!("{} {} {}", act.user, act.action, act.result)).collect::<Vec<_>>();
        assert_eq!(told(&acts)[3..], ["ann logout ok"]);
        assert_eq!(told(&run(1)).len(), 4, "a service that starts anew in the same program");
        assert_eq!(untold_in(folder.path()), 4 + 2);
        let mut acts = run(2);
        assert_eq!(told(&acts)[4..], ["ann session.left_open ok", "ben session.left_open ok"]);
        acts.enter("s1", "ben", clock.now()).unwrap();
        acts.leave_all(clock.now());
        assert_eq!(told(&run(3))[6..], ["ben login ok", "ben logout ok"]);
    }

    #[test]
    fn a_sign_out_that_the_disk_refuses_is_noted_at_the_next_start() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut acts = Acts::open(folder.path(), Uuid::from_u128(1), clock.now());
        acts.enter("s1", "ann", clock.now()).unwrap();
        let obstacle = folder.path().join(format!("offline_acts.json.new-{}", std::process::id()));
        std::fs::create_dir(&obstacle).unwrap();
        acts.leave_all(clock.now());
        assert_eq!(acts.next("s1").len(), 1);
        std::fs::remove_dir(&obstacle).unwrap();
        assert_eq!(Acts::open(folder.path(), Uuid::from_u128(2), clock.now()).next("s1")[1].action, LEFT_OPEN);
    }
}
