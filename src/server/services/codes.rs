//! Six digits that prove who reads an address's mail: drawn when the mail goes out, compared a few times, used once.

use chrono::TimeDelta;

use crate::domain::audit::Action;
use crate::server::error::Refusal;
use crate::server::random;
use crate::server::services::audit::{self, Act};
use crate::server::state::Line;
use crate::server::store::mail::{self, DueMail, NewCode, Purpose, Try};
use crate::server::store::users::{self, User};
use crate::support::secret::Secret;

/// How long a code is good for.
const CODE_LIFE: TimeDelta = TimeDelta::hours(24);
/// Tries at one code. With the mails that one may ask for in an hour, a guesser meets one in thirty thousand codes an hour.
const TRIES: i64 = 5;

/// What a code turned out to be.
pub(in crate::server) enum Verdict {
    /// The code; its hash is what `redeem` uses up.
    Right {
        hash: String,
    },
    Wrong,
    Expired,
    TooManyTries,
}

/// Draws the code for a mail and keeps its hash. `None` when nobody needs the mail any more.
pub(in crate::server) async fn draw(line: &Line, due: &DueMail) -> Result<Option<(User, Secret)>, Refusal> {
    let Some(user) = users::find_by_email(&line.store, &due.email).await? else { return Ok(None) };
    if !user.active || (due.purpose == Purpose::Verify && user.verified) {
        return Ok(None);
    }
    let code = random::six_digits()?;
    // There are only a million codes: whoever reads a fast hash has the code at once, and a secret beside the hash would have to be
    // shared by all servers of a plant. bcrypt, as for passwords, makes a million guesses days of work, and the code is good for one.
    let hash = line.passwords.hash(&code).await?;
    let new = NewCode { user_id: &user.id, purpose: due.purpose, hash: &hash, expires_at: line.clock.now() + CODE_LIFE };
    let kept = mail::put_code(&line.store, &due.id, &new).await?;
    Ok(kept.then_some((user, code)))
}

/// Compares, in a time that does not tell how far a guess was right (bcrypt's own comparison). Counts as a try, right or wrong.
pub(in crate::server) async fn check(line: &Line, user: Option<&User>, purpose: Purpose, code: &Secret) -> Result<Verdict, Refusal> {
    let tried = match user {
        Some(user) => mail::try_code(&line.store, &user.id, purpose, TRIES).await?,
        None => Try::NoCode,
    };
    let (hash, expires_at) = match tried {
        // As slow as a wrong one: an answer's time shall not tell whether there is an account.
        none @ (Try::TooMany | Try::NoCode) => {
            line.passwords.verify(code, None).await?;
            return Ok(if matches!(none, Try::TooMany) { Verdict::TooManyTries } else { Verdict::Wrong });
        }
        Try::Against { hash, expires_at } => (hash, expires_at),
    };
    if !line.passwords.verify(code, Some(hash.clone())).await? {
        return Ok(Verdict::Wrong);
    }
    Ok(if line.clock.now() > expires_at { Verdict::Expired } else { Verdict::Right { hash } })
}

/// Notes that a code went out to somebody's address, or that the mail server will never take it.
pub(in crate::server) async fn note_mail(line: &Line, due: &DueMail, result: &str) {
    match users::find_by_email(&line.store, &due.email).await {
        Ok(Some(user)) => audit::record(line, Act::by("system", Action::CodeSent).to(&user.name).refused(result)).await,
        Ok(None) => {}
        Err(error) => tracing::warn!("it could not be noted whose mail this was: {error}"),
    }
}
