//! `/api/App/DynamicYield` and `/api/App/TopFailed`: counted in memory, from all stored runs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DurationRound, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::freshness;
use crate::domain::Permission;
use crate::domain::yields::RunTable;
use crate::protocol::wats::{Filter, Process, TopFailedRow, YieldRow};
use crate::server::body::{self, Answer, PLAIN_LIMIT, QueryParts};
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::services::yield_query::{self, YieldQuery};
use crate::server::state::Line;
use crate::server::store::processes;

/// Filters of a WATS server that this one does not have. Leaving one out silently would give a wrong number.
const UNSUPPORTED: &[&str] = &[
    "batchNumber",
    "status",
    "yield",
    "productGroup",
    "level",
    "swFilename",
    "swVersion",
    "socket",
    "miscDescription",
    "miscValue",
    "miscInfoDescription",
    "miscInfoString",
    "assetSerialNumber",
    "assetName",
    "location",
    "purpose",
    "operator",
    "run",
];

const MINUTE: TimeDelta = TimeDelta::minutes(1);

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::server) struct Dimensions {
    /// Names with `;` between them.
    dimensions: Option<String>,
}

/// Yield of what fits the filter, by the dimensions asked for.
#[utoipa::path(
    post, path = "/api/App/DynamicYield", tag = "WATS", params(Dimensions), request_body = Option<Filter>,
    responses((status = 200, body = Vec<YieldRow>, headers(("etag" = String))), (status = 304, description = "Unchanged.")),
    extensions(("x-permission" = json!("view_yield"))),
)]
pub(in crate::server) async fn dynamic(
    State(line): State<Arc<Line>>,
    caller: Caller,
    QueryParts(query): QueryParts<Dimensions>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    caller.require(Permission::ViewYield)?;
    let filter = read_filter(&headers, body).await?;
    let asked = format!("{filter:?}{:?}", query.dimensions);
    count(line, filter, query.dimensions, &headers, asked, |query, table, processes, _| yield_query::rows(query, table, processes)).await
}

/// The steps that failed most often among what fits the filter.
#[utoipa::path(
    post, path = "/api/App/TopFailed", tag = "WATS", request_body = Option<Filter>,
    responses((status = 200, body = Vec<TopFailedRow>, headers(("etag" = String))), (status = 304, description = "Unchanged.")),
    extensions(("x-permission" = json!("view_yield"))),
)]
pub(in crate::server) async fn top_failed(
    State(line): State<Arc<Line>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    caller.require(Permission::ViewYield)?;
    let filter = read_filter(&headers, body).await?;
    count_failed(line, filter, &headers).await
}

/// The same, with the filter in the address.
#[utoipa::path(
    get, path = "/api/App/TopFailed", tag = "WATS", params(Filter),
    responses((status = 200, body = Vec<TopFailedRow>, headers(("etag" = String))), (status = 304, description = "Unchanged.")),
    extensions(("x-permission" = json!("view_yield"))),
)]
pub(in crate::server) async fn get_top_failed(
    State(line): State<Arc<Line>>,
    caller: Caller,
    QueryParts(query): QueryParts<serde_json::Map<String, Value>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller.require(Permission::ViewYield)?;
    // In an address every value is a text.
    let numbers = ["topCount", "dateGrouping", "periodCount"];
    let value = |(name, value): (String, Value)| match value.as_str().map(str::parse::<i64>) {
        Some(Ok(number)) if numbers.contains(&name.as_str()) => (name, number.into()),
        _ => (name, value),
    };
    let filter = to_filter(Value::Object(query.into_iter().map(value).collect()))?;
    count_failed(line, filter, &headers).await
}

async fn count_failed(line: Arc<Line>, filter: Filter, headers: &HeaderMap) -> Result<Response, Refusal> {
    let asked = format!("top{filter:?}");
    count(line, filter, Some(String::new()), headers, asked, |query, table, _, filter| yield_query::top_failed(query, table, filter)).await
}

/// Answers "not changed", or counts off the async threads.
async fn count<T: Serialize + Send + 'static>(
    line: Arc<Line>,
    filter: Filter,
    dimensions: Option<String>,
    headers: &HeaderMap,
    asked: String,
    work: fn(&YieldQuery, &RunTable, &[Process], &Filter) -> Vec<T>,
) -> Result<Response, Refusal> {
    let processes = processes::list(&line.store).await?;
    // Within a minute "now" stands still, so that a tag never stands for two answers.
    let now = line.clock.now().duration_trunc(MINUTE).unwrap_or_else(|_| line.clock.now());
    let query = yield_query::read(&filter, dimensions.as_deref(), &processes, now)?;
    let tag = freshness::tag(&line, &asked, &processes, query.is_relative.then_some(now));
    if let Some(unchanged) = freshness::unchanged(headers, &tag) {
        return Ok(unchanged);
    }
    let rows = tokio::task::spawn_blocking(move || line.runs.look(|table| work(&query, table, &processes, &filter)));
    let rows = rows.await.map_err(|error| {
        tracing::error!("yields could not be counted: {error}");
        Refusal::internal()
    })?;
    Ok(freshness::with_tag(Answer(rows).into_response(), &tag))
}

/// No body asks for everything.
async fn read_filter(headers: &HeaderMap, body: Body) -> Result<Filter, Refusal> {
    body::must_be_json(headers)?;
    let bytes = body::read(headers, body, PLAIN_LIMIT).await?;
    if bytes.is_empty() {
        return Ok(Filter::default());
    }
    to_filter(Value::Object(body::parse(&bytes)?))
}

fn to_filter(value: Value) -> Result<Filter, Refusal> {
    let is_set = |value: &&Value| !(value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty));
    if let Some(name) = UNSUPPORTED.iter().find(|name| value.get(**name).filter(is_set).is_some()) {
        return Err(Refusal::bad_request("unsupported_filter", format!("This server cannot filter by {name} yet.")));
    }
    serde_json::from_value(value).map_err(|error| Refusal::bad_request("bad_body", format!("The filter cannot be used: {error}.")))
}
