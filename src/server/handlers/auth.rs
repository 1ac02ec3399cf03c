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

/// `POST /api/auth/login`.
pub(in crate::server) async fn login(
    State(line): State<Arc<Line>>,
    Json(request): Json<auth::LoginRequest>,
) -> Result<Answer<auth::LoginResponse>, Refusal> {
    let password = Secret::new(request.password);
    let user = sign_in::check(&line, &request.username, &password, request.role).await?;
    Ok(Answer(sign_in::open_session(&line, &user).await?))
}

/// `POST /api/auth/logout`: the session's tokens are refused from now on.
pub(in crate::server) async fn logout(State(line): State<Arc<Line>>, caller: Caller) -> Result<Answer<Value>, Refusal> {
    if let Some(session_id) = &caller.session_id {
        sessions::end(&line.store, session_id, line.clock.now()).await?;
    }
    Ok(Answer(json!({ "message": "Logged out successfully" })))
}

/// `GET /api/auth/me`.
pub(in crate::server) async fn me(caller: Caller) -> Answer<auth::Caller> {
    Answer(caller.to_wire())
}
