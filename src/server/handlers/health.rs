//! `/health`: whether the server works, lives, and can serve. No sign-in, and nothing worth hiding.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::server::state::Line;
use crate::support::build_info::BUILD;

/// `GET /health`: 200, or 503 when the store cannot be used.
pub(in crate::server) async fn overview(State(line): State<Arc<Line>>) -> Response {
    let (status, word, reason) = match (unusable(&line).await, degraded(&line)) {
        (Some(reason), _) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", reason),
        (None, Some(reason)) => (StatusCode::OK, "degraded", reason),
        (None, None) => (StatusCode::OK, "healthy", ""),
    };
    let body = json!({
        "status": word,
        "reason": reason,
        "version": BUILD.version,
        "server_id": line.server_id,
        "time": line.clock.now(),
    });
    (status, Json(body)).into_response()
}

/// `GET /health/live`: 200 while the process answers.
pub(in crate::server) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// `GET /health/ready`: 503 while it cannot serve.
pub(in crate::server) async fn ready(State(line): State<Arc<Line>>) -> Response {
    match unusable(&line).await {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not_ready", "reason": reason }))).into_response(),
    }
}

async fn unusable(line: &Line) -> Option<&'static str> {
    let error = line.store.check().await.err()?;
    tracing::warn!("{error}");
    Some("the database cannot be used")
}

/// What is wrong and keeps nobody from working.
fn degraded(line: &Line) -> Option<&'static str> {
    line.bus.is_cut_off().then_some("redis cannot be reached: this server does not hear the others")
}
