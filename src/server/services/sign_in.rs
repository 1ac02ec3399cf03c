//! A name and a password become a person. Every way in comes through [`check`], so that failures are counted, and people locked out, in
//! one place.

use axum::http::StatusCode;

use super::audit::{self, Act};
use super::turns::Turn;
use crate::domain::Role;
use crate::domain::audit::{Action, NOBODY};
use crate::domain::lockout::{ACCOUNT, ADDRESS, Verdict, seconds_left};
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::metrics;
use crate::server::state::Line;
use crate::server::store::sign_in_failures::{self, Subjects};
use crate::server::store::users::{self, User};
use crate::support::secret::Secret;

/// The active, verified user with this name, password and (if claimed) role. Whatever is wrong, the answer and its time are one. The
/// third failure in a row locks the name for five minutes, as many do the address; what is locked is refused before anything is hashed.
pub(in crate::server) async fn check(
    line: &Line,
    name: &str,
    password: &Secret,
    role: Option<Role>,
    from: ClientAddress,
) -> Result<User, Refusal> {
    let result = look(line, name, password, role, from).await;
    match &result {
        Ok(user) => metrics::login(Some(user.role), "success"),
        Err(refusal) => metrics::login(None, refusal.code),
    }
    result
}

async fn look(line: &Line, name: &str, password: &Secret, role: Option<Role>, from: ClientAddress) -> Result<User, Refusal> {
    let subjects = subjects(line, name, from).await?;
    let _turn = admit(line, &subjects).await?;
    let found = users::find(&line.store, name).await?;
    let hash = match &found {
        Some(user) => users::find_password_hash(&line.store, &user.id).await?,
        None => None,
    };
    let right = line.passwords.verify(password, hash.clone()).await?;
    let user = match found {
        Some(user) if right && user.active && role.is_none_or(|role| role == user.role) => user,
        found => {
            let known = found.map(|user| user.name);
            fail(line, &subjects, known.as_deref().unwrap_or(NOBODY), from).await?;
            return Err(Refusal::invalid_credentials());
        }
    };
    let result = if user.verified { Ok(()) } else { Err(unverified()) };
    succeed(line, &user, from, result.as_ref().err().map_or("ok", |refusal| refusal.code)).await?;
    if let Some(hash) = hash {
        rehash(line, &user, password, &hash).await;
    }
    result.map(|()| user)
}

/// What is counted: the account that is meant, for two of an earlier version may have what is one name by now; else the name.
async fn subjects(line: &Line, name: &str, from: ClientAddress) -> Result<Subjects, Refusal> {
    Ok(match users::find(&line.store, name).await? {
        Some(user) => Subjects::of_account(&user.id, from.ip),
        None => Subjects::of(name, from.ip),
    })
}

fn unverified() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "email_not_verified", "Confirm your e-mail address first: enter the code you were sent.")
}

/// Waits for a turn, unless name or address is locked: then the refusal takes its time.
pub(super) async fn admit(line: &Line, subjects: &Subjects) -> Result<Turn, Refusal> {
    let admitted = take_turn(line, subjects).await;
    if admitted.is_err() {
        line.turns.pace().await;
    }
    admitted
}

async fn take_turn(line: &Line, subjects: &Subjects) -> Result<Turn, Refusal> {
    let suspect = refuse_locked(line, subjects).await?;
    let turn = line.turns.take(subjects, suspect).await?;
    // Others may have failed while this one waited.
    refuse_locked(line, subjects).await?;
    Ok(turn)
}

/// Goes on where neither is locked. True when one of them has failed before.
async fn refuse_locked(line: &Line, subjects: &Subjects) -> Result<bool, Refusal> {
    let past = sign_in_failures::find(&line.store, subjects).await?;
    let now = line.clock.now();
    let verdicts = [ACCOUNT.judge(past.account.as_ref(), now), ADDRESS.judge(past.address.as_ref(), now)];
    let locked = verdicts.iter().filter_map(|verdict| if let Verdict::LockedUntil(until) = verdict { Some(*until) } else { None }).max();
    match locked {
        Some(until) => Err(Refusal::locked(seconds_left(until, now))),
        None => Ok(verdicts.contains(&Verdict::Suspect)),
    }
}

async fn fail(line: &Line, subjects: &Subjects, who: &str, from: ClientAddress) -> Result<(), Refusal> {
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    let past = sign_in_failures::add(&mut transaction, subjects, now).await?;
    let act = Act::by(who, Action::Login).from(from.ip);
    audit::write_in(&mut transaction, now, act.refused("invalid_credentials")).await?;
    if past.account.is_some_and(|history| history.failures == ACCOUNT.limit()) {
        audit::write_in(&mut transaction, now, Act::by("system", Action::Locked).from(from.ip).to(who)).await?;
    }
    Ok(transaction.commit().await.map_err(crate::server::store::StoreError::from)?)
}

async fn succeed(line: &Line, user: &User, from: ClientAddress, result: &str) -> Result<(), Refusal> {
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    sign_in_failures::forget(&mut transaction, &user.id).await?;
    // Whoever has to confirm his address first was not let in.
    if user.verified {
        users::note_login(&mut transaction, &user.id, now).await?;
    }
    audit::write_in(&mut transaction, now, Act::by(&user.name, Action::Login).from(from.ip).refused(result)).await?;
    Ok(transaction.commit().await.map_err(crate::server::store::StoreError::from)?)
}

/// A hash of another cost than the settings ask for is made anew while the password is at hand. It can wait for the next time.
async fn rehash(line: &Line, user: &User, password: &Secret, old: &str) {
    if line.passwords.is_current(old) {
        return;
    }
    let renewed = match line.passwords.hash(password).await {
        Ok(new) => users::replace_password_hash(&line.store, &user.id, old, &new).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = renewed {
        tracing::warn!("a password keeps its old hash for now: {error}");
    }
}
