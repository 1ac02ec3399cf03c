//! One server a SQLite file: what it keeps in memory would else differ from what the other one stored; and one program at a time that
//! brings the file to its version. The operating system holds the locks, so a crash leaves nothing behind.

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
        let file = open(&database.with_extension("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DatabaseLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Held while the database is brought to this version: SQLite itself lets two programs begin at once.
#[derive(Debug)]
pub(super) struct MigrationLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl MigrationLock {
    /// Waits for whoever has it: he needs milliseconds. Beside the database file, as `line.migration`.
    pub(super) async fn take(database: &Path) -> io::Result<MigrationLock> {
        let path = database.with_extension("migration");
        let waited = tokio::task::spawn_blocking(move || {
            let file = open(&path)?;
            file.lock().map(|()| MigrationLock(file))
        });
        waited.await.map_err(io::Error::other)?
    }
}

/// Only to be locked: so it need not be ours to write, should somebody else have made it.
fn open(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => OpenOptions::new().create(true).truncate(false).write(true).open(path),
        opened => opened,
    }
}
