//! The senders: they take what is due, draw a code for it, hand it to the mail server, and wait longer after each failure.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::mailer::SendError;
use super::message::Letter;
use super::{LEASE, LOOK_EVERY, SENDERS};
use crate::server::error::Refusal;
use crate::server::random;
use crate::server::services::codes;
use crate::server::state::Line;
use crate::server::store::StoreError;
use crate::server::store::mail::{self, DueMail};

/// How long mail is tried for. Later nobody waits for it any more.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// How long mail that was dealt with is remembered, for the limits on asking.
const MEMORY: TimeDelta = TimeDelta::hours(24);

/// Sends mail until `stop`. A mail on its way is finished first, within the time the whole server has for stopping.
pub(in crate::server) async fn run(line: Arc<Line>, stop: CancellationToken) {
    if !line.mailer.is_set_up() {
        return;
    }
    join_all((0..SENDERS).map(|_| send_all(&line, &stop))).await;
}

async fn send_all(line: &Line, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match send_next(line).await {
            Ok(true) => {
                // Perhaps there is more than one sender can do.
                line.bell.ring();
                continue;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!("the outbox cannot be read: {error}"),
        }
        let pause = pause(line).await;
        tokio::select! {
            () = line.bell.0.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Until mail is due, and no longer than until the next look.
async fn pause(line: &Line) -> Duration {
    match mail::next_due(&line.store).await {
        Ok(Some(due)) => (due - line.clock.now()).to_std().unwrap_or(Duration::ZERO).clamp(Duration::from_millis(50), LOOK_EVERY),
        _ => LOOK_EVERY,
    }
}

/// Sends what is due longest. False when nothing is.
async fn send_next(line: &Line) -> Result<bool, StoreError> {
    let now = line.clock.now();
    let Some(due) = mail::take_due(&line.store, now, now + LEASE).await? else {
        mail::purge(&line.store, now - MEMORY).await?;
        return Ok(false);
    };
    // A mail that breaks something is given up, and holds up no other.
    let delivered = AssertUnwindSafe(deliver(line, &due, now)).catch_unwind().await;
    let ended = match delivered.unwrap_or_else(|_| Err(SendError::Never("it broke the sender".to_owned()))) {
        Ok(outcome) => Some(outcome),
        Err(SendError::Never(why)) => {
            tracing::warn!(mail = due.id, "a mail was refused for good: {why}");
            Some("refused")
        }
        Err(SendError::Later(why)) => {
            let wait = line.mailer.retry().delay(due.attempts - 1, random::chance());
            tracing::warn!(mail = due.id, attempts = due.attempts, "a mail was not taken, and is tried again in {wait:?}: {why}");
            mail::postpone(&line.store, &due.id, line.clock.now() + wait).await?;
            None
        }
    };
    if let Some(outcome) = ended {
        mail::finish(&line.store, &due.id, outcome, line.clock.now()).await?;
        tracing::info!(mail = due.id, outcome, "mail dealt with");
        match outcome {
            "sent" => codes::note_mail(line, &due, "ok").await,
            "refused" => codes::note_mail(line, &due, "mail_refused").await,
            _ => {}
        }
    }
    Ok(true)
}

async fn deliver(line: &Line, due: &DueMail, now: DateTime<Utc>) -> Result<&'static str, SendError> {
    if now - due.asked_at > PATIENCE {
        return Ok("expired");
    }
    let later = |refusal: Refusal| SendError::Later(refusal.sentence);
    let Some((user, code)) = codes::draw(line, due).await.map_err(later)? else { return Ok("needless") };
    let id = format!("{}.{}", due.id, due.attempts);
    let letter =
        Letter { purpose: due.purpose, name: &user.name, email: user.email.as_deref().unwrap_or(&due.email), code: &code, id: &id };
    line.mailer.send(&letter).await?;
    Ok("sent")
}
