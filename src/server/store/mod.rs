//! SQL, and nothing else knows any. One writer, several readers, on SQLite in WAL with full sync.
//!
//! The texts keep to a dialect that SQLite and PostgreSQL read alike: `$1` placeholders, ids (UUIDv7) and times made in Rust, times as
//! bigint microseconds since 1970 UTC, uniqueness without regard to case by a `…_key` column, lists via `QueryBuilder`, no `ilike`, no
//! JSON operators, no `sum` or `avg` over integers, and one transaction for whatever must be whole.

pub(super) mod processes;
pub(super) mod report_query;
pub(super) mod reports;
pub(super) mod sessions;
pub(super) mod settings;
pub(super) mod station_tokens;
pub(super) mod users;

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// The database. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

/// The database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database is of another version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the folder {0} cannot be used: {1}")]
    Folder(String, std::io::Error),
}

/// Connections that only read.
const READERS: u32 = 4;
/// How long a connection waits for another program's write.
const BUSY: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the file, makes it when missing, and brings it to this version.
    pub(super) async fn open(file: &Path) -> Result<Store, StoreError> {
        if let Some(folder) = file.parent() {
            let unusable = |error| StoreError::Folder(folder.display().to_string(), error);
            make_private_folder(folder).map_err(unusable)?;
            make_private_file(file).map_err(unusable)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-4000");
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!("src/server/store/migrations").run(&writer).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Store { writer, readers })
    }

    /// Writes the log into the database file and lets go of it.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a change of several steps. It holds the write lock from the start: one that only reads first could be refused halfway
    /// when another program writes.
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, StoreError> {
        Ok(self.writer.begin_with("begin immediate").await?)
    }

    /// Whether it can be read at all.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("select count(*) from settings").execute(&self.readers).await?;
        Ok(())
    }
}

/// Makes a folder that only this account can look into, where the platform has such.
pub(super) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file that only this account can read; SQLite's own files beside it take after it.
fn make_private_file(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

/// A time as the database keeps it.
pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// And back. Times outside of what the calendar knows become 1970.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// What names are compared by.
pub(super) fn key(text: &str) -> String {
    text.trim().to_lowercase()
}
