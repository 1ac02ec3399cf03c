//! `/api/Report/…`: reports come in, are listed, and go out as they came.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::freshness;
use crate::domain::Permission;
use crate::domain::report::ReportKind;
use crate::protocol::wats::ReportHeader;
use crate::protocol::wsjf::{self, Document};
use crate::server::body::{self, Answer, PathParts, QueryParts, REPORT_LIMIT};
use crate::server::caller::Caller;
use crate::server::config::UnknownProcesses;
use crate::server::error::Refusal;
use crate::server::odata::{Field, ODataError, Order, parse_filter, parse_order};
use crate::server::state::Line;
use crate::server::store::processes;
use crate::server::store::report_query::{self, ReportQuery};
use crate::server::store::reports::{self, NewReport, kind_letter};

/// Rows of a list that names no number, and most rows of any.
const DEFAULT_TOP: u32 = 1000;
const MAX_TOP: u32 = 10_000;

/// Hand in a report: durable before it is answered; the same id again is acknowledged and replaced.
#[utoipa::path(
    post, path = "/api/Report/WSJF", tag = "WATS", request_body(content = Object, description = "A report in WSJF."),
    responses((status = 200, body = Vec<Object>)),
    extensions(("x-permission" = json!("submit_reports"))),
)]
pub(in crate::server) async fn submit(
    State(line): State<Arc<Line>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<Value>, Refusal> {
    caller.require(Permission::SubmitReports)?;
    body::must_be_json(&headers)?;
    let room = line.room.take(body.size_hint().upper()).await?;
    let bytes = body::read(&headers, body, REPORT_LIMIT).await?;
    // A large report takes long enough to read that others would wait.
    let read = tokio::task::spawn_blocking(move || wsjf::read(&bytes)).await.map_err(|error| {
        tracing::error!("a report could not be read: {error}");
        Refusal::internal()
    })?;
    let document = read.map_err(|error| Refusal::bad_request("bad_report", error.to_string()))?;
    check_process(&line, &document).await?;
    let id = document.report.header.id;
    let report = NewReport::new(document.report, document.text, &caller.name, line.clock.now());
    if report.holds_nul() {
        return Err(Refusal::nul());
    }
    line.intake.put(report, room).await?;
    Ok(Answer(json!([{ "ID": id }])))
}

async fn check_process(line: &Line, document: &Document) -> Result<(), Refusal> {
    if line.config.unknown_processes == UnknownProcesses::Accept {
        return Ok(());
    }
    let header = &document.report.header;
    let known = processes::list(&line.store).await?;
    let Some(process) = known.iter().find(|process| process.code == header.process_code) else {
        let sentence = format!("The process {} is not known to this server. Ask an administrator to add it.", header.process_code);
        return Err(Refusal::bad_request("unknown_process", sentence));
    };
    let (fits, kind) = match header.kind {
        ReportKind::Test => (process.is_test_operation, "test"),
        ReportKind::Repair => (process.is_repair_operation, "repair"),
    };
    let sentence = || format!("The process {} \"{}\" is no {kind} process, but the report is a {kind} report.", process.code, process.name);
    if fits { Ok(()) } else { Err(Refusal::bad_request("wrong_process", sentence())) }
}

/// The source of a report, to the letter.
#[utoipa::path(
    get, path = "/api/Report/Wsjf/{id}", tag = "WATS", params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = Object), (status = 404)),
    extensions(("x-permission" = json!("view_yield"))),
)]
pub(in crate::server) async fn source(
    State(line): State<Arc<Line>>,
    caller: Caller,
    PathParts(id): PathParts<Uuid>,
) -> Result<Response, Refusal> {
    caller.require(Permission::ViewYield)?;
    let source = reports::find_source(&line.store, id).await?.ok_or_else(|| Refusal::not_found("report"))?;
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))];
    Ok((StatusCode::OK, json, source).into_response())
}

/// The query of a list of reports. Other parameters (`$expand`) are not needed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::server) struct ListQuery {
    /// `U` for tests, `R` for repairs.
    #[serde(rename = "reportType")]
    report_type: Option<String>,
    /// `contains`, `startswith` and `endswith` tell no capital from small letters of a to z; of other letters they do on SQLite, and do
    /// not on PostgreSQL.
    #[serde(rename = "$filter")]
    filter: Option<String>,
    #[serde(rename = "$orderby")]
    order: Option<String>,
    #[serde(rename = "$top")]
    top: Option<u32>,
    #[serde(rename = "$skip")]
    skip: Option<u32>,
}

/// The heads of the reports that fit, newest first unless told otherwise.
#[utoipa::path(
    get, path = "/api/Report/Query/Header", tag = "WATS", params(ListQuery),
    responses((status = 200, body = Vec<ReportHeader>, headers(("etag" = String))), (status = 304, description = "Unchanged.")),
    extensions(("x-permission" = json!("view_yield"))),
)]
pub(in crate::server) async fn list(
    State(line): State<Arc<Line>>,
    caller: Caller,
    QueryParts(query): QueryParts<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller.require(Permission::ViewYield)?;
    let tag = freshness::tag(&line, &format!("{query:?}"), &processes::list(&line.store).await?, None);
    if let Some(unchanged) = freshness::unchanged(&headers, &tag) {
        return Ok(unchanged);
    }
    let bad = |name: &'static str| move |error: ODataError| Refusal::bad_request("bad_query", format!("{name} cannot be read {error}."));
    let told = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let filter = told(&query.filter).map(|text| parse_filter(&text)).transpose().map_err(bad("$filter"))?;
    let order = told(&query.order).map(|text| parse_order(&text)).transpose().map_err(bad("$orderby"))?;
    let order = order.unwrap_or_else(|| vec![Order { field: Field::Start, descending: true }]);
    let top = query.top.unwrap_or(DEFAULT_TOP).min(MAX_TOP);
    let wanted = ReportQuery {
        kind: kind(query.report_type.as_deref())?,
        filter: filter.as_ref(),
        order: &order,
        top,
        skip: query.skip.unwrap_or(0),
    };
    let mut rows = report_query::list(&line.store, &wanted).await?;
    line.runs.look(|table| {
        rows.iter_mut().for_each(|row: &mut ReportHeader| row.run = row.uuid.parse().ok().and_then(|id| table.run_number(id)))
    });
    Ok(freshness::with_tag(Answer(rows).into_response(), &tag))
}

/// A query says U and R, a row says T and R.
fn kind(word: Option<&str>) -> Result<&'static str, Refusal> {
    match word.unwrap_or("U") {
        "U" | "u" | "T" | "t" => Ok(kind_letter(ReportKind::Test)),
        "R" | "r" => Ok(kind_letter(ReportKind::Repair)),
        _ => Err(Refusal::bad_request("bad_query", "reportType is U for tests or R for repairs.")),
    }
}
