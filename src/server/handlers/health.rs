//! `/health`: whether the server works, lives, and can serve. No sign-in, and nothing worth hiding.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server::body::Answer;
use crate::server::state::Line;
use crate::support::build_info::BUILD;

/// Whether the server works: 503 when its database cannot be used.
#[utoipa::path(
    get, path = "/health", tag = "Health",
    responses((status = 200, body = Object), (status = 503, description = "The server cannot serve.", body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn overview(State(line): State<Arc<Line>>) -> Response {
    let (status, body) = summary(&line).await;
    (status, Answer(body)).into_response()
}

/// The same, and each part of the server by itself.
#[utoipa::path(
    get, path = "/health/detailed", tag = "Health",
    responses((status = 200, body = Object), (status = 503, description = "The server cannot serve.", body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn detailed(State(line): State<Arc<Line>>) -> Response {
    let (status, mut body) = summary(&line).await;
    let kind = if line.store.is_shared() { "postgresql" } else { "sqlite" };
    body["store"] = json!({ "kind": kind, "usable": status == StatusCode::OK });
    body["cache"] = match &line.config.redis {
        None => json!({ "kind": "memory", "connected": true }),
        Some(_) => json!({ "kind": "redis", "connected": !line.bus.is_cut_off() }),
    };
    body["sockets"] = json!({ "open": line.sockets.count(), "most": line.config.max_sockets });
    body["queue"] = json!({ "reports_waiting": line.intake.waiting() });
    // None is built in yet.
    body["sources"] = json!({});
    (status, Answer(body)).into_response()
}

async fn summary(line: &Line) -> (StatusCode, Value) {
    let (status, word, reason) = match (unusable(line).await, degraded(line)) {
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
    (status, body)
}

/// 200 while the process answers.
#[utoipa::path(
    get, path = "/health/live", tag = "Health",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn live() -> Response {
    Answer(json!({ "status": "live" })).into_response()
}

/// 503 while it cannot serve.
#[utoipa::path(
    get, path = "/health/ready", tag = "Health",
    responses((status = 200, body = Object), (status = 503, description = "The server cannot serve.", body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn ready(State(line): State<Arc<Line>>) -> Response {
    match unusable(&line).await {
        None => Answer(json!({ "status": "ready" })).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Answer(json!({ "status": "not_ready", "reason": reason }))).into_response(),
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
