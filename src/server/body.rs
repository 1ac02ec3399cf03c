//! Bodies, bounded before they are read, the extractors whose refusals are ours, and answers in JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Refusal;
use super::headers;
use super::state::Line;

/// Most bytes of a body that is not a report.
pub(super) const PLAIN_LIMIT: usize = 1024 * 1024;
/// Most bytes of a report.
pub(super) const REPORT_LIMIT: usize = 16 * 1024 * 1024;
/// How long a caller may take to send a body.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a body that is too large is read on, so that a caller who is still sending gets to see the answer.
const DRAIN: Duration = Duration::from_secs(5);

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let declared = body.size_hint().lower();
    if declared > limit as u64 {
        if !headers.contains_key(header::EXPECT) {
            let _ = tokio::time::timeout(DRAIN, drain(body)).await;
        }
        return Err(Refusal::too_large(limit));
    }
    let late = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not arrive in time.");
    tokio::time::timeout(PATIENCE, collect(body, limit)).await.map_err(late)?
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::with_capacity((body.size_hint().lower() as usize).min(limit));
    while let Some(chunk) = next_chunk(&mut body).await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("broken_body", "The body broke off."))?;
        if bytes.len() + chunk.len() > limit {
            let _ = tokio::time::timeout(DRAIN, drain(body)).await;
            return Err(Refusal::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

async fn drain(mut body: Body) {
    while let Some(Ok(_)) = next_chunk(&mut body).await {}
}

async fn next_chunk(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context)).await?;
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => return Some(Ok(data)),
            // Trailers.
            Ok(Err(_)) => continue,
            Err(error) => return Some(Err(error)),
        }
    }
}

/// A JSON answer. Most fit into the first piece of memory that is asked for, so that none is moved while it grows.
pub(super) struct Answer<T>(pub(super) T);

/// Bytes of an answer that are reckoned with.
const USUAL_ANSWER: usize = 1024;

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(USUAL_ANSWER);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => {
                let mut response = Response::new(Body::from(text));
                *response.headers_mut() = HeaderMap::with_capacity(headers::USUAL);
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => {
                tracing::error!("an answer could not be written as JSON: {error}");
                Refusal::internal().into_response()
            }
        }
    }
}

/// A JSON body of at most 1 MiB.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Line>> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Arc<Line>) -> Result<Json<T>, Refusal> {
        let (parts, body) = request.into_parts();
        must_be_json(&parts.headers)?;
        let bytes = read(&parts.headers, body, PLAIN_LIMIT).await?;
        parse(&bytes).map(Json)
    }
}

/// Reads a JSON object. (The library would take a list for a struct as well.)
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let unusable = |why: String| Refusal::bad_request("bad_body", format!("The body cannot be used: {why}."));
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(unusable("it is not a JSON object".to_owned()));
    }
    if holds_nul(bytes) {
        return Err(Refusal::nul());
    }
    serde_json::from_slice(bytes).map_err(|error| unusable(error.to_string()))
}

/// Whether a text of JSON holds the character NUL, which it must write as `\u0000`.
pub(super) fn holds_nul(json: &[u8]) -> bool {
    let found = json.windows(6).enumerate().filter(|(_, six)| *six == b"\\u0000");
    // An even number of backslashes before it stands for backslashes.
    found.into_iter().any(|(at, _)| json[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0)
}

/// Refuses a body that says it is something else than JSON.
pub(super) fn must_be_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    if json { Ok(()) } else { Err(Refusal::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)) }
}

/// Parts of the path.
pub(super) struct PathParts<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Line>> for PathParts<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, line: &Arc<Line>) -> Result<PathParts<T>, Refusal> {
        if parts.uri.path().contains("%00") {
            return Err(Refusal::nul());
        }
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, line).await;
        path.map(|path| PathParts(path.0))
            .map_err(|error| Refusal::bad_request("bad_path", format!("The address cannot be used: {error}.")))
    }
}

/// The query.
pub(super) struct QueryParts<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Line>> for QueryParts<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, line: &Arc<Line>) -> Result<QueryParts<T>, Refusal> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Refusal::nul());
        }
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, line).await;
        query
            .map(|query| QueryParts(query.0))
            .map_err(|error| Refusal::bad_request("bad_query", format!("The query cannot be used: {error}.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_found_and_a_backslash_before_zeros_is_not_one() {
        for (json, holds) in [
            (r#"{"a":"x\u0000"}"#.to_owned(), true),
            (r#"{"a":"x"}"#.to_owned(), false),
            (r#"{"a":"\\u0000"}"#.to_owned(), false),
            (r#"{"a":"\\\u0000"}"#.to_owned(), true),
        ] {
            assert_eq!(holds_nul(json.as_bytes()), holds, "{json}");
        }
    }
}
