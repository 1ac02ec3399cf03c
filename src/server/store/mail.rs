//! Codes that were sent by mail, and the mail that still has to be sent.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::{Store, StoreError, key, micros, sessions, sign_in_failures, time};

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Purpose {
    /// Confirming an address.
    Verify,
    /// Choosing a new password.
    Reset,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::Reset => "reset",
        }
    }
}

/// Mail that somebody asks for.
pub(in crate::server) struct NewMail<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) purpose: Purpose,
    pub(in crate::server) email: &'a str,
    /// Where the request came from.
    pub(in crate::server) from: &'a str,
    pub(in crate::server) now: DateTime<Utc>,
}

/// Mail that is to be sent now, by whoever took it.
#[derive(Clone, Debug)]
pub(in crate::server) struct DueMail {
    pub(in crate::server) id: String,
    pub(in crate::server) purpose: Purpose,
    pub(in crate::server) email: String,
    pub(in crate::server) asked_at: DateTime<Utc>,
    /// Tries so far, this one too.
    pub(in crate::server) attempts: u32,
}

/// How much mail may be asked for since then.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Limits {
    pub(in crate::server) since: DateTime<Utc>,
    /// To one address.
    pub(in crate::server) to_one: i64,
    /// From one origin.
    pub(in crate::server) from_one: i64,
}

/// Enqueues a mail, unless it is more than the limits allow: then false. Earlier mail of its kind that was not sent yet is dropped, and
/// the code that was sent last ends.
pub(in crate::server) async fn enqueue(store: &Store, new: &NewMail<'_>, limits: &Limits) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let enqueued = enqueue_in(&mut transaction, new, limits).await?;
    transaction.commit().await?;
    Ok(enqueued)
}

/// As [`enqueue`], as a step of another change.
pub(in crate::server) async fn enqueue_in(connection: &mut AnyConnection, new: &NewMail<'_>, limits: &Limits) -> Result<bool, StoreError> {
    if !is_within(connection, new.email, new.from, limits).await? {
        return Ok(false);
    }
    sqlx::query("update outbox set ended_at = $3, outcome = 'superseded' where email_key = $1 and purpose = $2 and ended_at is null")
        .bind(key(new.email))
        .bind(new.purpose.as_str())
        .bind(micros(new.now))
        .execute(&mut *connection)
        .await?;
    sqlx::query("delete from mail_codes where purpose = $2 and user_id in (select id from users where email_key = $1)")
        .bind(key(new.email))
        .bind(new.purpose.as_str())
        .execute(&mut *connection)
        .await?;
    let text = "insert into outbox (id, purpose, email, email_key, asked_from, asked_at, due_at, attempts)
        values ($1, $2, $3, $4, $5, $6, $6, 0)";
    sqlx::query(text)
        .bind(new.id)
        .bind(new.purpose.as_str())
        .bind(new.email)
        .bind(key(new.email))
        .bind(new.from)
        .bind(micros(new.now))
        .execute(connection)
        .await?;
    Ok(true)
}

