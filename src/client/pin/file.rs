//! The PIN on disk: a slow hash and the wrong tries, sealed for this machine in a file of its own. Who may take that file away
//! looks after this PC, and has forgotten the PIN. Everything here blocks: the disk, and a hash that is slow on purpose.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::PinError;
use crate::client::verifier::{Tools, Verifier};
use crate::client::{files, sealed_file};
use crate::domain::credentials::check_pin;
use crate::domain::lockout::{self, History, Verdict};
use crate::support::secret::Secret;

const NAME: &str = "pin.json";

/// Where the PIN of the instance in this folder lies.
pub(crate) fn path_in(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Takes the PIN away, if there is one.
pub(crate) fn forget(folder: &Path) -> io::Result<bool> {
    let path = path_in(folder);
    let was_there = path.exists();
    files::wipe(&path)?;
    Ok(was_there)
}

pub(crate) struct PinFile {
    tools: Tools,
    /// Wrong tries that a full disk did not take.
    unwritten: Option<History>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    verifier: Verifier,
    failures: Option<History>,
}

impl PinFile {
    pub(crate) fn new(tools: Tools) -> PinFile {
        // Without the keyring, which may be locked when a display starts by itself.
        PinFile { tools: Tools { vault: tools.vault.of_machine(), ..tools }, unwritten: None }
    }

    /// Whether there is a PIN: one that cannot be read guards like any other.
    pub(crate) fn is_set(&self) -> bool {
        path_in(&self.tools.folder).symlink_metadata().map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
    }

    /// Until when nobody may try.
    pub(crate) fn locked_until(&self) -> Option<DateTime<Utc>> {
        let failures = self.unwritten.or_else(|| self.read().ok()??.failures);
        match lockout::PIN.judge(failures.as_ref(), self.tools.clock.now()) {
            Verdict::LockedUntil(until) => Some(until),
            Verdict::Free | Verdict::Suspect => None,
        }
    }

    /// Whether this is the PIN; any is where there is none. A try counts before it is looked at: nobody gains by pulling the plug.
    pub(crate) fn check(&mut self, pin: &Secret) -> Result<(), PinError> {
        let Some(mut kept) = self.read()? else { return Ok(()) };
        let now = self.tools.clock.now();
        let before = self.unwritten.or(kept.failures);
        if let Verdict::LockedUntil(until) = lockout::PIN.judge(before.as_ref(), now) {
            return Err(PinError::LockedUntil(until));
        }
        let history = lockout::PIN.fail(before.as_ref(), now);
        self.note(&mut kept, Some(history));
        if kept.verifier.fits(pin) {
            self.note(&mut kept, None);
            return Ok(());
        }
        match history.locked_until {
            Some(until) => {
                tracing::warn!(%until, "too many wrong PINs");
                Err(PinError::LockedUntil(until))
            }
            None => Err(PinError::Wrong { left: lockout::PIN.limit() - history.failures }),
        }
    }

    /// Makes `new` the PIN. `current` is asked for where there is one already.
    pub(crate) fn set(&mut self, current: &Secret, new: &Secret) -> Result<(), PinError> {
        check_pin(new.expose()).map_err(|_| PinError::Unusable)?;
        self.check(current)?;
        let verifier = Verifier::of(new, self.tools.cost).map_err(PinError::NotKept)?;
        self.write(&Kept { verifier, failures: None }).map_err(PinError::NotKept)
    }

    pub(crate) fn remove(&mut self, current: &Secret) -> Result<(), PinError> {
        self.check(current)?;
        forget(&self.tools.folder).map(drop).map_err(PinError::NotKept)
    }

    /// Keeps what was tried, in memory alone where the disk is full: it shall neither open the door nor close it for good.
    fn note(&mut self, kept: &mut Kept, failures: Option<History>) {
        kept.failures = failures;
        self.unwritten = match self.write(kept) {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(%error, "a try of the PIN could not be written down");
                failures
            }
        };
    }

    fn read(&self) -> Result<Option<Kept>, PinError> {
        let path = path_in(&self.tools.folder);
        let unreadable = |detail: String| PinError::Unreadable { file: path.clone(), detail };
        let sealed = match sealed_file::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let vault = &self.tools.vault;
        let opened = vault.find_key(&sealed).and_then(|key| vault.open_with(&key, &sealed, &self.bound()));
        let text = opened.map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_str(text.expose()).map(Some).map_err(|error| unreadable(error.to_string()))
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let text = Zeroizing::new(serde_json::to_string(kept)?);
        let vault = &self.tools.vault;
        let sealed = vault.seal_with(&vault.draw_key()?, &Secret::new(text.as_str()), &self.bound())?;
        sealed_file::write(&path_in(&self.tools.folder), sealed)
    }

    /// What the file is for: it opens for nothing else.
    fn bound(&self) -> Vec<u8> {
        format!("local pin\n{}", self.tools.id).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::client::vault::tests::{lock_keyring, vault_on};
    use crate::client::verifier::tests::tools_in;
    use crate::support::clock::Clock;

    struct World {
        folder: tempfile::TempDir,
        tools: Tools,
    }

    fn pin(digits: &str) -> Secret {
        Secret::new(digits)
    }

    impl World {
        fn new() -> World {
            let folder = tempfile::tempdir().unwrap();
            let clock = Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
            let tools = tools_in(folder.path(), clock);
            World { folder, tools }
        }

        fn with_pin(self, digits: &str) -> World {
            self.start().set(&Secret::default(), &pin(digits)).unwrap();
            self
        }

        /// As after a restart.
        fn start(&self) -> PinFile {
            PinFile::new(self.tools.clone())
        }

        fn check(&self, digits: &str) -> Result<(), PinError> {
            self.start().check(&pin(digits))
        }
    }

    #[test]
    fn a_pin_is_set_changed_and_removed_by_whoever_knows_it() {
        let world = World::new();
        assert!(!world.start().is_set());
        assert!(world.check("0000").is_ok(), "where there is none, nobody is asked");
        let world = world.with_pin("2468");
        assert!(world.start().is_set() && world.check("2468").is_ok());
        assert!(matches!(world.start().set(&Secret::default(), &pin("1111")), Err(PinError::Wrong { left: 4 })));
        assert!(matches!(world.start().remove(&pin("1111")), Err(PinError::Wrong { left: 3 })));
        world.start().set(&pin("2468"), &pin("135790135790")).unwrap();
        assert!(world.check("2468").is_err() && world.check("135790135790").is_ok());
        world.start().remove(&pin("135790135790")).unwrap();
        assert!(!world.start().is_set() && world.check("0000").is_ok());
    }

    #[test]
    fn a_pin_has_four_to_twelve_digits() {
        for bad in ["", "123", "1234567890123", "12a4", "１２３４"] {
            assert!(matches!(World::new().start().set(&Secret::default(), &pin(bad)), Err(PinError::Unusable)), "{bad:?}");
        }
    }

    #[test]
    fn the_fifth_wrong_pin_locks_for_five_minutes_through_every_restart() {
        let world = World::new().with_pin("2468");
        for left in [4, 3, 2, 1] {
            assert!(matches!(world.check("0000"), Err(PinError::Wrong { left: n }) if n == left));
        }
        let until = world.tools.clock.now() + TimeDelta::minutes(5);
        assert!(matches!(world.check("0000"), Err(PinError::LockedUntil(at)) if at == until));
        assert!(matches!(world.check("2468"), Err(PinError::LockedUntil(_))), "nor is the right one looked at");
        assert_eq!(world.start().locked_until(), Some(until));
        world.tools.clock.push(TimeDelta::minutes(5));
        assert_eq!(world.start().locked_until(), None);
        assert!(world.check("2468").is_ok());
        assert!(matches!(world.check("0000"), Err(PinError::Wrong { left: 4 })), "counting began anew");
    }

    #[test]
    fn the_right_pin_forgets_the_wrong_ones() {
        let world = World::new().with_pin("2468");
        for _ in 0..4 {
            assert!(world.check("0000").is_err());
        }
        assert!(world.check("2468").is_ok());
        assert!(matches!(world.check("0000"), Err(PinError::Wrong { left: 4 })));
    }

    #[test]
    fn neither_the_pin_nor_its_hash_can_be_read_from_the_file() {
        let world = World::new().with_pin("246813");
        let text = std::fs::read_to_string(path_in(world.folder.path())).unwrap();
        assert!(!text.contains("246813") && !text.contains("salt") && !text.contains("tag"), "{text}");
        assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1, "and nothing else is left");
    }

    #[test]
    fn what_cannot_be_read_guards_until_the_file_is_taken_away() {
        let mut world = World::new().with_pin("2468");
        world.tools.vault = vault_on("another machine");
        assert!(matches!(world.check("2468"), Err(PinError::Unreadable { .. })) && world.start().is_set());
        std::fs::write(path_in(world.folder.path()), b"{}").unwrap();
        assert!(matches!(world.check("2468"), Err(PinError::Unreadable { .. })) && world.start().is_set());
        assert!(forget(world.folder.path()).unwrap() && !forget(world.folder.path()).unwrap());
        assert!(!world.start().is_set() && world.check("").is_ok());
    }

    #[test]
    fn a_locked_keyring_keeps_nobody_out() {
        let world = World::new();
        lock_keyring(&world.tools.vault, true);
        assert!(world.with_pin("2468").check("2468").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_that_takes_nothing_still_lets_the_right_pin_in_and_counts_the_wrong_ones() {
        let world = World::new().with_pin("2468");
        let mut file = world.start();
        // A folder where the new file would be written: that fails for everybody, for an administrator too.
        let beside = world.folder.path().join(format!("{NAME}.new-{}", std::process::id()));
        std::fs::create_dir(&beside).unwrap();
        assert!(file.check(&pin("2468")).is_ok());
        for _ in 0..4 {
            assert!(matches!(file.check(&pin("0000")), Err(PinError::Wrong { .. })));
        }
        assert!(matches!(file.check(&pin("0000")), Err(PinError::LockedUntil(_))));
        assert!(file.locked_until().is_some());
    }
}
