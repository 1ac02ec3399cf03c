//! Accounts of people.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::audit::escape;
use super::{Store, StoreError, key, micros, time};
use crate::domain::Role;
use crate::server::names::{look_key, name_key};

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    pub role: Role,
    pub active: bool,
    pub verified: bool,
    pub created_at: DateTime<Utc>,
    pub last_login: Option<DateTime<Utc>>,
    /// Grows with every change by an administrator.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    email: Option<String>,
    role: String,
    active: i64,
    verified: i64,
    created_at: i64,
    last_login: Option<i64>,
    version: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("select id, name, email, role, active, verified, created_at, last_login, version from users ", $rest)
    };
}

impl From<Row> for User {
    fn from(row: Row) -> User {
        User {
            id: row.id,
            name: row.name,
            email: row.email,
            // A role this version does not know may do the least.
            role: row.role.parse().unwrap_or(Role::Guest),
            active: row.active != 0,
            verified: row.verified != 0,
            created_at: time(row.created_at),
            last_login: row.last_login.map(time),
            version: row.version,
        }
    }
}

/// What a new account starts with.
pub(in crate::server) struct NewUser<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) name: &'a str,
    pub(in crate::server) email: Option<&'a str>,
    pub(in crate::server) role: Role,
    pub(in crate::server) password_hash: &'a str,
    /// Whether the address counts as confirmed.
    pub(in crate::server) verified: bool,
    pub(in crate::server) now: DateTime<Utc>,
}

const COUNT: &str = "select count(*) from users";
const INSERT: &str = "insert into users
    (id, name, name_key, email, email_key, role, password_hash, active, verified, created_at, look_key)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// What became of a new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Added {
    Yes,
    NameTaken,
    /// Another account's name looks the same.
    LookTaken,
    EmailTaken,
}

/// Adds an account, as part of a change that runs alone: nobody takes the name meanwhile.
pub(in crate::server) async fn insert(connection: &mut AnyConnection, new: &NewUser<'_>) -> Result<Added, StoreError> {
    // A server of an earlier version may run beside this one, and have added accounts since this one began.
    renew_keys_in(connection).await?;
    let (own, look) = (name_key(new.name), look_key(new.name));
    let text = "select name_key from users where name_key = $1 or look_key = $2";
    let alike: Vec<String> = sqlx::query_scalar(text).bind(&own).bind(&look).fetch_all(&mut *connection).await?;
    match alike.contains(&own) {
        true => return Ok(Added::NameTaken),
        false if !alike.is_empty() => return Ok(Added::LookTaken),
        false => {}
    }
    if is_email_taken(connection, new.email, new.id).await? {
        return Ok(Added::EmailTaken);
    }
    sqlx::query(INSERT)
        .bind(new.id)
        .bind(new.name)
        .bind(own)
        .bind(new.email)
        .bind(new.email.map(key))
        .bind(new.role.as_str())
        .bind(new.password_hash)
        .bind(1_i64)
        .bind(i64::from(new.verified))
        .bind(micros(new.now))
        .bind(look)
        .execute(connection)
        .await?;
    Ok(Added::Yes)
}

/// Whether an account other than this one has the address.
async fn is_email_taken(connection: &mut AnyConnection, email: Option<&str>, but: &str) -> Result<bool, StoreError> {
    let Some(email) = email else { return Ok(false) };
    let text = "select count(*) from users where email_key = $1 and id <> $2";
    let count: i64 = sqlx::query_scalar(text).bind(key(email)).bind(but).fetch_one(connection).await?;
    Ok(count > 0)
}

