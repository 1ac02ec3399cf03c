//! People make accounts by themselves, confirm their address, and choose a new password: every step proved by mail, and in the same
//! turns as sign-ins, so that neither guesses nor a storm of them get further here than there.

use axum::http::StatusCode;
use chrono::TimeDelta;
use uuid::Uuid;

use crate::domain::Role;
use crate::domain::audit::Action;
use crate::domain::credentials::{check_email, check_password};
use crate::server::bus::Happening;
use crate::server::client_address::{ClientAddress, counted};
use crate::server::config::Signup;
use crate::server::error::Refusal;
use crate::server::names::check_new_name;
use crate::server::services::accounts::sentence;
use crate::server::services::audit::{self, Act};
use crate::server::services::codes::{self, Verdict};
use crate::server::services::sign_in;
use crate::server::state::Line;
use crate::server::store::StoreError;
use crate::server::store::mail::{self, Limits, NewMail, Purpose};
use crate::server::store::sign_in_failures::{self, Subjects};
use crate::server::store::users::{self, Added, NewUser, User};
use crate::support::secret::Secret;

/// Mails in an hour to one address, and those that one origin may ask for: a plant's people may share one.
const MAILS_TO_ONE: i64 = 5;
const MAILS_FROM_ONE: i64 = 100;
const HOUR: TimeDelta = TimeDelta::hours(1);

/// What somebody wants to be called.
pub(in crate::server) struct Applicant {
    pub(in crate::server) name: String,
    pub(in crate::server) email: String,
    pub(in crate::server) password: Secret,
}

/// Whether anything came of it.
#[derive(Debug, PartialEq)]
pub(in crate::server) enum Outcome {
    Done,
    /// The address was confirmed before.
    AlreadyVerified,
}

/// Makes an account that waits for its address to be confirmed, and its mail with it. Answers with its id.
pub(in crate::server) async fn sign_up(line: &Line, applicant: Applicant, from: ClientAddress) -> Result<String, Refusal> {
    let role = match line.config.signup {
        Signup::Closed => {
            let sentence = "Nobody can sign up here by himself. Ask an administrator for an account.";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "signup_closed", sentence));
        }
        Signup::Approval => Role::Guest,
        Signup::Open => Role::Operator,
    };
    needs_mail(line)?;
    check(&applicant)?;
    let _turn = sign_in::admit(line, &Subjects::of_mail(&applicant.email, from.ip)).await?;
    if users::find(&line.store, &applicant.name).await?.is_some() {
        return Err(name_taken());
    }
    if users::find_by_email(&line.store, &applicant.email).await?.is_some() {
        return Err(email_taken());
    }
    let password_hash = line.passwords.hash(&applicant.password).await?;
    let (id, mail_id, now) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string(), line.clock.now());
    let new = NewUser {
        id: &id,
        name: &applicant.name,
        email: Some(&applicant.email),
        role,
        password_hash: &password_hash,
        verified: false,
        now,
    };
    let mail = NewMail { id: &mail_id, purpose: Purpose::Verify, email: &applicant.email, from: &counted(from.ip), now };
    add(line, &new, &mail, Act::by(&applicant.name, Action::SignedUp).from(from.ip)).await?;
    line.bell.ring();
    Ok(id)
}

/// The account, the mail it waits for and the entry about it: all or none, and of many for one name the first alone.
async fn add(line: &Line, new: &NewUser<'_>, mail: &NewMail<'_>, act: Act<'_>) -> Result<(), Refusal> {
    let mut transaction = line.store.begin().await?;
    match users::insert(&mut transaction, new).await? {
        Added::Yes => {}
        Added::NameTaken => return Err(name_taken()),
        Added::LookTaken => return Err(field("username", "username_taken", "this name looks like one that is taken: choose another")),
        Added::EmailTaken => return Err(email_taken()),
    }
    if !mail::enqueue_in(&mut transaction, mail, &limits(line)).await? {
        return Err(too_many_mails());
    }
    audit::write_in(&mut transaction, new.now, act).await?;
    Ok(transaction.commit().await.map_err(StoreError::from)?)
}

/// Confirms an address with the code that was sent there.
pub(in crate::server) async fn verify(line: &Line, email: &str, code: &Secret, from: ClientAddress) -> Result<Outcome, Refusal> {
    let subjects = Subjects::of_mail(email, from.ip);
    let _turn = sign_in::admit(line, &subjects).await?;
    let user = find(line, email, &subjects).await?;
    if user.verified {
        return Ok(Outcome::AlreadyVerified);
    }
    let act = Act::by(&user.name, Action::EmailVerified).from(from.ip);
    let refusal = match codes::check(line, Some(&user), Purpose::Verify, code).await? {
        Verdict::Right { hash } => return confirm(line, &user.id, &hash, act).await,
        Verdict::Wrong => Refusal::bad_request("invalid_code", "Invalid verification code"),
        Verdict::Expired => Refusal::bad_request("code_expired", "Verification code expired"),
        Verdict::TooManyTries => Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", "Too many wrong codes. Ask for a new one."),
    };
    count_wrong(line, &subjects, Some(act.refused(refusal.code))).await?;
    Err(refusal)
}

async fn confirm(line: &Line, user_id: &str, hash: &str, act: Act<'_>) -> Result<Outcome, Refusal> {
    let mut transaction = line.store.begin().await?;
    if !mail::redeem(&mut transaction, user_id, hash).await? {
        // A twin of this request was faster.
        return Ok(Outcome::AlreadyVerified);
    }
    audit::write_in(&mut transaction, line.clock.now(), act).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    line.bus.publish(Happening::UserChanged { user_id: user_id.to_owned() });
    Ok(Outcome::Done)
}

