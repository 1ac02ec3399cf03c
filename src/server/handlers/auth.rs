//! `/api/auth/…`: people sign in, stay signed in, and sign out.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::domain::Role;
use crate::domain::audit::Action;
use crate::protocol::auth::{self, code};
use crate::server::body::{Answer, Json, PathParts};
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::services::accounts::Who;
use crate::server::services::audit::Act;
use crate::server::services::sessions::Origin;
use crate::server::services::{sessions, sign_in};
use crate::server::state::Line;
use crate::server::store;
use crate::support::secret::Secret;

/// Sign in with a name and a password.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Sign in", request_body = auth::LoginRequest,
    responses((status = 200, body = auth::LoginResponse), (status = 401), (status = 403), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn login(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    headers: HeaderMap,
    Json(request): Json<auth::LoginRequest>,
) -> Result<Answer<auth::LoginResponse>, Refusal> {
    let password = Secret::new(request.password);
    let user = sign_in::check(&line, &request.username, &password, request.role, from).await?;
    Ok(Answer(sessions::open(&line, &user, &Origin::new(from, &headers)).await?))
}

/// Renew a session: the refresh token given is used up. A second use of it ends the session.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "Sign in", operation_id = "refresh", request_body = auth::RefreshRequest,
    responses((status = 200, body = auth::LoginResponse), (status = 401)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn refresh(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Json(request): Json<auth::RefreshRequest>,
) -> Result<Answer<auth::LoginResponse>, Refusal> {
    Ok(Answer(sessions::refresh(&line, &Secret::new(request.refresh_token), from).await?))
}

/// A session for a station that shows its token: live sockets need one.
#[utoipa::path(
    post, path = "/api/auth/session", tag = "Sign in", operation_id = "open_station_session",
    responses((status = 200, body = auth::LoginResponse)),
    extensions(("x-permission" = json!("station"))),
)]
pub(in crate::server) async fn open_station_session(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Answer<auth::LoginResponse>, Refusal> {
    Ok(Answer(sessions::open_station(&line, &caller, &Origin::new(from, &headers)).await?))
}

/// Sign out: the session's tokens are refused from now on.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "Sign in",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn logout(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    caller: Caller,
) -> Result<Answer<Value>, Refusal> {
    if let Some(session_id) = &caller.session_id {
        sessions::end(&line, session_id, Act::of(&caller, &from, Action::Logout)).await?;
    }
    Ok(Answer(json!({ "message": "Logged out successfully" })))
}

/// Who the caller is, and what he may do.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "Sign in",
    responses((status = 200, body = auth::Caller)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn me(Extension(caller): Extension<Arc<Caller>>) -> Answer<auth::Caller> {
    Answer(caller.to_wire())
}

/// Change the caller's own password. His other sessions end.
#[utoipa::path(
    post, path = "/api/auth/password", tag = "Me", operation_id = "change_password", request_body = auth::PasswordChange,
    responses((status = 204), (status = 409), (status = 429)),
    extensions(("x-permission" = json!("person"))),
)]
pub(in crate::server) async fn change_password(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    caller: Caller,
    Json(change): Json<auth::PasswordChange>,
) -> Result<StatusCode, Refusal> {
    must_be_person(&caller)?;
    let (current, new) = (Secret::new(change.current_password), Secret::new(change.new_password));
    let user = sign_in::check(&line, &caller.name, &current, None, from).await.map_err(|refusal| match refusal.code {
        "invalid_credentials" => wrong_password(),
        _ => refusal,
    })?;
    if current == new {
        let mut refusal = Refusal::bad_request(code::BAD_PASSWORD, "The new password is the old one.");
        refusal.fields.insert("new_password".to_owned(), refusal.sentence.clone());
        return Err(refusal);
    }
    line.accounts(Who::Person(&caller, from)).change_own_password(&caller, user.version, &new).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn wrong_password() -> Refusal {
    let mut refusal = Refusal::new(StatusCode::FORBIDDEN, code::WRONG_PASSWORD, "The current password is wrong.");
    refusal.fields.insert("current_password".to_owned(), refusal.sentence.clone());
    refusal
}

/// The caller's own sessions, newest first.
#[utoipa::path(
    get, path = "/api/auth/sessions", tag = "Me", operation_id = "list_sessions",
    responses((status = 200, body = [auth::Session])),
    extensions(("x-permission" = json!("person"))),
)]
pub(in crate::server) async fn list_sessions(State(line): State<Arc<Line>>, caller: Caller) -> Result<Answer<Vec<auth::Session>>, Refusal> {
    must_be_person(&caller)?;
    let rows = store::sessions::list(&line.store, &caller.id, line.clock.now()).await?;
    Ok(Answer(rows.iter().map(|row| row.to_wire(caller.session_id.as_deref())).collect()))
}

/// End one of the caller's own sessions.
#[utoipa::path(
    delete, path = "/api/auth/sessions/{id}", tag = "Me", operation_id = "end_session", params(("id" = String, Path)),
    responses((status = 204), (status = 404)),
    extensions(("x-permission" = json!("person"))),
)]
pub(in crate::server) async fn end_session(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    caller: Caller,
    PathParts(id): PathParts<String>,
) -> Result<StatusCode, Refusal> {
    must_be_person(&caller)?;
    let own = store::sessions::list(&line.store, &caller.id, line.clock.now()).await?;
    if !own.iter().any(|session| session.id == id) {
        return Err(Refusal::not_found("session"));
    }
    sessions::end(&line, &id, Act::of(&caller, &from, Action::SessionEnded)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all of the caller's sessions, this one too.
#[utoipa::path(
    delete, path = "/api/auth/sessions", tag = "Me", operation_id = "end_sessions",
    responses((status = 204)),
    extensions(("x-permission" = json!("person"))),
)]
pub(in crate::server) async fn end_sessions(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    must_be_person(&caller)?;
    sessions::end_all(&line, &caller.id, Act::of(&caller, &from, Action::SessionsEnded)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn must_be_person(caller: &Caller) -> Result<(), Refusal> {
    if caller.role != Role::Station && caller.session_id.is_some() {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", "This is for a person: a station has neither a password nor sessions of its own."))
}
