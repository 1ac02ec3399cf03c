//! What the server must know about itself.

use uuid::Uuid;

use super::{Store, StoreError};

/// The server's own id, made once and kept for good: stations tell servers apart by it.
pub(in crate::server) async fn server_id(store: &Store) -> Result<String, StoreError> {
    sqlx::query("insert into settings (name, value) values ('server_id', $1) on conflict (name) do nothing")
        .bind(Uuid::now_v7().to_string())
        .execute(&store.writer)
        .await?;
    Ok(sqlx::query_scalar("select value from settings where name = 'server_id'").fetch_one(&store.writer).await?)
}
