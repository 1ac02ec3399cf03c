//! `GET /api/page/board`: the line at a glance, read only.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Deserialize;

use crate::domain::Permission;
use crate::protocol::page::Board;
use crate::server::body::{Answer, QueryParts};
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::handlers::wats::freshness;
use crate::server::odata::parse_time;
use crate::server::services::board::{self, BoardQuery};
use crate::server::state::Line;
use crate::server::store::processes;

/// How far back a board looks: as far as the longest day there is.
const LONGEST: TimeDelta = TimeDelta::hours(25);

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::server) struct Since {
    /// The beginning of the viewer's day.
    since: Option<String>,
}

/// Yield by process since a time, and the last reports. Without signing in where the setting `public_board` is on.
#[utoipa::path(
    get, path = "/api/page/board", tag = "Page", params(Since),
    responses((status = 200, body = Board, headers(("etag" = String))), (status = 304, description = "Unchanged.")),
    security((), ("bearer" = []), ("station" = []), ("cookie" = []), ("cookie_tls" = [])),
    extensions(("x-permission" = json!("view_yield"))),
)]
pub(in crate::server) async fn board(
    State(line): State<Arc<Line>>,
    caller: Result<Caller, Refusal>,
    QueryParts(query): QueryParts<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !line.config.public_board {
        caller?.require(Permission::ViewYield)?;
    }
    let processes = processes::list(&line.store).await?;
    let now = line.clock.now();
    let since = since(query.since.as_deref(), now)?;
    let tag = freshness::tag(&line, &format!("board{since}"), &processes, None);
    if let Some(unchanged) = freshness::unchanged(&headers, &tag) {
        return Ok(unchanged);
    }
    let query = BoardQuery { since, as_of: now, target: line.config.board_target };
    Ok(freshness::with_tag(Answer(board::read(&line, &query, &processes).await?).into_response(), &tag))
}

fn since(text: Option<&str>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let day_ago = now - TimeDelta::hours(24);
    let Some(text) = text else { return Ok(day_ago.duration_trunc(TimeDelta::minutes(1)).unwrap_or(day_ago)) };
    let time = parse_time(text).filter(|time| *time <= now + TimeDelta::minutes(5) && now - *time <= LONGEST);
    time.ok_or_else(|| Refusal::bad_request("bad_query", "since is a time such as 2026-01-31T00:00:00Z, at most 25 hours ago."))
}
