//! Tokens that stations act with. Only their hashes are kept.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::{Store, StoreError, key, micros, time};

/// One token, as lists show it.
#[derive(Clone, Debug)]
pub struct StationToken {
    pub id: String,
    /// The station it was issued for.
    pub identifier: String,
    /// Its last four characters.
    pub mask: String,
    pub issued_by: String,
    pub created_at: DateTime<Utc>,
    pub last_used: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    identifier: String,
    mask: String,
    issued_by: String,
    created_at: i64,
    last_used: Option<i64>,
    revoked_at: Option<i64>,
}

/// What a new token starts with.
pub(in crate::server) struct NewStationToken<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) identifier: &'a str,
    pub(in crate::server) hash: &'a str,
    pub(in crate::server) mask: &'a str,
    pub(in crate::server) issued_by: &'a str,
    pub(in crate::server) now: DateTime<Utc>,
    /// Whether the station's earlier tokens end.
    pub(in crate::server) reset: bool,
}

/// The ids of the tokens that a reset has ended.
pub(in crate::server) async fn insert(connection: &mut AnyConnection, new: &NewStationToken<'_>) -> Result<Vec<String>, StoreError> {
    let mut ended = Vec::new();
    if new.reset {
        let text = "update station_tokens set revoked_at = $2 where identifier_key = $1 and revoked_at is null returning id";
        ended = sqlx::query_scalar(text).bind(key(new.identifier)).bind(micros(new.now)).fetch_all(&mut *connection).await?;
    }
    let text = "insert into station_tokens (id, identifier, identifier_key, hash, mask, issued_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(text)
        .bind(new.id)
        .bind(new.identifier)
        .bind(key(new.identifier))
        .bind(new.hash)
        .bind(new.mask)
        .bind(new.issued_by)
        .bind(micros(new.now))
        .execute(connection)
        .await?;
    Ok(ended)
}

/// Id, station, and when it was last seen using it; none for a token that is unknown or revoked.
pub(in crate::server) async fn find(store: &Store, hash: &str) -> Result<Option<(String, String, Option<i64>)>, StoreError> {
    let text = "select id, identifier, last_used from station_tokens where hash = $1 and revoked_at is null";
    Ok(sqlx::query_as(text).bind(hash).fetch_optional(&store.readers).await?)
}

/// Notes that a token was used, unless the writer is busy: then the next request will.
pub(in crate::server) async fn note_use(store: &Store, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    if let Some(mut writer) = store.writer.try_acquire() {
        let text = "update station_tokens set last_used = $2 where id = $1";
        sqlx::query(text).bind(id).bind(micros(now)).execute(&mut *writer).await?;
    }
    Ok(())
}

/// Newest first.
pub(in crate::server) async fn list(store: &Store) -> Result<Vec<StationToken>, StoreError> {
    let text =
        "select id, identifier, mask, issued_by, created_at, last_used, revoked_at from station_tokens order by created_at desc, id desc";
    let rows: Vec<Row> = sqlx::query_as(text).fetch_all(&store.readers).await?;
    let token = |row: Row| StationToken {
        id: row.id,
        identifier: row.identifier,
        mask: row.mask,
        issued_by: row.issued_by,
        created_at: time(row.created_at),
        last_used: row.last_used.map(time),
        revoked_at: row.revoked_at.map(time),
    };
    Ok(rows.into_iter().map(token).collect())
}

/// One token that is still good: its station.
pub(in crate::server) async fn find_good(store: &Store, id: &str) -> Result<Option<String>, StoreError> {
    let text = "select identifier from station_tokens where id = $1 and revoked_at is null";
    Ok(sqlx::query_scalar(text).bind(id).fetch_optional(&store.readers).await?)
}

/// Ends a token by its id, or all of a station by its identifier. The ids of those it ended.
pub(in crate::server) async fn revoke(
    connection: &mut AnyConnection,
    id_or_identifier: &str,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let text = "update station_tokens set revoked_at = $3 where revoked_at is null and (id = $1 or identifier_key = $2) returning id";
    let ended = sqlx::query_scalar(text).bind(id_or_identifier).bind(key(id_or_identifier)).bind(micros(now));
    Ok(ended.fetch_all(connection).await?)
}
