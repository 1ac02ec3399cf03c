//! The public keys of all servers that sign access tokens for this database.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, micros, time};

/// One key, as every server may know it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::server) struct PublishedKey {
    /// The `kid` of the tokens it signs.
    pub(in crate::server) id: String,
    pub(in crate::server) pem: String,
    /// From when on no server signs with it any more.
    pub(in crate::server) retired_at: Option<DateTime<Utc>>,
}

/// Makes a key known to all servers. One that is known already stays as it is.
pub(in crate::server) async fn publish(store: &Store, id: &str, pem: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("insert into access_keys (id, pem, created_at) values ($1, $2, $3) on conflict (id) do nothing")
        .bind(id)
        .bind(pem)
        .bind(micros(now))
        .execute(&store.writer)
        .await?;
    Ok(())
}

/// All keys that were not retired before `since`.
pub(in crate::server) async fn list(store: &Store, since: DateTime<Utc>) -> Result<Vec<PublishedKey>, StoreError> {
    let text = "select id, pem, retired_at from access_keys where retired_at is null or retired_at > $1 order by id";
    let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(text).bind(micros(since)).fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(|(id, pem, retired_at)| PublishedKey { id, pem, retired_at: retired_at.map(time) }).collect())
}

/// Retires every key in use. How many those were.
pub(in crate::server) async fn retire_all(store: &Store, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let text = "update access_keys set retired_at = $1 where retired_at is null";
    Ok(sqlx::query(text).bind(micros(now)).execute(&store.writer).await?.rows_affected())
}
