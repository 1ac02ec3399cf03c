//! Answers that have not changed: a display may ask every second and cost nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use crate::protocol::wats::Process;
use crate::server::state::Line;

/// The tag of an answer that depends on the stored reports, on the names of processes, and on what was asked.
/// `now` is what an answer about "the last days" was reckoned from; `None` where time alone changes nothing.
pub(in crate::server::handlers) fn tag(line: &Line, asked: &impl Hash, processes: &[Process], now: Option<DateTime<Utc>>) -> String {
    let mut hasher = DefaultHasher::new();
    asked.hash(&mut hasher);
    for process in processes {
        (process.code, &process.name).hash(&mut hasher);
    }
    now.hash(&mut hasher);
    format!("\"{}-{}-{:016x}\"", line.started_at.timestamp_micros(), line.runs.revision(), hasher.finish())
}

/// 304, if the caller has the answer of this tag already.
pub(in crate::server::handlers) fn unchanged(headers: &HeaderMap, tag: &str) -> Option<Response> {
    let known = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    let same = known.split(',').map(str::trim).any(|known| known == tag || known.strip_prefix("W/") == Some(tag));
    same.then(|| with_tag(StatusCode::NOT_MODIFIED.into_response(), tag))
}

/// The answer with its tag.
pub(in crate::server::handlers) fn with_tag(mut response: Response, tag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
