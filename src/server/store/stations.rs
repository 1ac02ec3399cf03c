//! How stations are doing, as they told it last.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError, key, micros, time};
use crate::protocol::stations::{Station, StationStatus};

/// How old a station's last word may be before the same one is written again.
const REFRESHED: TimeDelta = TimeDelta::seconds(60);
/// Most stations of one answer.
const MOST: i64 = 10_000;

#[derive(sqlx::FromRow)]
struct Row {
    identifier: String,
    version: Option<String>,
    last_seen: Option<i64>,
    address: Option<String>,
    queue_depth: Option<i64>,
    failed: Option<i64>,
    converter_errors: Option<i64>,
    clock_offset_ms: Option<i64>,
    last_used: Option<i64>,
    tokens: i64,
}

impl From<Row> for Station {
    fn from(row: Row) -> Station {
        let count = |number: Option<i64>| number.map(|number| number.max(0).unsigned_abs());
        Station {
            id: row.identifier,
            version: row.version,
            last_seen: row.last_seen.max(row.last_used).map(time),
            address: row.address,
            queue_depth: count(row.queue_depth),
            failed: count(row.failed),
            converter_errors: count(row.converter_errors),
            clock_offset_ms: row.clock_offset_ms,
            tokens: u32::try_from(row.tokens).unwrap_or_default(),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select coalesce(s.identifier, t.identifier) as identifier, s.version, s.last_seen, s.address, s.queue_depth, s.failed,
                s.converter_errors, s.clock_offset_ms, t.last_used, t.tokens
            from (select identifier_key, max(identifier) as identifier, max(last_used) as last_used,
                    count(*) - count(revoked_at) as tokens from station_tokens group by identifier_key) t
            left join stations s on s.identifier_key = t.identifier_key ",
            $rest
        )
    };
}

/// Every station that ever had a token, by name.
pub(in crate::server) async fn list(store: &Store) -> Result<Vec<Station>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(select!("order by t.identifier_key limit $1")).bind(MOST).fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(Station::from).collect())
}

/// By its identifier, without regard to case.
pub(in crate::server) async fn find(store: &Store, identifier: &str) -> Result<Option<Station>, StoreError> {
    let text = select!("where t.identifier_key = $1");
    let row: Option<Row> = sqlx::query_as(text).bind(key(identifier)).fetch_optional(&store.readers).await?;
    Ok(row.map(Station::from))
}

/// Keeps what a station tells of itself, unless it told the same a moment ago.
pub(in crate::server) async fn note(
    store: &Store,
    identifier: &str,
    status: &StationStatus,
    address: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let told = find(store, identifier)
        .await?
        .is_some_and(|old| same(&old, status, address) && old.last_seen.is_some_and(|seen| now - seen < REFRESHED));
    if told {
        return Ok(());
    }
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let text = "insert into stations
            (identifier_key, identifier, version, last_seen, address, queue_depth, failed, converter_errors, clock_offset_ms)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (identifier_key) do update set identifier = excluded.identifier, version = excluded.version,
            last_seen = excluded.last_seen, address = excluded.address, queue_depth = excluded.queue_depth, failed = excluded.failed,
            converter_errors = excluded.converter_errors, clock_offset_ms = excluded.clock_offset_ms";
    sqlx::query(text)
        .bind(key(identifier))
        .bind(identifier)
        .bind(&status.version)
        .bind(micros(now))
        .bind(address)
        .bind(count(status.queue_depth))
        .bind(count(status.failed))
        .bind(count(status.converter_errors))
        .bind(status.clock_offset_ms)
        .execute(&store.writer)
        .await?;
    Ok(())
}

fn same(old: &Station, status: &StationStatus, address: &str) -> bool {
    old.version.as_deref() == Some(status.version.as_str())
        && old.address.as_deref() == Some(address)
        && [old.queue_depth, old.failed, old.converter_errors] == [status.queue_depth, status.failed, status.converter_errors].map(Some)
        // A clock wanders by milliseconds all the time.
        && old.clock_offset_ms.zip(status.clock_offset_ms).is_some_and(|(a, b)| a.abs_diff(b) < 1000)
}
