//! Sessions, and the hashes of the refresh tokens that keep them alive. All refresh tokens of a session are one family.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AnyConnection;

use super::sql::Sql;
use super::{Store, StoreError, micros, time};
use crate::domain::Role;

/// How long the past is kept, so that a late second use of a token is still known as one.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Whose session it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) enum Owner<'a> {
    /// With the version of the account whose password was right.
    User(&'a str, i64),
    StationToken(&'a str),
}

/// What a session starts with.
pub(in crate::server) struct NewSession<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) owner: Owner<'a>,
    pub(in crate::server) refresh_hash: &'a str,
    pub(in crate::server) now: DateTime<Utc>,
    pub(in crate::server) expires_at: DateTime<Utc>,
    pub(in crate::server) address: &'a str,
    pub(in crate::server) client: &'a str,
}

/// Open sessions of one station token. A station needs one for its live socket; one that opens them in a loop loses its oldest.
const OF_A_TOKEN: i64 = 20;

/// Opens a session with its first refresh token, both or neither, and forgets sessions that ended long ago. Answers with the sessions
/// of the same station token that ended to make room; with none when the account is another than it was when its password was
/// compared: who changes his password ends sessions of the old one, late ones too.
pub(in crate::server) async fn insert(store: &Store, new: &NewSession<'_>) -> Result<Option<Vec<String>>, StoreError> {
    let (user_id, token_id) = match new.owner {
        Owner::User(id, _) => (Some(id), None),
        Owner::StationToken(id) => (None, Some(id)),
    };
    let mut transaction = store.begin().await?;
    if let Owner::User(id, version) = new.owner {
        let text = "select count(*) from users where id = $1 and version = $2 and active = 1";
        let same: i64 = sqlx::query_scalar(text).bind(id).bind(version).fetch_one(&mut *transaction).await?;
        if same == 0 {
            return Ok(None);
        }
    }
    let text = "insert into sessions (id, user_id, station_token_id, created_at, renewed_at, expires_at, address, client)
        values ($1, $2, $3, $4, $4, $5, $6, $7)";
    sqlx::query(text)
        .bind(new.id)
        .bind(user_id)
        .bind(token_id)
        .bind(micros(new.now))
        .bind(micros(new.expires_at))
        .bind(new.address)
        .bind(new.client)
        .execute(&mut *transaction)
        .await?;
    insert_refresh(&mut transaction, new.id, new.refresh_hash, new.now, new.expires_at).await?;
    for text in ["delete from refresh_tokens where expires_at < $1", "delete from sessions where expires_at < $1"] {
        sqlx::query(text).bind(micros(new.now - KEPT)).execute(&mut *transaction).await?;
    }
    let ended = match token_id {
        Some(token_id) => end_surplus(&mut transaction, token_id, new.now).await?,
        None => Vec::new(),
    };
    transaction.commit().await?;
    Ok(Some(ended))
}

/// Ends those sessions of a station token that were renewed longest ago.
async fn end_surplus(connection: &mut AnyConnection, token_id: &str, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    let text = "update sessions set ended_at = $2 where id in (select id from sessions
        where station_token_id = $1 and ended_at is null and expires_at > $2 order by renewed_at desc, id desc limit 1000 offset $3)
        returning id";
    Ok(sqlx::query_scalar(text).bind(token_id).bind(micros(now)).bind(OF_A_TOKEN).fetch_all(connection).await?)
}

/// Lets a session last until then, unless it has ended.
pub(in crate::server) async fn prolong(store: &Store, session_id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
    let text = "update sessions set expires_at = $2 where id = $1 and ended_at is null";
    sqlx::query(text).bind(session_id).bind(micros(until)).execute(&store.writer).await?;
    Ok(())
}

