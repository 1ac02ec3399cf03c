//! A person's name and password become a session, a station's enrolment becomes a token.

use axum::http::StatusCode;
use chrono::TimeDelta;
use uuid::Uuid;

use crate::domain::Role;
use crate::domain::credentials::mask_token;
use crate::protocol::auth::LoginResponse;
use crate::server::access_keys::{ACCESS_LIFE, Claims};
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::random;
use crate::server::state::Line;
use crate::server::store::station_tokens::NewStationToken;
use crate::server::store::users::User;
use crate::server::store::{sessions, station_tokens, users};
use crate::support::secret::Secret;

/// How long a session lives without being renewed.
const REFRESH_LIFE: TimeDelta = TimeDelta::days(7);

/// The active, verified user with this name, password and (if claimed) role. Whatever is wrong, the answer and its time are one.
pub(in crate::server) async fn check(line: &Line, name: &str, password: &Secret, role: Option<Role>) -> Result<User, Refusal> {
    let user = users::find(&line.store, name).await?;
    let hash = match &user {
        Some(user) => users::find_password_hash(&line.store, &user.id).await?,
        None => None,
    };
    let right = line.passwords.verify(password, hash).await?;
    let user = user.filter(|user| right && user.active && role.is_none_or(|role| role == user.role));
    let user = user.ok_or_else(Refusal::invalid_credentials)?;
    if !user.verified {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "email_not_verified",
            "Confirm your e-mail address first: enter the code you were sent.",
        ));
    }
    Ok(user)
}

/// Opens a session and answers with its two tokens.
pub(in crate::server) async fn open_session(line: &Line, user: &User) -> Result<LoginResponse, Refusal> {
    let now = line.clock.now();
    let session_id = Uuid::now_v7().to_string();
    let refresh_token = random::refresh_token()?;
    let new = sessions::NewSession {
        id: &session_id,
        user_id: &user.id,
        refresh_hash: &random::digest(&refresh_token),
        now,
        expires_at: now + REFRESH_LIFE,
    };
    let claims = Claims::new(&user.id, &user.name, user.role, &session_id, now);
    let access_token = line.ring.keys.sign(&claims).map_err(|error| {
        tracing::error!("an access token could not be signed: {error}");
        Refusal::internal()
    })?;
    sessions::insert(&line.store, &new).await?;
    let caller = Caller { id: user.id.clone(), name: user.name.clone(), role: user.role, session_id: Some(session_id.clone()) };
    Ok(LoginResponse {
        access_token,
        refresh_token,
        token_type: "Bearer".to_owned(),
        expires_in: ACCESS_LIFE.num_seconds().unsigned_abs(),
        user: caller.to_wire(),
    })
}

/// Makes a token for a station. With `reset` its earlier ones end.
pub(in crate::server) async fn enroll_station(line: &Line, identifier: &str, user: &User, reset: bool) -> Result<Secret, Refusal> {
    let token = Secret::new(random::station_token()?);
    let new = NewStationToken {
        id: &Uuid::now_v7().to_string(),
        identifier,
        hash: &random::digest(token.expose()),
        mask: &mask_token(token.expose()),
        issued_by: &user.name,
        now: line.clock.now(),
        reset,
    };
    station_tokens::insert(&line.store, &new).await?;
    Ok(token)
}
