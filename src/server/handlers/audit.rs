//! `GET /api/audit`: searched by page, or exported as one file.

use std::sync::Arc;

use axum::Json as Answer;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use futures_util::stream;

use crate::domain::Permission;
use crate::protocol::audit::{AUDIT_MOST, AuditQuery, Entry};
use crate::server::body::QueryParts;
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::state::Line;
use crate::server::store::StoreError;
use crate::server::store::audit::{self, Wanted};

const HEAD: &str = "id,timestamp,user,action,target,address,result,detail\r\n";
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
    let time = entry.timestamp.to_rfc3339_opts(SecondsFormat::Micros, true);
    let cells = [&entry.id, &time, &entry.user, &entry.action, &entry.target, &entry.address, &entry.result, &entry.detail];
    cells.map(|text| cell(text)).join(",") + "\r\n"
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
