//! Sessions of people, and the hashes of the refresh tokens that keep them alive.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::sql::Sql;
use super::{Store, StoreError, micros};
use crate::domain::Role;

/// What a session starts with.
pub(in crate::server) struct NewSession<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) user_id: &'a str,
    pub(in crate::server) refresh_hash: &'a str,
    pub(in crate::server) now: DateTime<Utc>,
    pub(in crate::server) expires_at: DateTime<Utc>,
}

/// Opens a session with its first refresh token, both or neither, and notes the login.
pub(in crate::server) async fn insert(store: &Store, new: &NewSession<'_>) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    sqlx::query("insert into sessions (id, user_id, created_at, expires_at) values ($1, $2, $3, $4)")
        .bind(new.id)
        .bind(new.user_id)
        .bind(micros(new.now))
        .bind(micros(new.expires_at))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("insert into refresh_tokens (hash, session_id, created_at, expires_at) values ($1, $2, $3, $4)")
        .bind(new.refresh_hash)
        .bind(new.id)
        .bind(micros(new.now))
        .bind(micros(new.expires_at))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("update users set last_login = $2, failed_logins = 0, locked_until = null where id = $1")
        .bind(new.user_id)
        .bind(micros(new.now))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// The name and the role of now of an open session's active user.
pub(in crate::server) async fn find_user(
    store: &Store,
    session_id: &str,
    user_id: &str,
    now: DateTime<Utc>,
) -> Result<Option<(String, Role)>, StoreError> {
    let text = "select u.name, u.role from sessions s join users u on u.id = s.user_id
        where s.id = $1 and u.id = $2 and s.ended_at is null and s.expires_at > $3 and u.active = 1";
    let row: Option<(String, String)> =
        sqlx::query_as(text).bind(session_id).bind(user_id).bind(micros(now)).fetch_optional(&store.readers).await?;
    Ok(row.map(|(name, role)| (name, role.parse().unwrap_or(Role::Guest))))
}

/// Ends one session.
pub(in crate::server) async fn end(store: &Store, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("update sessions set ended_at = $2 where id = $1 and ended_at is null")
        .bind(id)
        .bind(micros(now))
        .execute(&store.writer)
        .await?;
    Ok(())
}

/// Ends every session of a user.
pub(in crate::server) async fn end_all(store: &Store, user_id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("update sessions set ended_at = $2 where user_id = $1 and ended_at is null")
        .bind(user_id)
        .bind(micros(now))
        .execute(&store.writer)
        .await?;
    Ok(())
}

/// As [`find_user`], of many at once: those whose session is open and whose account is active.
pub(in crate::server) async fn find_users(
    store: &Store,
    asked: &[(String, String)],
    now: DateTime<Utc>,
) -> Result<HashMap<(String, String), (String, Role)>, StoreError> {
    let mut found = HashMap::new();
    for some in asked.chunks(500) {
        let mut query = Sql::new(
            "select s.id, u.id, u.name, u.role from sessions s join users u on u.id = s.user_id
            where s.ended_at is null and u.active = 1 and s.expires_at > ",
        );
        let ids = some.iter().map(|(session_id, _)| session_id.clone());
        query.push_bind(micros(now)).push(" and s.id in (").push_list(ids).push(")");
        let rows: Vec<(String, String, String, String)> = query.fetch_all(&store.readers).await?;
        found.extend(rows.into_iter().map(|(session, user, name, role)| ((session, user), (name, role.parse().unwrap_or(Role::Guest)))));
    }
    Ok(found)
}
