//! One owner an instance, visitors that hand it something, and one writer of the registry: locks that the operating system holds for the
//! process, so that a crash gives them back.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::client::files;

/// Held for as long as this process owns the instance.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("another process owns this instance")]
    Owned,
    #[error("the instance was deleted")]
    Gone,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Others look for an instant whether a lock is held, and must not be taken for its owner.
const PATIENCE: Duration = Duration::from_millis(300);
/// A registry is changed, and a report handed over, within milliseconds. Who takes longer hangs.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(2);

/// Held while the registry is read, changed and written as one act.
#[derive(Debug)]
pub(super) struct RegistryLock {
    _file: File,
}

impl RegistryLock {
    /// Waits two seconds at most.
    pub(super) fn take(data: &Path) -> Result<RegistryLock, LockError> {
        let file = open(&data.join("registry.lock"))?;
        lock(&file, REGISTRY_PATIENCE)?;
        Ok(RegistryLock { _file: file })
    }
}

impl OwnerLock {
    /// Becomes the owner of the instance in `folder`. Waits a third of a second at most.
    pub(crate) fn take(folder: &Path) -> Result<OwnerLock, LockError> {
        let file = open(&folder.join("lock"))?;
        lock(&file, PATIENCE)?;
        Ok(OwnerLock { _file: file })
    }
}

/// Held by a program beside the owner while it hands the instance something. As long as it is held nobody deletes the instance.
#[derive(Debug)]
pub(crate) struct VisitorLock {
    _file: File,
}

impl VisitorLock {
    /// Waits two seconds at most while the instance is being deleted.
    pub(crate) fn take(folder: &Path) -> Result<VisitorLock, LockError> {
        let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { LockError::Gone } else { error.into() };
        if !is_instance(folder) {
            return Err(LockError::Gone);
        }
        let file = open(&folder.join("door")).map_err(gone)?;
        wait_for(REGISTRY_PATIENCE, || file.try_lock_shared())?;
        // It may have been deleted while this one waited before the door.
        if is_instance(folder) { Ok(VisitorLock { _file: file }) } else { Err(LockError::Gone) }
    }
}

/// Held while an instance is deleted, from the last count on: nobody hands it anything any more.
#[derive(Debug)]
pub(crate) struct DoorLock {
    _file: File,
}

impl DoorLock {
    /// Waits two seconds at most for visitors to leave.
    pub(crate) fn take(folder: &Path) -> Result<DoorLock, LockError> {
        let file = open(&folder.join("door"))?;
        lock(&file, REGISTRY_PATIENCE)?;
        Ok(DoorLock { _file: file })
    }
}

/// Whether there are settings: they are the first to go when an instance is deleted.
fn is_instance(folder: &Path) -> bool {
    let settings = folder.join("config.json");
    settings.exists() || files::backup_of(&settings).exists()
}

fn lock(file: &File, patience: Duration) -> Result<(), LockError> {
    wait_for(patience, || file.try_lock())
}

fn wait_for(patience: Duration, try_lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), LockError> {
    let deadline = Instant::now() + patience;
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(LockError::Owned),
            Err(TryLockError::WouldBlock) => {
                #[expect(clippy::disallowed_methods, reason = "the operating system offers no lock with a time limit")]
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Whether a process owns the instance in `folder` now; this process counts too.
pub(crate) fn is_owned(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn open(path: &Path) -> io::Result<File> {
    match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => files::create_private(path),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_owner_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = OwnerLock::take(folder.path()).unwrap();
        assert!(is_owned(folder.path()));
        assert!(matches!(OwnerLock::take(folder.path()), Err(LockError::Owned)));
        drop(first);
        assert!(!is_owned(folder.path()));
        OwnerLock::take(folder.path()).unwrap();
    }

    #[test]
    fn looking_does_not_keep_an_owner_out() {
        let folder = tempfile::tempdir().unwrap();
        drop(OwnerLock::take(folder.path()).unwrap());
        for _ in 0..50 {
            assert!(!is_owned(folder.path()));
            OwnerLock::take(folder.path()).unwrap();
        }
    }

    #[test]
    fn visitors_keep_the_door_open_and_find_nobody_behind_a_deleted_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(VisitorLock::take(folder.path()), Err(LockError::Gone)) && !folder.path().join("door").exists());
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        let visitors = [VisitorLock::take(folder.path()).unwrap(), VisitorLock::take(folder.path()).unwrap()];
        assert!(matches!(DoorLock::take(folder.path()), Err(LockError::Owned)));
        drop(visitors);
        let door = DoorLock::take(folder.path()).unwrap();
        std::thread::scope(|scope| {
            let visitor = scope.spawn(|| VisitorLock::take(folder.path()));
            std::fs::remove_file(folder.path().join("config.json")).unwrap();
            drop(door);
            assert!(matches!(visitor.join().unwrap(), Err(LockError::Gone)));
        });
    }
}
