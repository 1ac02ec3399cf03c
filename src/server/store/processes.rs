//! The kinds of test operation that reports belong to.

use super::{Store, StoreError, key};
use crate::protocol::wats::Process;

/// What a fresh server knows: code, name, test, repair.
const FIRST: &[(i64, &str, bool, bool)] =
    &[(10, "Debug", true, false), (100, "End of line test", true, false), (500, "Repair", false, true)];

#[derive(sqlx::FromRow)]
struct Row {
    code: i64,
    name: String,
    description: String,
    is_test: i64,
    is_repair: i64,
    is_wip: i64,
    position: i64,
    state: i64,
}

/// All, by position and code.
pub(in crate::server) async fn list(store: &Store) -> Result<Vec<Process>, StoreError> {
    let text = "select code, name, description, is_test, is_repair, is_wip, position, state from processes order by position, code";
    let rows: Vec<Row> = sqlx::query_as(text).fetch_all(&store.readers).await?;
    let process = |row: Row| Process {
        code: row.code,
        name: row.name,
        description: row.description,
        is_test_operation: row.is_test != 0,
        is_repair_operation: row.is_repair != 0,
        is_wip_operation: row.is_wip != 0,
        process_index: row.position,
        state: row.state,
    };
    Ok(rows.into_iter().map(process).collect())
}

/// Adds one, or gives the one with this code another name and kind. False when another process has the name.
pub(in crate::server) async fn put(store: &Store, process: &Process) -> Result<bool, StoreError> {
    let text = "insert into processes (code, name, name_key, description, is_test, is_repair, is_wip, position, state)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (code) do update set name = excluded.name, name_key = excluded.name_key, description = excluded.description,
            is_test = excluded.is_test, is_repair = excluded.is_repair, is_wip = excluded.is_wip, position = excluded.position,
            state = excluded.state";
    let result = sqlx::query(text)
        .bind(process.code)
        .bind(&process.name)
        .bind(key(&process.name))
        .bind(&process.description)
        .bind(i64::from(process.is_test_operation))
        .bind(i64::from(process.is_repair_operation))
        .bind(i64::from(process.is_wip_operation))
        .bind(process.process_index)
        .bind(process.state)
        .execute(&store.writer)
        .await;
    match result {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives a database without any process the first ones.
pub(in crate::server) async fn seed(store: &Store) -> Result<(), StoreError> {
    let count: i64 = sqlx::query_scalar("select count(*) from processes").fetch_one(&store.writer).await?;
    if count > 0 {
        return Ok(());
    }
    for (position, (code, name, test, repair)) in FIRST.iter().enumerate() {
        let process = Process {
            code: *code,
            name: (*name).to_owned(),
            is_test_operation: *test,
            is_repair_operation: *repair,
            process_index: position as i64 + 1,
            state: 1,
            ..Process::default()
        };
        put(store, &process).await?;
    }
    Ok(())
}
