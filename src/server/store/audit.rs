//! The audit log: entries are added and read, never changed.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::sql::Sql;
use super::{Store, StoreError, key, micros, time};
use crate::protocol::audit::Entry;

/// Longest text of an entry, in characters.
const TEXT_MAX: usize = 300;

/// An entry before it has an id.
pub(in crate::server) struct NewEntry<'a> {
    pub(in crate::server) now: DateTime<Utc>,
    pub(in crate::server) who: &'a str,
    pub(in crate::server) action: &'a str,
    pub(in crate::server) target: &'a str,
    pub(in crate::server) address: &'a str,
    pub(in crate::server) result: &'a str,
    pub(in crate::server) detail: &'a str,
    pub(in crate::server) told: Option<Told<'a>>,
}

/// That a station told of it later: which one, when it happened there, and its own id for it.
pub(in crate::server) struct Told<'a> {
    pub(in crate::server) station: &'a str,
    pub(in crate::server) at: DateTime<Utc>,
    pub(in crate::server) id: Uuid,
}

/// Which entries are wanted. Empty texts mean all.
#[derive(Clone, Default)]
pub(in crate::server) struct Wanted {
    pub(in crate::server) from: Option<DateTime<Utc>>,
    pub(in crate::server) to: Option<DateTime<Utc>>,
    pub(in crate::server) who: String,
    pub(in crate::server) action: String,
    pub(in crate::server) search: String,
    pub(in crate::server) before: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    at: i64,
    who: String,
    action: String,
    target: String,
    address: String,
    result: String,
    detail: String,
    station: Option<String>,
    happened_at: Option<i64>,
}

/// Adds an entry, as part of the change it tells of where `connection` is inside one. What a station tells a second time changes nothing.
pub(in crate::server) async fn insert(connection: &mut AnyConnection, new: &NewEntry<'_>) -> Result<(), StoreError> {
    let texts = [new.who, new.action, new.target, new.address, new.result, new.detail].map(clean);
    let [who, action, target, address, result, detail] = texts;
    let station = new.told.as_ref().map(|told| clean(told.station));
    let searched = [who.as_str(), target.as_str(), address.as_str(), detail.as_str(), station.as_deref().unwrap_or_default()];
    let search = key(searched.join("\n").trim_end());
    let told_as = new.told.as_ref().map(|told| format!("{} {}", key(told.station), told.id));
    let text =
        "insert into audit (id, at, who, who_key, action, target, address, result, detail, search_key, station, happened_at, told_as)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (told_as) do nothing";
    sqlx::query(text)
        .bind(Uuid::now_v7().to_string())
        .bind(micros(new.now))
        .bind(&who)
        .bind(key(&who))
        .bind(action)
        .bind(target)
        .bind(address)
        .bind(result)
        .bind(detail)
        .bind(search)
        .bind(station)
        .bind(new.told.as_ref().map(|told| micros(told.at)))
        .bind(told_as)
        .execute(connection)
        .await?;
    Ok(())
}

/// Newest first.
pub(in crate::server) async fn list(store: &Store, wanted: &Wanted, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let mut query = Sql::new("select id, at, who, action, target, address, result, detail, station, happened_at from audit where 1 = 1");
    if let Some(from) = wanted.from {
        query.push(" and at >= ").push_bind(micros(from));
    }
    if let Some(to) = wanted.to {
        query.push(" and at < ").push_bind(micros(to));
    }
    if !wanted.who.is_empty() {
        query.push(" and who_key = ").push_bind(key(&wanted.who));
    }
    if !wanted.action.is_empty() {
        query.push(" and action like ").push_bind(format!("{}%", escape(&wanted.action))).push(" escape '!'");
    }
    if !wanted.search.is_empty() {
        query.push(" and search_key like ").push_bind(format!("%{}%", escape(&key(&wanted.search)))).push(" escape '!'");
    }
    if let Some(before) = &wanted.before {
        query.push(" and id < ").push_bind(before.clone());
    }
    query.push(" order by id desc limit ").push_bind(limit);
    let rows: Vec<Row> = query.fetch_all(&store.readers).await?;
    let entry = |row: Row| Entry {
        id: row.id,
        timestamp: time(row.at),
        user: row.who,
        action: row.action,
        target: row.target,
        address: row.address,
        result: row.result,
        detail: row.detail,
        station: row.station,
        happened_at: row.happened_at.map(time),
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// One line of bounded length, whatever a caller sent.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect()
}

/// A text whose letters mean themselves in `like`.
pub(super) fn escape(text: &str) -> String {
    text.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect()
}
