//! The log of changed reports, by which every server follows what the others stored. Written within the one change at a time that
//! [`Store::begin`] allows, so that numbers are in the order of commits and without gaps.

use std::ops::RangeInclusive;

use sqlx::AnyConnection;
use uuid::Uuid;

use super::sql::Sql;
use super::{Store, StoreError};

/// Changes that are kept. Who is further behind reads all reports again.
const KEPT: i64 = 100_000;
/// Changes read at a time.
const CHUNK: i64 = 1000;

/// Notes that these reports came, changed or went. Answers the numbers of these changes.
pub(super) async fn note(connection: &mut AnyConnection, ids: &[Uuid]) -> Result<RangeInclusive<i64>, StoreError> {
    let newest = newest_of(connection).await?;
    if !ids.is_empty() {
        let mut sql = Sql::new("insert into report_changes (number, report_id) values ");
        for (number, id) in (newest + 1..).zip(ids) {
            sql.push(if number == newest + 1 { "(" } else { ", (" }).push_bind(number).push(", ").push_bind(id.to_string()).push(")");
        }
        sql.execute(connection).await?;
        sqlx::query("delete from report_changes where number <= $1").bind(newest - KEPT).execute(connection).await?;
    }
    Ok(newest + 1..=newest + ids.len() as i64)
}

async fn newest_of(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("select coalesce(max(number), 0) from report_changes").fetch_one(connection).await?)
}

/// The number of the newest change.
pub(in crate::server) async fn newest(store: &Store) -> Result<i64, StoreError> {
    newest_of(&mut *store.readers.acquire().await?).await
}

/// Numbers and reports of the next changes after `known`, not all at once: none when there are none.
pub(in crate::server) async fn after(store: &Store, known: i64) -> Result<Vec<(i64, Uuid)>, StoreError> {
    let text = "select number, report_id from report_changes where number > $1 order by number limit $2";
    let rows: Vec<(i64, String)> = sqlx::query_as(text).bind(known).bind(CHUNK).fetch_all(&store.readers).await?;
    // A row that no version of this program writes stands for no report.
    Ok(rows.into_iter().map(|(number, id)| (number, id.parse().unwrap_or_default())).collect())
}