/// Works out what names are compared by for accounts of earlier versions. Of two whose names are one by now, both keep what they had:
/// each is still found by its own name.
pub(super) async fn renew_keys(store: &Store) -> Result<(), StoreError> {
    let count: i64 = sqlx::query_scalar("select count(*) from users where look_key is null").fetch_one(&store.writer).await?;
    if count == 0 {
        return Ok(());
    }
    let mut transaction = store.begin().await?;
    renew_keys_in(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

async fn renew_keys_in(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let old: Vec<(String, String)> =
        sqlx::query_as("select id, name from users where look_key is null").fetch_all(&mut *connection).await?;
    for (id, name) in old {
        let own = name_key(&name);
        sqlx::query("update users set look_key = $2 where id = $1").bind(&id).bind(look_key(&name)).execute(&mut *connection).await?;
        let text = "update users set name_key = $2 where id = $1 and not exists (select 1 from users other where other.name_key = $2)";
        sqlx::query(text).bind(&id).bind(own).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Removes accounts made before `before` that nobody confirmed, signed in to or looked after, and for which no code is on its way. Each
/// by id and name.
pub(in crate::server) async fn delete_unverified(
    connection: &mut AnyConnection,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, StoreError> {
    // Whoever an administrator had to do with has another version.
    let text = "delete from users where verified = 0 and last_login is null and version = 1 and created_at < $1
        and not exists (select 1 from mail_codes where mail_codes.user_id = users.id and mail_codes.expires_at > $2)
        and not exists (select 1 from outbox where outbox.email_key = users.email_key and outbox.ended_at is null)
        returning id, name";
    Ok(sqlx::query_as(text).bind(micros(before)).bind(micros(now)).fetch_all(connection).await?)
}

/// By e-mail address, without regard to case.
pub(in crate::server) async fn find_by_email(store: &Store, email: &str) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = sqlx::query_as(select!("where email_key = $1")).bind(key(email)).fetch_optional(&store.readers).await?;
    Ok(row.map(User::from))
}

/// How many accounts there are, within a change.
pub(in crate::server) async fn count_in(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(COUNT).fetch_one(connection).await?)
}

/// By name, without regard to case. An account whose name is its own only by an earlier version's rules comes first.
pub(in crate::server) async fn find(store: &Store, name: &str) -> Result<Option<User>, StoreError> {
    // No text in the database holds a NUL character, and PostgreSQL does not take one.
    if name.contains('\0') {
        return Ok(None);
    }
    let text = select!("where name_key in ($1, $2) order by case when name_key = $1 then 0 else 1 end limit 1");
    let row: Option<Row> = sqlx::query_as(text).bind(key(name)).bind(name_key(name)).fetch_optional(&store.readers).await?;
    Ok(row.map(User::from))
}

/// By id.
pub(in crate::server) async fn find_by_id(connection: &mut AnyConnection, id: &str) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(connection).await?;
    Ok(row.map(User::from))
}

pub(in crate::server) async fn find_password_hash(store: &Store, id: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("select password_hash from users where id = $1").bind(id).fetch_optional(&store.readers).await?)
}

/// By name, those whose name or address holds `search`.
pub(in crate::server) async fn list(store: &Store, search: &str, limit: i64, offset: i64) -> Result<Vec<User>, StoreError> {
    let text = select!("where name_key like $1 escape '!' or email_key like $4 escape '!' order by name_key limit $2 offset $3");
    let pattern = |key: String| format!("%{}%", escape(&key));
    let rows: Vec<Row> = sqlx::query_as(text)
        .bind(pattern(name_key(search)))
        .bind(limit)
        .bind(offset)
        .bind(pattern(key(search)))
        .fetch_all(&store.readers)
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

pub(in crate::server) async fn count(store: &Store) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(COUNT).fetch_one(&store.readers).await?)
}

/// Whether there is an account, other than this one, that can sign in and may do everything.
pub(in crate::server) async fn has_other_superuser(connection: &mut AnyConnection, id: &str) -> Result<bool, StoreError> {
    let text = "select count(*) from users where role = $1 and active = 1 and verified = 1 and id <> $2";
    let count: i64 = sqlx::query_scalar(text).bind(Role::Superuser.as_str()).bind(id).fetch_one(connection).await?;
    Ok(count > 0)
}

/// Stores address, role and state as they are in `user`. False when the address is another account's.
pub(in crate::server) async fn update(connection: &mut AnyConnection, user: &User) -> Result<bool, StoreError> {
    if is_email_taken(connection, user.email.as_deref(), &user.id).await? {
        return Ok(false);
    }
    let text = "update users set email = $2, email_key = $3, role = $4, active = $5, verified = $6, version = version + 1 where id = $1";
    let result = sqlx::query(text)
        .bind(&user.id)
        .bind(user.email.as_deref())
        .bind(user.email.as_deref().map(key))
        .bind(user.role.as_str())
        .bind(i64::from(user.active))
        .bind(i64::from(user.verified))
        .execute(connection)
        .await;
    // A new account may have taken the address since it was counted.
    taken_is_false(result)
}

fn taken_is_false<T>(result: Result<T, sqlx::Error>) -> Result<bool, StoreError> {
    match result {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(in crate::server) async fn set_password_hash(connection: &mut AnyConnection, id: &str, hash: &str) -> Result<(), StoreError> {
    let text = "update users set password_hash = $2, version = version + 1 where id = $1";
    sqlx::query(text).bind(id).bind(hash).execute(connection).await?;
    Ok(())
}

/// Puts a hash of the same password in the place of `old`, unless it was changed meanwhile.
pub(in crate::server) async fn replace_password_hash(store: &Store, id: &str, old: &str, new: &str) -> Result<(), StoreError> {
    let text = "update users set password_hash = $3 where id = $1 and password_hash = $2";
    sqlx::query(text).bind(id).bind(old).bind(new).execute(&store.writer).await?;
    Ok(())
}

pub(in crate::server) async fn note_login(connection: &mut AnyConnection, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("update users set last_login = $2 where id = $1").bind(id).bind(micros(now)).execute(connection).await?;
    Ok(())
}

/// With his sessions. What he enrolled stays.
pub(in crate::server) async fn delete(connection: &mut AnyConnection, id: &str) -> Result<(), StoreError> {
    sqlx::query("delete from users where id = $1").bind(id).execute(connection).await?;
    Ok(())
}
