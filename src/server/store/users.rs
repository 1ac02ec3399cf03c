//! Accounts of people.

use chrono::{DateTime, Utc};

use super::mail::{NewMail, enqueue_in};
use super::{Store, StoreError, key, micros, time};
use crate::domain::Role;

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
    pub locked_until: Option<DateTime<Utc>>,
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
    locked_until: Option<i64>,
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
            locked_until: row.locked_until.map(time),
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

const INSERT: &str =
    "insert into users (id, name, name_key, email, email_key, role, password_hash, active, verified, created_at, failed_logins)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)";

/// Adds an account. False when its name or address is taken.
pub(in crate::server) async fn insert(store: &Store, new: &NewUser<'_>) -> Result<bool, StoreError> {
    let mut writer = store.writer.acquire().await?;
    insert_in(&mut writer, new).await
}

/// As [`insert`], only while there is no account at all.
pub(in crate::server) async fn insert_first(store: &Store, new: &NewUser<'_>) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let count: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut *transaction).await?;
    let inserted = count == 0 && insert_in(&mut transaction, new).await?;
    transaction.commit().await?;
    Ok(inserted)
}

async fn insert_in(connection: &mut sqlx::AnyConnection, new: &NewUser<'_>) -> Result<bool, StoreError> {
    let result = sqlx::query(INSERT)
        .bind(new.id)
        .bind(new.name)
        .bind(key(new.name))
        .bind(new.email)
        .bind(new.email.map(key))
        .bind(new.role.as_str())
        .bind(new.password_hash)
        .bind(1_i64)
        .bind(i64::from(new.verified))
        .bind(micros(new.now))
        .execute(connection)
        .await;
    match result {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What became of a signup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Added {
    Yes,
    NameTaken,
    EmailTaken,
}

/// Adds an account together with the mail it waits for: both or neither, and of many for one name the first alone.
pub(in crate::server) async fn sign_up(store: &Store, new: &NewUser<'_>, mail: &NewMail<'_>) -> Result<Added, StoreError> {
    let mut transaction = store.begin().await?;
    let count = "select count(*) from users where name_key = $1";
    let same_name: i64 = sqlx::query_scalar(count).bind(key(new.name)).fetch_one(&mut *transaction).await?;
    if same_name > 0 {
        return Ok(Added::NameTaken);
    }
    // Only the command line adds accounts outside of a change like this one; whichever of the two it took then does not matter.
    if !insert_in(&mut transaction, new).await? {
        return Ok(Added::EmailTaken);
    }
    enqueue_in(&mut transaction, mail).await?;
    transaction.commit().await?;
    Ok(Added::Yes)
}

/// By e-mail address, without regard to case.
pub(in crate::server) async fn find_by_email(store: &Store, email: &str) -> Result<Option<User>, StoreError> {
    let text = "select id, name, email, role, active, verified, created_at, last_login, locked_until from users where email_key = $1";
    let row: Option<Row> = sqlx::query_as(text).bind(key(email)).fetch_optional(&store.readers).await?;
    Ok(row.map(User::from))
}

/// By name, without regard to case.
pub(in crate::server) async fn find(store: &Store, name: &str) -> Result<Option<User>, StoreError> {
    let text = "select id, name, email, role, active, verified, created_at, last_login, locked_until from users where name_key = $1";
    let row: Option<Row> = sqlx::query_as(text).bind(key(name)).fetch_optional(&store.readers).await?;
    Ok(row.map(User::from))
}

pub(in crate::server) async fn find_password_hash(store: &Store, id: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("select password_hash from users where id = $1").bind(id).fetch_optional(&store.readers).await?)
}

/// By name.
pub(in crate::server) async fn list(store: &Store) -> Result<Vec<User>, StoreError> {
    let text = "select id, name, email, role, active, verified, created_at, last_login, locked_until from users order by name_key";
    let rows: Vec<Row> = sqlx::query_as(text).fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

pub(in crate::server) async fn count(store: &Store) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("select count(*) from users").fetch_one(&store.readers).await?)
}

pub(in crate::server) async fn set_role(store: &Store, id: &str, role: Role) -> Result<(), StoreError> {
    sqlx::query("update users set role = $2 where id = $1").bind(id).bind(role.as_str()).execute(&store.writer).await?;
    Ok(())
}

pub(in crate::server) async fn set_active(store: &Store, id: &str, active: bool) -> Result<(), StoreError> {
    sqlx::query("update users set active = $2 where id = $1").bind(id).bind(i64::from(active)).execute(&store.writer).await?;
    Ok(())
}

pub(in crate::server) async fn set_password_hash(store: &Store, id: &str, hash: &str) -> Result<(), StoreError> {
    sqlx::query("update users set password_hash = $2 where id = $1").bind(id).bind(hash).execute(&store.writer).await?;
    Ok(())
}

pub(in crate::server) async fn unlock(store: &Store, id: &str) -> Result<(), StoreError> {
    sqlx::query("update users set failed_logins = 0, locked_until = null where id = $1").bind(id).execute(&store.writer).await?;
    Ok(())
}
