//! One server a data folder: what it keeps in memory would else differ from the database.
//! The operating system holds the lock, so a crash leaves nothing behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held as long as a server runs.
#[derive(Debug)]
pub(super) struct FolderLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl FolderLock {
    /// `None` when another server has it.
    pub(super) fn take(folder: &Path) -> io::Result<Option<FolderLock>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("line.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FolderLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
