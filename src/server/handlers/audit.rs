//! `GET /api/audit`: searched by page, or exported as one file. `POST /api/audit/offline`: what stations tell of later.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use futures_util::stream;

use crate::domain::{Permission, Role};
use crate::protocol::audit::{AUDIT_MOST, AuditQuery, Entry, OFFLINE_MOST, OfflineAct, OfflineActs, OfflineActsTaken, RefusedAct};
use crate::server::body::{Answer, Json, QueryParts};
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::services::audit::take_told;
use crate::server::state::Line;
use crate::server::store::StoreError;
use crate::server::store::audit::{self, Wanted};

const HEAD: &str = "id,timestamp,user,action,target,address,result,detail,station,happened_at\r\n";
/// Longest text that is looked for, in characters.
const WORD_MAX: usize = 200;

/// Who did what, newest first.
#[utoipa::path(
    get, path = "/api/audit", tag = "Administration", operation_id = "list_audit", params(AuditQuery),
    responses((status = 200, content((Vec<Entry> = "application/json"), (String = "text/csv")))),
    extensions(("x-permission" = json!("read_audit"))),
)]
pub(in crate::server) async fn list(
    State(line): State<Arc<Line>>,
    caller: Caller,
    QueryParts(query): QueryParts<AuditQuery>,
) -> Result<Response, Refusal> {
    caller.require(Permission::ReadAudit)?;
    let texts = [&query.user, &query.action, &query.search];
    let odd = |text: &str| text.chars().count() > WORD_MAX;
    if texts.into_iter().chain(query.before.as_ref()).any(|text| odd(text)) {
        return Err(Refusal::bad_request("bad_query", "A text in the query is too long."));
    }
    let AuditQuery { from, to, user: who, action, search, before, .. } = query;
    let wanted = Wanted { from, to, who, action, search, before };
    match query.format.as_str() {
        "" | "json" => {
            let limit = query.limit.unwrap_or(AUDIT_MOST).clamp(1, AUDIT_MOST);
            Ok(Answer(audit::list(&line.store, &wanted, limit as i64).await?).into_response())
        }
        "csv" => export(line, wanted).await,
        _ => Err(Refusal::bad_request("bad_query", "The format is json or csv.")),
    }
}

/// What people did at a station while this server was gone: its word, marked as such. What is told twice is kept once.
#[utoipa::path(
    post, path = "/api/audit/offline", tag = "Administration", operation_id = "tell_offline_acts", request_body = OfflineActs,
    responses((status = 200, body = OfflineActsTaken)),
    extensions(("x-permission" = json!("station"))),
)]
pub(in crate::server) async fn tell_offline(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    Json(acts): Json<OfflineActs>,
) -> Result<Answer<OfflineActsTaken>, Refusal> {
    if caller.role != Role::Station {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", "Only a station tells what was done at it."));
    }
    if acts.entries.len() > OFFLINE_MOST {
        return Err(Refusal::bad_request("bad_body", format!("At most {OFFLINE_MOST} entries are taken at once.")));
    }
    let refused: Vec<RefusedAct> = acts.entries.iter().filter_map(refused).collect();
    let good: Vec<OfflineAct> = acts.entries.into_iter().filter(|act| refused.iter().all(|refused| refused.id != act.id)).collect();
    take_told(&line, &caller, &from, &good).await?;
    Ok(Answer(OfflineActsTaken { refused }))
}

/// The first field of an act that is not as it must be.
fn refused(act: &OfflineAct) -> Option<RefusedAct> {
    let text = |text: &str| text.chars().count() <= WORD_MAX && !text.contains(char::is_control);
    let word = |text: &str| (1..=40).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'.'));
    let fields = [
        ("at", (2000..2200).contains(&act.at.year())),
        ("user", text(&act.user) && !act.user.trim().is_empty()),
        ("action", word(&act.action)),
        ("target", text(&act.target)),
        ("result", word(&act.result)),
    ];
    let (field, _) = fields.into_iter().find(|(_, good)| !good)?;
    Some(RefusedAct { id: act.id, field: field.to_owned() })
}

/// All of it, page after page, so that a long log does not fill the memory. A page that fails breaks the file off.
async fn export(line: Arc<Line>, wanted: Wanted) -> Result<Response, Refusal> {
    // The first page is read before anything is answered, so that its trouble is still a refusal.
    let first = audit::list(&line.store, &wanted, AUDIT_MOST as i64).await?;
    let pages = stream::try_unfold(Some((first, wanted)), move |state| {
        let line = line.clone();
        async move {
            let Some((page, mut wanted)) = state else { return Ok::<_, StoreError>(None) };
            let text = Bytes::from(page.iter().map(row).collect::<String>());
            let Some(last) = page.last().filter(|_| page.len() == AUDIT_MOST) else { return Ok(Some((text, None))) };
            wanted.before = Some(last.id.clone());
            let next = audit::list(&line.store, &wanted, AUDIT_MOST as i64).await?;
            Ok(Some((text, Some((next, wanted)))))
        }
    });
    let head = stream::once(async { Ok(Bytes::from_static(HEAD.as_bytes())) });
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\"")];
    Ok((headers, Body::from_stream(futures_util::StreamExt::chain(head, pages))).into_response())
}

fn row(entry: &Entry) -> String {
    let written = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let (time, happened) = (written(entry.timestamp), entry.happened_at.map(written).unwrap_or_default());
    let Entry { id, user, action, target, address, result, detail, .. } = entry;
    let station = entry.station.as_deref().unwrap_or_default();
    let cells = [id, &time, user, action, target, address, result, detail, station, &happened];
    cells.map(cell).join(",") + "\r\n"
}

/// Quoted where it must be; what a spreadsheet would take for a formula gets an apostrophe before it.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        assert_eq!(cell("plain ą"), "plain ą");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("=cmd()"), "'=cmd()");
        assert_eq!(cell("-1,@x"), "\"'-1,@x\"");
    }
}
