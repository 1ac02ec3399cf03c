//! SQL, and nothing else knows any. One text a query, for SQLite and for PostgreSQL.
//!
//! The texts keep to a dialect that both read alike: `$1` placeholders, ids (UUIDv7) and times made in Rust, times as bigint microseconds
//! since 1970 UTC, flags as bigint 0 and 1, uniqueness without regard to case by a `…_key` column, texts that depend on the question via
//! [`sql::Sql`], no `ilike`, no JSON operators, no `sum` or `avg` over integers, and one transaction for whatever must be whole. Only
//! `lower` differs: SQLite knows the letters of ASCII alone, so it is for nothing but a search. One change of several steps runs at a
//! time ([`Store::begin`]), on either database and with any number of servers, so it need not think of another such; a single statement
//! may come between its steps.

pub(super) mod access_keys;
pub(super) mod audit;
pub(super) mod chat;
pub(super) mod mail;
pub(super) mod processes;
pub(super) mod report_changes;
pub(super) mod report_query;
pub(super) mod reports;
pub(super) mod sessions;
pub(super) mod settings;
pub(super) mod sign_in_failures;
pub(super) mod sql;
pub(super) mod station_tokens;
pub(super) mod stations;
pub(super) mod users;

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};

use super::config::Database;
use super::lock::MigrationLock;

/// The database. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) writer: AnyPool,
    pub(super) readers: AnyPool,
    /// How a change of several steps begins, so that it is the only one.
    alone: Alone,
}

#[derive(Clone, Copy, Debug)]
enum Alone {
    /// Takes SQLite's write lock at once: a change that only reads first could be refused halfway when another program writes.
    BeginImmediate,
    /// Takes PostgreSQL's advisory lock of this number, until the change ends.
    Lock(i64),
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

impl StoreError {
    /// Whether the database refused what it was told, as opposed to being gone, stopped, busy or full.
    pub(super) fn is_of_the_data(&self) -> bool {
        let StoreError::Database(sqlx::Error::Database(error)) = self else { return false };
        !is_of_the_database(&error.code().unwrap_or_default())
    }

    /// Whether a text held the character NUL, which PostgreSQL refuses as `character_not_in_repertoire`.
    pub(super) fn is_nul(&self) -> bool {
        matches!(self, StoreError::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some("22021"))
    }
}

/// Whether an error's code is about the database, whatever it is told: a class of PostgreSQL's five letters (08 connection, 25 and 40
/// the transaction, 53 resources, 55 locks, 57 an operator, 58 the system), or a number of SQLite's, whose low byte is the kind.
fn is_of_the_database(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "25", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class));
    }
    // BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5..=11 | 13..=15 | 26))
}

/// Connections that only read a SQLite file.
const READERS: u32 = 4;
/// Connections to PostgreSQL that write, and those that read.
const PLANT: (u32, u32) = (4, 12);
/// How long a connection waits for another program's write, and how long a request waits for a connection.
const BUSY: Duration = Duration::from_secs(10);
/// How long a probe of health waits for the database. Probes themselves give up after three seconds.
const LOOK: Duration = Duration::from_secs(2);
/// "andon" as a number, so that other users of a PostgreSQL server do not meet our lock by chance.
const WRITE_LOCK: i64 = 0x61_6e_64_6f_6e;

