//! `/health`: whether the server works, lives, and can serve. No sign-in, and nothing worth hiding.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::server::state::Line;
use crate::support::build_info::BUILD;

/// Whether the server works: 503 when its database cannot be used.
#[utoipa::path(
    get, path = "/health", tag = "Health",
    responses((status = 200, body = Object), (status = 503, description = "The server cannot serve.", body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
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

/// 200 while the process answers.
#[utoipa::path(
    get, path = "/health/live", tag = "Health",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// 503 while it cannot serve.
#[utoipa::path(
    get, path = "/health/ready", tag = "Health",
    responses((status = 200, body = Object), (status = 503, description = "The server cannot serve.", body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
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
