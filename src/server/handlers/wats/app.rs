//! `/api/App/…`: what the server is and what it knows.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::protocol::wats::Process;
use crate::server::body::{Answer, QueryParts};
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::state::Line;
use crate::server::store::processes;
use crate::support::build_info::BUILD;

/// The server's version: also how clients learn whether their token is good.
#[utoipa::path(
    get, path = "/api/App/Version", tag = "WATS",
    responses((status = 200, body = String)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn version(_caller: Caller) -> Answer<&'static str> {
    Answer(BUILD.version)
}

/// What the server is: the other probe.
#[utoipa::path(
    get, path = "/api/Report/wats/info", tag = "WATS",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn info(State(line): State<Arc<Line>>, _caller: Caller) -> Answer<Value> {
    Answer(json!({ "name": "Andon", "version": BUILD.version, "serverId": line.server_id, "serverTime": line.clock.now() }))
}

/// Kinds that are wanted. Without any, all are.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(in crate::server) struct Kinds {
    include_test_operations: Option<bool>,
    include_repair_operations: Option<bool>,
    include_wip_operations: Option<bool>,
}

/// The processes that the server knows.
#[utoipa::path(
    get, path = "/api/App/Processes", tag = "WATS", params(Kinds),
    responses((status = 200, body = Vec<Process>)),
    extensions(("x-permission" = json!("any"))),
)]
pub(in crate::server) async fn list_processes(
    State(line): State<Arc<Line>>,
    _caller: Caller,
    QueryParts(kinds): QueryParts<Kinds>,
) -> Result<Answer<Vec<Process>>, Refusal> {
    let wanted = |process: &Process| {
        let asked = [kinds.include_test_operations, kinds.include_repair_operations, kinds.include_wip_operations];
        let is = [process.is_test_operation, process.is_repair_operation, process.is_wip_operation];
        let some_asked = asked.contains(&Some(true));
        let refused = asked.iter().zip(is).any(|(asked, is)| *asked == Some(false) && is);
        !refused && (!some_asked || asked.iter().zip(is).any(|(asked, is)| *asked == Some(true) && is))
    };
    Ok(Answer(processes::list(&line.store).await?.into_iter().filter(wanted).collect()))
}
