//! How far each person has read, kept in the instance's folder: what could not be told to the server yet is told the next time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::client::files;

/// Largest file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;
/// Persons and rooms that are remembered.
const PERSONS: usize = 100;
const ROOMS: usize = 100;

/// The last message that was read, by room.
pub(super) type Marks = BTreeMap<String, String>;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct OnFile {
    #[serde(default)]
    server_id: String,
    /// By the id of the account.
    #[serde(default)]
    read: BTreeMap<String, Marks>,
}

fn place(folder: &Path) -> PathBuf {
    folder.join("cache").join("chat-read.json")
}

/// What is remembered of a person on a server. A file that cannot be read is as good as none: the server knows too.
pub(super) fn read(folder: &Path, server_id: &str, user_id: &str) -> Marks {
    let mut known = on_file(folder, server_id);
    known.read.remove(user_id).unwrap_or_default()
}

fn on_file(folder: &Path, server_id: &str) -> OnFile {
    let bytes = files::read_bounded(&place(folder), LIMIT).unwrap_or_default();
    let known: OnFile = serde_json::from_slice(&bytes).unwrap_or_default();
    if known.server_id == server_id { known } else { OnFile { server_id: server_id.to_owned(), ..OnFile::default() } }
}

/// Remembers it beside what others have read. Whose reading lies longest ago is forgotten first.
pub(super) fn write(folder: &Path, server_id: &str, user_id: &str, marks: &Marks) -> io::Result<()> {
    let mut known = on_file(folder, server_id);
    let mut marks = marks.clone();
    while marks.len() > ROOMS && forget_oldest(&mut marks, |id| Some(id.clone())) {}
    known.read.insert(user_id.to_owned(), marks);
    while known.read.len() > PERSONS && forget_oldest(&mut known.read, |marks| marks.values().max().cloned()) {}
    let place = place(folder);
    files::make_private_folder(&folder.join("cache"))?;
    files::write_whole(&place, &serde_json::to_vec(&known)?)
}

fn forget_oldest<T>(all: &mut BTreeMap<String, T>, newest: impl Fn(&T) -> Option<String>) -> bool {
    let oldest = all.iter().min_by_key(|(_, one)| newest(one)).map(|(name, _)| name.clone());
    oldest.is_some_and(|name| all.remove(&name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(id: &str) -> Marks {
        Marks::from([("line".to_owned(), id.to_owned())])
    }

    #[test]
    fn each_person_finds_his_own_place_again_on_the_same_server_alone() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "ann", &marks("01")).unwrap();
        write(folder.path(), "a", "bob", &marks("02")).unwrap();
        assert_eq!((read(folder.path(), "a", "ann"), read(folder.path(), "a", "bob")), (marks("01"), marks("02")));
        assert_eq!(read(folder.path(), "b", "ann"), Marks::new());
        std::fs::write(place(folder.path()), "{").unwrap();
        assert_eq!(read(folder.path(), "a", "ann"), Marks::new());
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..PERSONS + 5 {
            write(folder.path(), "a", &n.to_string(), &marks(&format!("{n:04}"))).unwrap();
        }
        assert_eq!(on_file(folder.path(), "a").read.len(), PERSONS);
        assert_eq!(read(folder.path(), "a", "0"), Marks::new());
        assert_eq!(read(folder.path(), "a", "104"), marks("0104"));
    }
}