async fn insert_refresh(
    connection: &mut AnyConnection,
    session_id: &str,
    hash: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query("insert into refresh_tokens (hash, session_id, created_at, expires_at) values ($1, $2, $3, $4)")
        .bind(hash)
        .bind(session_id)
        .bind(micros(now))
        .bind(micros(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Who acts in an open session: the role and the name of now.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::server) struct Actor {
    /// Of the user, or of the station's token.
    pub(in crate::server) id: String,
    pub(in crate::server) name: String,
    pub(in crate::server) role: Role,
}

type ActorRow = (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

const ACTORS: &str = "select s.id, u.id, u.name, u.role, t.id, t.identifier from sessions s
    left join users u on u.id = s.user_id and u.active = 1
    left join station_tokens t on t.id = s.station_token_id and t.revoked_at is null
    where s.ended_at is null";

fn actor(row: ActorRow) -> Option<Actor> {
    match row {
        // A role this version does not know may do the least.
        (_, Some(id), Some(name), Some(role), ..) => Some(Actor { id, name, role: role.parse().unwrap_or(Role::Guest) }),
        (.., Some(id), Some(name)) => Some(Actor { id, name, role: Role::Station }),
        _ => None,
    }
}

/// None once the session has ended, its user is disabled, or its station's token revoked.
pub(in crate::server) async fn find_actor(store: &Store, session_id: &str, now: DateTime<Utc>) -> Result<Option<Actor>, StoreError> {
    let mut reader = store.readers.acquire().await?;
    find_actor_in(&mut reader, session_id, now).await
}

async fn find_actor_in(connection: &mut AnyConnection, session_id: &str, now: DateTime<Utc>) -> Result<Option<Actor>, StoreError> {
    // No id holds a NUL character, and PostgreSQL does not take one.
    if session_id.contains('\0') {
        return Ok(None);
    }
    let text = sqlx::AssertSqlSafe(format!("{ACTORS} and s.id = $1 and s.expires_at > $2"));
    let row: Option<ActorRow> = sqlx::query_as(text).bind(session_id).bind(micros(now)).fetch_optional(connection).await?;
    Ok(row.and_then(actor))
}

/// As [`find_actor`], of many at once, by session and actor: those who may still act.
pub(in crate::server) async fn find_actors(
    store: &Store,
    asked: &[(String, String)],
    now: DateTime<Utc>,
) -> Result<HashMap<(String, String), (String, Role)>, StoreError> {
    let mut found = HashMap::new();
    for some in asked.chunks(500) {
        let mut query = Sql::new(ACTORS);
        let ids = some.iter().map(|(session_id, _)| session_id.clone());
        query.push(" and s.expires_at > ").push_bind(micros(now)).push(" and s.id in (").push_list(ids).push(")");
        let rows: Vec<ActorRow> = query.fetch_all(&store.readers).await?;
        found.extend(rows.into_iter().filter_map(|row| {
            let session_id = row.0.clone();
            actor(row).map(|actor| ((session_id, actor.id), (actor.name, actor.role)))
        }));
    }
    Ok(found)
}

/// What came of a refresh token.
#[derive(Debug, PartialEq)]
pub(in crate::server) enum Rotation {
    /// Used up, and the new one is in its place.
    Renewed { session_id: String, actor: Actor },
    /// It was used before: whoever has it, one of the two is a thief, so the session has ended now.
    Reused { session_id: String, name: String },
    /// Not known, expired, or of a session that has ended.
    Refused,
}

/// Whether there ever was this refresh token.
pub(in crate::server) async fn is_known(store: &Store, hash: &str) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar("select count(*) from refresh_tokens where hash = $1").bind(hash).fetch_one(&store.readers).await?;
    Ok(count > 0)
}

/// Uses up a refresh token and puts a new one in its place, as part of a change.
pub(in crate::server) async fn rotate(
    connection: &mut AnyConnection,
    hash: &str,
    new_hash: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Rotation, StoreError> {
    let text = "select session_id, used_at from refresh_tokens where hash = $1 and expires_at > $2";
    let row: Option<(String, Option<i64>)> = sqlx::query_as(text).bind(hash).bind(micros(now)).fetch_optional(&mut *connection).await?;
    let Some((session_id, used_at)) = row else { return Ok(Rotation::Refused) };
    let Some(actor) = find_actor_in(connection, &session_id, now).await? else { return Ok(Rotation::Refused) };
    if used_at.is_some() {
        end_in(connection, &session_id, now).await?;
        return Ok(Rotation::Reused { session_id, name: actor.name });
    }
    sqlx::query("update refresh_tokens set used_at = $2 where hash = $1").bind(hash).bind(micros(now)).execute(&mut *connection).await?;
    insert_refresh(connection, &session_id, new_hash, now, expires_at).await?;
    sqlx::query("update sessions set renewed_at = $2, expires_at = $3 where id = $1")
        .bind(&session_id)
        .bind(micros(now))
        .bind(micros(expires_at))
        .execute(connection)
        .await?;
    Ok(Rotation::Renewed { session_id, actor })
}

/// Ends one session.
pub(in crate::server) async fn end(store: &Store, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut writer = store.writer.acquire().await?;
    end_in(&mut writer, id, now).await
}

/// As [`end`], as part of a change.
pub(in crate::server) async fn end_in(connection: &mut AnyConnection, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let text = "update sessions set ended_at = $2 where id = $1 and ended_at is null";
    sqlx::query(text).bind(id).bind(micros(now)).execute(connection).await?;
    Ok(())
}

/// Ends every session of a user but one. The ids of those that ended.
pub(in crate::server) async fn end_all(
    connection: &mut AnyConnection,
    user_id: &str,
    but: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let text = "update sessions set ended_at = $3 where user_id = $1 and id <> $2 and ended_at is null returning id";
    let ids = sqlx::query_scalar(text).bind(user_id).bind(but.unwrap_or_default()).bind(micros(now)).fetch_all(connection).await?;
    Ok(ids)
}

/// One open session, as lists show it.
#[derive(sqlx::FromRow)]
pub(in crate::server) struct Row {
    pub(in crate::server) id: String,
    pub(in crate::server) created_at: i64,
    pub(in crate::server) renewed_at: i64,
    pub(in crate::server) expires_at: i64,
    pub(in crate::server) address: String,
    pub(in crate::server) client: String,
}

impl Row {
    pub(in crate::server) fn to_wire(&self, current: Option<&str>) -> crate::protocol::auth::Session {
        crate::protocol::auth::Session {
            id: self.id.clone(),
            created_at: time(self.created_at),
            last_used: time(self.renewed_at),
            expires_at: time(self.expires_at),
            address: self.address.clone(),
            client: self.client.clone(),
            current: current == Some(self.id.as_str()),
        }
    }
}

/// The open sessions of a user, newest first, at most a thousand.
pub(in crate::server) async fn list(store: &Store, user_id: &str, now: DateTime<Utc>) -> Result<Vec<Row>, StoreError> {
    let text = "select id, created_at, renewed_at, expires_at, address, client from sessions
        where user_id = $1 and ended_at is null and expires_at > $2 order by id desc limit 1000";
    Ok(sqlx::query_as(text).bind(user_id).bind(micros(now)).fetch_all(&store.readers).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Database;
    use crate::server::store::users::{self, NewUser};

    #[tokio::test]
    async fn a_sign_in_that_was_overtaken_by_a_new_password_opens_no_session() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Database::Sqlite(folder.path().join("line.db"))).await.unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let user = NewUser { id: "u", name: "anna", email: None, role: Role::Operator, password_hash: "old", verified: true, now };
        assert_eq!(users::insert(&mut store.writer.acquire().await.unwrap(), &user).await.unwrap(), users::Added::Yes);
        let open = async |id: &str, version| {
            let new = NewSession {
                id,
                owner: Owner::User("u", version),
                refresh_hash: id,
                now,
                expires_at: now + TimeDelta::days(7),
                address: "",
                client: "",
            };
            insert(&store, &new).await.unwrap().is_some()
        };
        assert!(open("before", 1).await);
        users::set_password_hash(&mut store.writer.acquire().await.unwrap(), "u", "new").await.unwrap();
        assert!(!open("late", 1).await && open("after", 2).await);
        assert!(find_actor(&store, "late", now).await.unwrap().is_none());
    }
}