impl Store {
    /// Opens the database, makes its file when missing, and brings it to this version. Servers that start at once do that in turn.
    pub(super) async fn open(database: &Database) -> Result<Store, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        match database {
            Database::Sqlite(file) => Store::open_file(file).await,
            Database::Postgres(url) => Store::open_plant(url.expose()).await,
        }
    }

    async fn open_file(file: &Path) -> Result<Store, StoreError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let unusable = |error| StoreError::Folder(folder.display().to_string(), error);
        make_private_folder(folder).map_err(unusable)?;
        make_private_file(file).map_err(unusable)?;
        let _turn = MigrationLock::take(file).await.map_err(unusable)?;
        let options = AnyConnectOptions::from_url(&SqliteConnectOptions::new().filename(file).to_url_lossy())?;
        let writer = sqlite_pool(1, "off").connect_with(options.clone()).await?;
        sqlx::migrate!("src/server/store/migrations").run(&writer).await?;
        let readers = sqlite_pool(READERS, "on").connect_with(options).await?;
        let store = Store { writer, readers, alone: Alone::BeginImmediate };
        users::renew_keys(&store).await?;
        Ok(store)
    }

    async fn open_plant(url: &str) -> Result<Store, StoreError> {
        let options: AnyConnectOptions = url.parse()?;
        // Whoever comes second waits as long as it takes.
        let mut connection = AnyConnection::connect_with(&options).await?;
        sqlx::migrate!("src/server/store/migrations").run(&mut connection).await?;
        connection.close().await?;
        let writer = plant_pool(PLANT.0).connect_with(options.clone()).await?;
        let readers = plant_pool(PLANT.1).connect_with(options).await?;
        let store = Store { writer, readers, alone: Alone::Lock(WRITE_LOCK) };
        users::renew_keys(&store).await?;
        Ok(store)
    }

    /// Writes SQLite's log into its file and lets go of the database.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a change of several steps, the only one at that time.
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, StoreError> {
        match self.alone {
            Alone::BeginImmediate => Ok(self.writer.begin_with("begin immediate").await?),
            Alone::Lock(number) => {
                let mut transaction = self.writer.begin().await?;
                sqlx::query("select pg_advisory_xact_lock($1)").bind(number).execute(&mut *transaction).await?;
                Ok(transaction)
            }
        }
    }

    /// Whether other servers may use it at the same time.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.alone, Alone::Lock(_))
    }

    /// Whether it can be read at all, before whoever asks loses his patience.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let look = sqlx::query("select count(*) from settings").execute(&self.readers);
        tokio::time::timeout(LOOK, look).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(())
    }
}

/// Connections to a file in WAL mode whose commits are on the disk before they are told of.
fn sqlite_pool(connections: u32, query_only: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(BUSY).after_connect(move |connection: &mut AnyConnection, _| {
        let pragmas = format!(
            "pragma busy_timeout = {}; pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
             pragma temp_store = memory; pragma cache_size = -4000; pragma query_only = {query_only}",
            BUSY.as_millis()
        );
        Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(pragmas)).await.map(drop) })
    })
}

/// Connections to PostgreSQL that wait for another server's change as long as for a connection, and lose their own change when their
/// server stops in the middle of it: a machine that hangs must not hold up the plant.
fn plant_pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(BUSY).after_connect(|connection: &mut AnyConnection, _| {
        let limits = format!("set lock_timeout = {0}; set idle_in_transaction_session_timeout = {0}", BUSY.as_millis());
        Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(limits)).await.map(drop) })
    })
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

/// What names and addresses are compared by; those of people, besides, by `server/names.rs`.
pub(super) fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&Database::Sqlite(folder.path().join("line.db"))).await.unwrap()
    }

    #[tokio::test]
    async fn what_a_database_says_of_a_row_is_told_from_what_it_would_say_of_every_row() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (store(&folder).await, store(&folder).await);
        let put = "insert into settings (name, value) values ($1, $2)";
        let put = async |store: &Store, name: &str, value: &str| {
            sqlx::query(put).bind(name).bind(value).execute(&store.writer).await.map(drop).map_err(StoreError::from)
        };
        put(&one, "name", "value").await.unwrap();
        let twice = put(&one, "name", "value").await.unwrap_err();
        assert!(twice.is_of_the_data(), "{twice}");
        // SQLITE_BUSY_SNAPSHOT: somebody else wrote since this one read.
        let mut late = one.writer.begin().await.unwrap();
        sqlx::query("select count(*) from settings").execute(&mut *late).await.unwrap();
        put(&two, "other", "value").await.unwrap();
        let overtaken: StoreError = sqlx::query("delete from settings").execute(&mut *late).await.unwrap_err().into();
        assert!(!overtaken.is_of_the_data(), "{overtaken}");
        drop(late);
        // SQLITE_FULL.
        two.writer.execute("pragma max_page_count = 1").await.unwrap();
        let full = put(&two, "large", &"x".repeat(1_000_000)).await.unwrap_err();
        assert!(!full.is_of_the_data(), "{full}");
    }

    #[test]
    fn codes_of_both_databases_are_told_apart_by_class() {
        for of_the_data in ["19", "2067", "1555", "20", "18", "23505", "22P02", "22021", "54000"] {
            assert!(!is_of_the_database(of_the_data), "{of_the_data}");
        }
        for of_the_database in
            ["5", "261", "517", "773", "6", "10", "778", "13", "1032", "53100", "53300", "08006", "57P01", "55P03", "58030", "40P01"]
        {
            assert!(is_of_the_database(of_the_database), "{of_the_database}");
        }
    }
}
