//! Opens the queue's file: one SQLite database beside its write-ahead log, synced at every commit.
//! Small rows and large texts lie apart, so that a change of state does not write a report again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::super::files;
use super::error::QueueError;

const VERSION: i64 = 1;

/// How long a program waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// `state`: 0 waits, 2 is delivered, 3 is in quarantine. That a report is being sent is known to the sender alone:
/// after a crash there is nothing to undo. Times are microseconds since 1970, for show only.
const TABLES: &str = "
    create table report (
        seq integer primary key,
        id blob not null,
        state integer not null,
        bytes integer not null,
        part text not null,
        serial text not null,
        source text not null,
        server_id text not null,
        accepted_at integer not null,
        delivered_at integer,
        tries integer not null default 0,
        digest blob not null,
        last_error text not null default '',
        history text not null
    ) strict;
    create unique index report_id on report (id);
    create index report_state on report (state, seq, bytes);
    create table body (seq integer primary key, text text not null) strict;
    create table fact (name text primary key, value text not null) strict, without rowid;
";

pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("queue.db")
}

/// The connection that writes. Makes folder and file where they are missing.
pub(super) fn open_writer(folder: &Path) -> Result<Connection, QueueError> {
    std::fs::create_dir_all(folder)?;
    private(folder, 0o700)?;
    let path = file(folder);
    let is_new = !path.exists();
    let mut db = Connection::open(&path)?;
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "auto_vacuum", "incremental")?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "wal_autocheckpoint", 2000)?;
    db.pragma_update(None, "journal_size_limit", 16 << 20)?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(&mut db)?;
    private(&path, 0o600)?;
    if is_new {
        // A synced file that nobody finds after a power cut is lost all the same.
        sync_name(&path);
        sync_name(folder);
    }
    Ok(db)
}

/// A connection that only reads, beside the writer.
pub(super) fn open_reader(folder: &Path) -> Result<Connection, QueueError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file(folder), flags)?;
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<(), QueueError> {
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = change.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            change.execute_batch(TABLES)?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        newer => return Err(QueueError::FromFuture(newer)),
    }
    Ok(change.commit()?)
}

/// Moves a damaged file and its log aside, so that work goes on and nothing is thrown away. Answers the new name.
pub(super) fn set_aside(folder: &Path, stamp: &str) -> Result<PathBuf, QueueError> {
    let aside = folder.join(format!("queue.db.broken-{stamp}"));
    std::fs::rename(file(folder), &aside)?;
    for part in ["-wal", "-shm"] {
        let from = folder.join(format!("queue.db{part}"));
        if from.exists() {
            std::fs::rename(from, folder.join(format!("queue.db.broken-{stamp}{part}")))?;
        }
    }
    sync_name(&aside);
    Ok(aside)
}

/// Makes a name as durable as what it names. Not every file system can; that is no reason to take no reports.
fn sync_name(path: &Path) {
    if let Err(error) = files::sync_folder(path) {
        tracing::warn!("the folder of {} cannot be synced: {error}", path.display());
    }
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> Result<(), QueueError> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) -> Result<(), QueueError> {
    Ok(())
}