/// Whether one more mail to this address, asked for from this origin, is within the limits.
async fn is_within(connection: &mut AnyConnection, email: &str, from: &str, limits: &Limits) -> Result<bool, StoreError> {
    let counts = [
        ("select count(*) from outbox where email_key = $1 and asked_at > $2", key(email), limits.to_one),
        ("select count(*) from outbox where asked_from = $1 and asked_at > $2", from.to_owned(), limits.from_one),
    ];
    for (text, value, most) in counts {
        let count: i64 = sqlx::query_scalar(text).bind(value).bind(micros(limits.since)).fetch_one(&mut *connection).await?;
        if count >= most {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes the mail that is due longest, for itself until `until`: no other server sends it meanwhile.
pub(in crate::server) async fn take_due(store: &Store, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<DueMail>, StoreError> {
    let text =
        "select id, purpose, email, asked_at, attempts from outbox where ended_at is null and due_at <= $1 order by due_at, id limit 1";
    // Most looks find nothing, and need not keep others from writing.
    let found: Option<(String, String, String, i64, i64)> = sqlx::query_as(text).bind(micros(now)).fetch_optional(&store.readers).await?;
    if found.is_none() {
        return Ok(None);
    }
    let mut transaction = store.begin().await?;
    let found: Option<(String, String, String, i64, i64)> =
        sqlx::query_as(text).bind(micros(now)).fetch_optional(&mut *transaction).await?;
    let Some((id, purpose, email, asked_at, attempts)) = found else { return Ok(None) };
    sqlx::query("update outbox set due_at = $2, attempts = attempts + 1 where id = $1")
        .bind(&id)
        .bind(micros(until))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    let purpose = if purpose == Purpose::Reset.as_str() { Purpose::Reset } else { Purpose::Verify };
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX).saturating_add(1);
    Ok(Some(DueMail { id, purpose, email, asked_at: time(asked_at), attempts }))
}

/// When mail is due next.
pub(in crate::server) async fn next_due(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    let due: Option<i64> = sqlx::query_scalar("select min(due_at) from outbox where ended_at is null").fetch_one(&store.readers).await?;
    Ok(due.map(time))
}

/// Tries it again at `due`.
pub(in crate::server) async fn postpone(store: &Store, id: &str, due: DateTime<Utc>) -> Result<(), StoreError> {
    let text = "update outbox set due_at = $2 where id = $1 and ended_at is null";
    sqlx::query(text).bind(id).bind(micros(due)).execute(&store.writer).await?;
    Ok(())
}

/// Done with it. `outcome` is `sent`, `refused`, `expired` or `needless`.
pub(in crate::server) async fn finish(store: &Store, id: &str, outcome: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let text = "update outbox set ended_at = $2, outcome = $3 where id = $1 and ended_at is null";
    sqlx::query(text).bind(id).bind(micros(now)).bind(outcome).execute(&store.writer).await?;
    Ok(())
}

/// Mail that a server of this database died over is due at once. Only for a server that is alone.
pub(in crate::server) async fn release_all(store: &Store, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("update outbox set due_at = $1 where ended_at is null").bind(micros(now)).execute(&store.writer).await?;
    Ok(())
}

/// Forgets mail that ended before then.
pub(in crate::server) async fn purge(store: &Store, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("delete from outbox where ended_at < $1").bind(micros(before)).execute(&store.writer).await?;
    Ok(())
}

/// A code on its way into the database.
pub(in crate::server) struct NewCode<'a> {
    pub(in crate::server) user_id: &'a str,
    pub(in crate::server) purpose: Purpose,
    pub(in crate::server) hash: &'a str,
    pub(in crate::server) expires_at: DateTime<Utc>,
}

/// Keeps the code that this mail is about to carry, instead of the one before. False when the mail was called off meanwhile.
pub(in crate::server) async fn put_code(store: &Store, mail_id: &str, code: &NewCode<'_>) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let wanted: i64 = sqlx::query_scalar("select count(*) from outbox where id = $1 and ended_at is null")
        .bind(mail_id)
        .fetch_one(&mut *transaction)
        .await?;
    if wanted == 0 {
        return Ok(false);
    }
    sqlx::query("delete from mail_codes where user_id = $1 and purpose = $2")
        .bind(code.user_id)
        .bind(code.purpose.as_str())
        .execute(&mut *transaction)
        .await?;
    sqlx::query("insert into mail_codes (user_id, purpose, hash, expires_at, tries) values ($1, $2, $3, $4, 0)")
        .bind(code.user_id)
        .bind(code.purpose.as_str())
        .bind(code.hash)
        .bind(micros(code.expires_at))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// What a try at a code meets.
pub(in crate::server) enum Try {
    /// Nothing was sent, or it was used.
    NoCode,
    TooMany,
    Against {
        hash: String,
        expires_at: DateTime<Utc>,
    },
}

/// Counts a try, before the code is compared: as many at once as one likes come to no more than `limit`.
pub(in crate::server) async fn try_code(store: &Store, user_id: &str, purpose: Purpose, limit: i64) -> Result<Try, StoreError> {
    let mut transaction = store.begin().await?;
    let found: Option<(String, i64, i64)> =
        sqlx::query_as("select hash, expires_at, tries from mail_codes where user_id = $1 and purpose = $2")
            .bind(user_id)
            .bind(purpose.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
    let Some((hash, expires_at, tries)) = found else { return Ok(Try::NoCode) };
    if tries >= limit {
        return Ok(Try::TooMany);
    }
    sqlx::query("update mail_codes set tries = tries + 1 where user_id = $1 and purpose = $2")
        .bind(user_id)
        .bind(purpose.as_str())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Try::Against { hash, expires_at: time(expires_at) })
}

/// Uses the code up and counts the address as verified, as part of a change. False when somebody else was faster.
pub(in crate::server) async fn redeem(connection: &mut AnyConnection, user_id: &str, hash: &str) -> Result<bool, StoreError> {
    let used = use_up(connection, user_id, Purpose::Verify, hash).await?;
    if used {
        sqlx::query("update users set verified = 1 where id = $1").bind(user_id).execute(connection).await?;
    }
    Ok(used)
}

/// Uses the code up, puts the new password in the old one's place, and ends all sessions, as part of a change. Whoever reads the mail
/// owns the address. False when somebody else was faster.
pub(in crate::server) async fn redeem_reset(
    connection: &mut AnyConnection,
    user_id: &str,
    hash: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if !use_up(connection, user_id, Purpose::Reset, hash).await? {
        return Ok(false);
    }
    let text = "update users set password_hash = $2, verified = 1, version = version + 1 where id = $1";
    sqlx::query(text).bind(user_id).bind(password_hash).execute(&mut *connection).await?;
    sign_in_failures::forget(connection, user_id).await?;
    sessions::end_all(connection, user_id, None, now).await?;
    Ok(true)
}

/// Ends the codes that a user was sent: they went to another address, or before somebody saw to the account.
pub(in crate::server) async fn forget_codes(connection: &mut AnyConnection, user_id: &str) -> Result<(), StoreError> {
    sqlx::query("delete from mail_codes where user_id = $1").bind(user_id).execute(connection).await?;
    Ok(())
}

async fn use_up(connection: &mut AnyConnection, user_id: &str, purpose: Purpose, hash: &str) -> Result<bool, StoreError> {
    let result = sqlx::query("delete from mail_codes where user_id = $1 and purpose = $2 and hash = $3")
        .bind(user_id)
        .bind(purpose.as_str())
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(result.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::server::config::Database;

    const NO_LIMITS: Limits = Limits { since: DateTime::UNIX_EPOCH, to_one: 99, from_one: 99 };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[tokio::test]
    async fn mail_that_one_server_sends_is_taken_by_no_other_until_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("line.db"));
        let (one, two) = (Store::open(&database).await.unwrap(), Store::open(&database).await.unwrap());
        for (id, email) in [("1", "anna@x.example"), ("2", "berta@x.example")] {
            let new = NewMail { id, purpose: Purpose::Reset, email, from: "", now: at(0) };
            assert!(enqueue(&one, &new, &NO_LIMITS).await.unwrap());
        }
        let take = async |store: &Store, now| take_due(store, now, now + TimeDelta::seconds(90)).await.unwrap();
        let (first, second) = tokio::join!(take(&one, at(1)), take(&two, at(1)));
        let mut taken = [first.unwrap().id, second.unwrap().id];
        taken.sort();
        assert_eq!(taken, ["1", "2"]);
        assert!(take(&one, at(90)).await.is_none() && take(&two, at(90)).await.is_none());
        finish(&one, "1", "sent", at(90)).await.unwrap();
        let again = take(&two, at(91)).await.unwrap();
        assert_eq!((again.id.as_str(), again.attempts, again.purpose), ("2", 2, Purpose::Reset));
        assert_eq!(next_due(&one).await.unwrap(), Some(at(181)));
    }

    #[tokio::test]
    async fn newer_mail_of_a_kind_calls_off_the_older() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Database::Sqlite(folder.path().join("line.db"))).await.unwrap();
        for (id, purpose) in [("1", Purpose::Verify), ("2", Purpose::Reset), ("3", Purpose::Verify)] {
            let new = NewMail { id, purpose, email: "Anna@x.example", from: "10.0.0.1", now: at(0) };
            assert!(enqueue(&store, &new, &NO_LIMITS).await.unwrap());
        }
        let mut due = Vec::new();
        while let Some(mail) = take_due(&store, at(0), at(90)).await.unwrap() {
            due.push(mail.id);
        }
        assert_eq!(due, ["2", "3"]);
    }

    #[tokio::test]
    async fn requests_that_come_at_once_get_no_more_mail_than_the_limits_allow() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Database::Sqlite(folder.path().join("line.db"))).await.unwrap();
        let ask = async |n: usize, email: &str, from: &str, limits: Limits| {
            let id = format!("{n}{email}{from}");
            let new = NewMail { id: &id, purpose: Purpose::Reset, email, from, now: at(0) };
            enqueue(&store, &new, &limits).await.unwrap()
        };
        let limits = Limits { since: at(-1), to_one: 3, from_one: 5 };
        let all = futures_util::future::join_all((0..10).map(|n| ask(n, "anna@x.example", "10.0.0.1", limits))).await;
        assert_eq!(all.iter().filter(|taken| **taken).count(), 3);
        assert!(!ask(0, "Anna@X.example", "10.0.0.9", limits).await, "to one address from anywhere");
        assert!(ask(0, "b@x", "10.0.0.1", limits).await && ask(0, "c@x", "10.0.0.1", limits).await);
        assert!(!ask(0, "d@x", "10.0.0.1", limits).await, "from one origin to anybody");
        assert!(ask(99, "anna@x.example", "10.0.0.1", Limits { since: at(0), ..limits }).await, "what was before does not count");
    }
}
