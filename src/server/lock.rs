//! One server a SQLite file: what it keeps in memory would else differ from what the other one stored.
//! The operating system holds the lock, so a crash leaves nothing behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held as long as a server runs.
#[derive(Debug)]
pub(super) struct DatabaseLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl DatabaseLock {
    /// `None` when another server has it.
    /// Beside the database file, as `line.lock`.
    pub(super) fn take(database: &Path) -> io::Result<Option<DatabaseLock>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(database.with_extension("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DatabaseLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