/// Sends a new code; the one before ends.
pub(in crate::server) async fn resend(line: &Line, email: &str, from: ClientAddress) -> Result<Outcome, Refusal> {
    let subjects = Subjects::of_mail(email, from.ip);
    let _turn = sign_in::admit(line, &subjects).await?;
    let user = find(line, email, &subjects).await?;
    if user.verified {
        return Ok(Outcome::AlreadyVerified);
    }
    ask(line, Purpose::Verify, email, from).await?;
    Ok(Outcome::Done)
}

/// Sends a code for a new password, if there is such an account: whether there is, neither the answer tells nor its time.
pub(in crate::server) async fn request_reset(line: &Line, email: &str, from: ClientAddress) -> Result<(), Refusal> {
    check_address(email)?;
    let _turn = sign_in::admit(line, &Subjects::of_mail(email, from.ip)).await?;
    ask(line, Purpose::Reset, email, from).await
}

/// Puts a new password in the old one's place and ends all sessions.
pub(in crate::server) async fn confirm_reset(
    line: &Line,
    email: &str,
    code: &Secret,
    password: &Secret,
    from: ClientAddress,
) -> Result<(), Refusal> {
    check_password(password.expose()).map_err(|error| field("password", "bad_password", &error.to_string()))?;
    let subjects = Subjects::of_mail(email, from.ip);
    let _turn = sign_in::admit(line, &subjects).await?;
    let user = users::find_by_email(&line.store, email).await?.filter(|user| user.active);
    let invalid = || Refusal::bad_request("invalid_code", "The code is wrong, was used, or has expired. Ask for a new one.");
    let verdict = codes::check(line, user.as_ref(), Purpose::Reset, code).await?;
    let act = user.as_ref().map(|user| Act::by(&user.name, Action::PasswordReset).from(from.ip));
    let (Some(user), Some(act), Verdict::Right { hash }) = (&user, act, verdict) else {
        count_wrong(line, &subjects, act.map(|act| act.refused("invalid_code"))).await?;
        return Err(invalid());
    };
    let password_hash = line.passwords.hash(password).await?;
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    if !mail::redeem_reset(&mut transaction, &user.id, &hash, &password_hash, now).await? {
        return Err(invalid());
    }
    audit::write_in(&mut transaction, now, act).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    line.bus.publish(Happening::UserChanged { user_id: user.id.clone() });
    Ok(())
}

/// Counts a wrong code against the address it came from, and notes whose it was to be.
async fn count_wrong(line: &Line, subjects: &Subjects, act: Option<Act<'_>>) -> Result<(), Refusal> {
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    sign_in_failures::add_address(&mut transaction, subjects, now).await?;
    if let Some(act) = act {
        audit::write_in(&mut transaction, now, act).await?;
    }
    Ok(transaction.commit().await.map_err(StoreError::from)?)
}

async fn ask(line: &Line, purpose: Purpose, email: &str, from: ClientAddress) -> Result<(), Refusal> {
    needs_mail(line)?;
    let id = Uuid::now_v7().to_string();
    let new = NewMail { id: &id, purpose, email, from: &counted(from.ip), now: line.clock.now() };
    if !mail::enqueue(&line.store, &new, &limits(line)).await? {
        return Err(too_many_mails());
    }
    line.bell.ring();
    Ok(())
}

/// Nobody's letter box is filled by us, and no one origin makes us send for hours.
fn limits(line: &Line) -> Limits {
    Limits { since: line.clock.now() - HOUR, to_one: MAILS_TO_ONE, from_one: MAILS_FROM_ONE }
}

fn too_many_mails() -> Refusal {
    let sentence = "Too many codes were asked for. Wait an hour, then ask again.";
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_mails", sentence);
    Refusal { retry_after: Some(HOUR.num_seconds().unsigned_abs()), ..refusal }
}

fn needs_mail(line: &Line) -> Result<(), Refusal> {
    let sentence = "Mail is not set up on this server, so no code can be sent. Ask an administrator for help.";
    if line.mailer.is_set_up() { Ok(()) } else { Err(Refusal::new(StatusCode::FORBIDDEN, "mail_not_set_up", sentence)) }
}

/// Whoever asks about addresses that nobody has is counted as whoever guesses codes.
async fn find(line: &Line, email: &str, subjects: &Subjects) -> Result<User, Refusal> {
    if let Some(user) = users::find_by_email(&line.store, email).await? {
        return Ok(user);
    }
    count_wrong(line, subjects, None).await?;
    Err(Refusal::new(StatusCode::NOT_FOUND, "user_not_found", "User not found"))
}

fn check(applicant: &Applicant) -> Result<(), Refusal> {
    check_new_name(&applicant.name).map_err(|error| field("username", "bad_username", &error.to_string()))?;
    check_address(&applicant.email)?;
    check_password(applicant.password.expose()).map_err(|error| field("password", "bad_password", &error.to_string()))
}

/// An address that a mail can be sent to.
fn check_address(email: &str) -> Result<(), Refusal> {
    let unusable = |why: &str| field("email", "bad_email", why);
    check_email(email).map_err(|error| unusable(&error.to_string()))?;
    email.parse::<lettre::Address>().map(drop).map_err(|_| unusable("this is not an e-mail address"))
}

/// A refusal about one field, as a sentence and beside the field.
fn field(name: &str, code: &'static str, why: &str) -> Refusal {
    let sentence = sentence(why);
    let mut refusal = Refusal::bad_request(code, sentence.clone());
    refusal.fields.insert(name.to_owned(), sentence);
    refusal
}

fn name_taken() -> Refusal {
    Refusal::bad_request("username_taken", "Username already exists")
}

fn email_taken() -> Refusal {
    Refusal::bad_request("email_taken", "Email already registered")
}
