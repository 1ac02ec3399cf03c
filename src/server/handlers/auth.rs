//! `/api/auth/…`: people sign in.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde_json::{Value, json};

use crate::protocol::auth;
use crate::server::body::Json;
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::services::sign_in;
use crate::server::state::Line;
use crate::server::store::sessions;
use crate::support::secret::Secret;

/// Sign in with a name and a password.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Sign in", request_body = auth::LoginRequest,
    responses((status = 200, body = auth::LoginResponse), (status = 401), (status = 403)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn login(
    State(line): State<Arc<Line>>,
    Json(request): Json<auth::LoginRequest>,
) -> Result<Answer<auth::LoginResponse>, Refusal> {
    let password = Secret::new(request.password);
    let user = sign_in::check(&line, &request.username, &password, request.role).await?;
    Ok(Answer(sign_in::open_session(&line, &user).await?))
}

/// Sign out: the session's tokens are refused from now on.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "Sign in",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn logout(State(line): State<Arc<Line>>, caller: Caller) -> Result<Answer<Value>, Refusal> {
    if let Some(session_id) = &caller.session_id {
        sessions::end(&line.store, session_id, line.clock.now()).await?;
    }
    Ok(Answer(json!({ "message": "Logged out successfully" })))
}

/// Who the caller is, and what he may do.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "Sign in",
    responses((status = 200, body = auth::Caller)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn me(caller: Caller) -> Answer<auth::Caller> {
    Answer(caller.to_wire())
}
