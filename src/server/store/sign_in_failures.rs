//! Failed sign-ins by account and by address, for all servers on one database and through their restarts. A name that nobody has is kept
//! as its digest, for what people type there is now and then their password.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AnyConnection;

use super::sql::Sql;
use super::{Store, StoreError, key, micros, time};
use crate::domain::lockout::{ACCOUNT, ADDRESS, History};
use crate::server::client_address::counted;
use crate::server::names::name_key;
use crate::server::random::digest;

/// Rows of the past that are kept at most; the oldest go first.
const ROWS: i64 = 50_000;

/// The two things a sign-in is counted under.
#[derive(Clone, Debug)]
pub(in crate::server) struct Subjects {
    pub(in crate::server) account: String,
    pub(in crate::server) address: String,
}

impl Subjects {
    /// Of a name that nobody has.
    pub(in crate::server) fn of(name: &str, address: IpAddr) -> Subjects {
        Subjects { account: format!("account:{}", digest(&name_key(name))), address: format!("address:{}", counted(address)) }
    }

    /// Of the account with this id.
    pub(in crate::server) fn of_account(id: &str, address: IpAddr) -> Subjects {
        Subjects { account: account(id), address: format!("address:{}", counted(address)) }
    }

    /// Of whoever enters a code that was sent to this e-mail address, or asks for one. Codes have their own limit, so that the first
    /// subject only says whose turn it is.
    pub(in crate::server) fn of_mail(email: &str, address: IpAddr) -> Subjects {
        Subjects { account: format!("mail:{}", digest(&key(email))), ..Subjects::of("", address) }
    }
}

/// What the failures of the account with this id are kept under.
pub(in crate::server) fn account(id: &str) -> String {
    format!("user:{id}")
}

/// What is known of an account and an address.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::server) struct Past {
    pub(in crate::server) account: Option<History>,
    pub(in crate::server) address: Option<History>,
}

type Row = (String, i64, i64, Option<i64>);

fn history((_, failures, since, locked_until): &Row) -> History {
    let failures = u32::try_from(*failures).unwrap_or(u32::MAX);
    History { failures, since: time(*since), locked_until: locked_until.map(time) }
}

pub(in crate::server) async fn find(store: &Store, subjects: &Subjects) -> Result<Past, StoreError> {
    let mut reader = store.readers.acquire().await?;
    find_in(&mut reader, subjects).await
}

async fn find_in(connection: &mut AnyConnection, subjects: &Subjects) -> Result<Past, StoreError> {
    let text = "select subject, failures, since, locked_until from sign_in_failures where subject in ($1, $2)";
    let rows: Vec<Row> = sqlx::query_as(text).bind(&subjects.account).bind(&subjects.address).fetch_all(connection).await?;
    let find = |subject: &str| rows.iter().find(|row| row.0 == subject).map(history);
    Ok(Past { account: find(&subjects.account), address: find(&subjects.address) })
}

/// Counts one more failure of both inside a change, and tells what the past has become.
pub(in crate::server) async fn add(connection: &mut AnyConnection, subjects: &Subjects, now: DateTime<Utc>) -> Result<Past, StoreError> {
    let past = find_in(connection, subjects).await?;
    let (account, address) = (ACCOUNT.fail(past.account.as_ref(), now), ADDRESS.fail(past.address.as_ref(), now));
    put(connection, &subjects.account, &account).await?;
    put(connection, &subjects.address, &address).await?;
    forget_old(connection, now).await?;
    Ok(Past { account: Some(account), address: Some(address) })
}

/// As [`add`], of the address alone.
pub(in crate::server) async fn add_address(
    connection: &mut AnyConnection,
    subjects: &Subjects,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let past = find_in(connection, subjects).await?;
    put(connection, &subjects.address, &ADDRESS.fail(past.address.as_ref(), now)).await?;
    forget_old(connection, now).await
}

async fn put(connection: &mut AnyConnection, subject: &str, history: &History) -> Result<(), StoreError> {
    let text = "insert into sign_in_failures (subject, failures, since, locked_until) values ($1, $2, $3, $4)
        on conflict (subject) do update set failures = excluded.failures, since = excluded.since, locked_until = excluded.locked_until";
    sqlx::query(text)
        .bind(subject)
        .bind(i64::from(history.failures))
        .bind(micros(history.since))
        .bind(history.locked_until.map(micros))
        .execute(connection)
        .await?;
    Ok(())
}

/// What no longer counts, and what is too much.
async fn forget_old(connection: &mut AnyConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("delete from sign_in_failures where since < $1").bind(micros(now - TimeDelta::hours(24))).execute(&mut *connection).await?;
    let text = "delete from sign_in_failures where since < (select since from sign_in_failures order by since desc limit 1 offset $1)";
    sqlx::query(text).bind(ROWS).execute(connection).await?;
    Ok(())
}

/// After a right password, or by an administrator. True when there was something to forget.
pub(in crate::server) async fn forget(connection: &mut AnyConnection, id: &str) -> Result<bool, StoreError> {
    let result = sqlx::query("delete from sign_in_failures where subject = $1").bind(account(id)).execute(connection).await?;
    Ok(result.rows_affected() > 0)
}

/// Of the accounts with these ids, by what they are kept under.
pub(in crate::server) async fn of_accounts(store: &Store, ids: impl Iterator<Item = &str>) -> Result<HashMap<String, History>, StoreError> {
    let mut query = Sql::new("select subject, failures, since, locked_until from sign_in_failures where subject in (''");
    for id in ids {
        query.push(", ").push_bind(account(id));
    }
    query.push(")");
    let rows: Vec<Row> = query.fetch_all(&store.readers).await?;
    Ok(rows.iter().map(|row| (row.0.clone(), history(row))).collect())
}
