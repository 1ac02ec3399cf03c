//! What persons have said and no server has yet, on disk until one has. Each message belongs to one account on one server:
//! nobody else sees it or sends it, and under its own id it is said once, however often it is sent.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::files;

/// Largest file, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;
/// Who does not come back for so long does not find his messages any more.
const LIFE: TimeDelta = TimeDelta::days(31);

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) id: Uuid,
    pub(super) room: String,
    pub(super) content: String,
    /// Whether it is for the next shift.
    #[serde(default)]
    pub(super) note: bool,
    pub(super) said_at: DateTime<Utc>,
}

/// Whose messages, and where they go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) server_id: String,
    /// The account's id.
    pub(super) user_id: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct OnFile {
    #[serde(default)]
    owners: Vec<Belongings>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Belongings {
    #[serde(flatten)]
    owner: Owner,
    messages: Vec<Kept>,
}

fn place(folder: &Path) -> PathBuf {
    folder.join("chat_unsent.json")
}

/// What waits for this owner, oldest first.
pub(super) fn read(folder: &Path, owner: &Owner, now: DateTime<Utc>) -> Vec<Kept> {
    let mut mine = on_file(folder, now).owners;
    mine.retain(|one| one.owner == *owner);
    mine.into_iter().flat_map(|one| one.messages).collect()
}

/// Puts `messages` in the place of what waited for this owner. When this answers well, they are on the disk, and what is not among
/// them is on it no more.
pub(super) fn write(folder: &Path, owner: &Owner, messages: &[Kept], now: DateTime<Utc>) -> io::Result<()> {
    let place = place(folder);
    if messages.is_empty() && !place.exists() {
        return Ok(());
    }
    let mut known = on_file(folder, now);
    known.owners.retain(|one| one.owner != *owner);
    if !messages.is_empty() {
        known.owners.push(Belongings { owner: owner.clone(), messages: messages.to_vec() });
    }
    if known.owners.is_empty() {
        return files::wipe(&place);
    }
    let bytes = serde_json::to_vec(&known)?;
    if bytes.len() > LIMIT {
        return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many messages wait"));
    }
    files::write_without_trace(&place, &bytes)
}

/// A file that cannot be read is set aside, never overwritten.
fn on_file(folder: &Path, now: DateTime<Utc>) -> OnFile {
    let place = place(folder);
    let read = files::read_bounded(&place, LIMIT as u64).and_then(|bytes| Ok(serde_json::from_slice::<OnFile>(&bytes)?));
    let mut known = match read {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return OnFile::default(),
        Err(error) => {
            tracing::error!(%error, "messages that wait cannot be read");
            let _ = files::set_aside(&place, now);
            return OnFile::default();
        }
    };
    known.owners.iter_mut().for_each(|one| one.messages.retain(|message| now - message.said_at < LIFE));
    known.owners.retain(|one| !one.messages.is_empty());
    known
}

/// Messages in an instance's folder that no server has. A file that cannot be read counts as one.
pub(crate) fn unsent_in(folder: &Path) -> u64 {
    match files::read_bounded(&place(folder), LIMIT as u64).map(|bytes| serde_json::from_slice::<OnFile>(&bytes)) {
        Ok(Ok(known)) => known.owners.iter().map(|one| one.messages.len() as u64).sum(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(server: &str, user: &str) -> Owner {
        Owner { server_id: server.to_owned(), user_id: user.to_owned() }
    }

    fn kept(n: u128, content: &str) -> Kept {
        Kept { id: Uuid::from_u128(n), room: "line".to_owned(), content: content.to_owned(), note: n == 2, said_at: now() }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn each_person_finds_what_he_said_on_the_same_server_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (ann, bob) = (owner("s1", "ann"), owner("s1", "bob"));
        write(folder.path(), &ann, &[kept(1, "one"), kept(2, "two")], now()).unwrap();
        write(folder.path(), &bob, &[kept(3, "three")], now()).unwrap();
        assert_eq!(read(folder.path(), &ann, now()), [kept(1, "one"), kept(2, "two")]);
        assert_eq!(read(folder.path(), &bob, now()), [kept(3, "three")]);
        assert_eq!((read(folder.path(), &owner("s2", "ann"), now()), unsent_in(folder.path())), (vec![], 3));
    }

    #[test]
    fn what_was_sent_or_withdrawn_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let ann = owner("s1", "ann");
        write(folder.path(), &ann, &[kept(1, "a secret word"), kept(2, "stays")], now()).unwrap();
        write(folder.path(), &ann, &[kept(2, "stays")], now()).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap().flatten() {
            assert!(!std::fs::read_to_string(entry.path()).unwrap().contains("a secret word"), "{}", entry.path().display());
        }
        write(folder.path(), &ann, &[], now()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_file_does_not_grow_for_ever_and_what_is_in_it_stays_when_there_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let (ann, bob) = (owner("s1", "ann"), owner("s1", "bob"));
        write(folder.path(), &ann, &[kept(1, "one")], now()).unwrap();
        let many: Vec<Kept> = (0..1200).map(|n| kept(n, &"ą".repeat(4000))).collect();
        assert!(write(folder.path(), &bob, &many, now()).is_err());
        assert_eq!(read(folder.path(), &ann, now()).len(), 1);
        let late = now() + LIFE;
        assert_eq!(read(folder.path(), &ann, late), []);
        write(folder.path(), &bob, &[kept(3, "three")], late).unwrap();
        assert_eq!(unsent_in(folder.path()), 1);
    }

    #[test]
    fn a_broken_file_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(place(folder.path()), "{").unwrap();
        assert_eq!(unsent_in(folder.path()), 1, "perhaps");
        assert_eq!(read(folder.path(), &owner("s1", "ann"), now()), []);
        let aside = std::fs::read_dir(folder.path()).unwrap().flatten().any(|entry| entry.path().to_string_lossy().contains(".broken-"));
        assert!(aside);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &owner("s1", "ann"), &[kept(1, "one")], now()).unwrap();
        assert_eq!(std::fs::metadata(place(folder.path())).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
