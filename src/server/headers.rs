//! The outermost layer: every answer names its request, the server and the server's time, and every refusal is JSON.

use std::any::Any;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use tracing::Instrument;
use uuid::Uuid;

use super::client_address::{self, ClientAddress};
use super::error::{Refusal, Refused};
use super::metrics;
use super::router::is_wats;
use super::state::Line;
use crate::protocol::auth::{Problem, SERVER_ID_HEADER, SERVER_TIME_HEADER};

const REQUEST_ID: &str = "x-request-id";

/// The server as every answer names it.
pub(super) struct Server {
    line: Arc<Line>,
    id: Option<HeaderValue>,
}

impl Server {
    pub(super) fn new(line: Arc<Line>) -> Server {
        Server { id: HeaderValue::from_str(&line.server_id).ok(), line }
    }
}

/// Wraps every request.
pub(super) async fn finish(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let id = given_id(request.headers()).unwrap_or_else(|| next_id(server.line.clock.now()));
    // Whatever is logged meanwhile names the request, at any level. The query stays out: some clients write tokens into it.
    let span = tracing::error_span!("request", request_id = %id, method = %request.method(), path = request.uri().path());
    answer(&server, request, next, id).instrument(span).await
}

async fn answer(server: &Server, mut request: Request, next: Next, id: String) -> Response {
    let line = &server.line;
    let uri = request.uri().clone();
    let counted = metrics::are_kept().then(|| (request.method().clone(), request.extensions().get::<MatchedPath>().cloned()));
    let started = tokio::time::Instant::now();
    let from = client_address::note(&mut request, &line.config.trusted_proxies);
    let mut response = if needs_encryption(line, from, uri.path()) { https_required().into_response() } else { next.run(request).await };
    let (status, took) = (response.status(), started.elapsed());
    if let Some((method, route)) = counted {
        metrics::request(&method, route.as_ref().map(MatchedPath::as_str), took);
    }
    tracing::debug!(status = status.as_u16(), millis = took.as_millis() as u64, "answered");
    let refused = response.extensions_mut().remove::<Refused>();
    if (status.is_client_error() || status.is_server_error()) && (refused.is_some() || !is_json(&response)) {
        let refusal = refused.map_or_else(|| Arc::new(Refusal::of_status(status)), |refused| refused.0);
        tracing::info!(from = %from.ip, status = status.as_u16(), code = refusal.code, "refused");
        write(&mut response, &refusal, &id, is_wats(uri.path()));
    }
    let headers = response.headers_mut();
    headers.reserve(USUAL.saturating_sub(headers.len()));
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(server_id) = &server.id {
        headers.insert(SERVER_ID_HEADER, server_id.clone());
    }
    headers.insert(SERVER_TIME_HEADER, line.clock.now().timestamp_millis().into());
    guard(&mut response, line.is_secure(from));
    response
}

/// The password of whoever asks without encryption has been seen by others already; the least is not to take it. What stays within this
/// machine, and probes of health, nobody sees.
fn needs_encryption(line: &Line, from: ClientAddress, path: &str) -> bool {
    line.config.https_only && !from.secure && !from.ip.is_loopback() && may_need_encryption(path)
}

/// Whether `https_only` holds for this path.
pub(super) fn may_need_encryption(path: &str) -> bool {
    !path.starts_with("/health")
}

fn https_required() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "https_required", "This server is reached by https:// only.")
}

/// Headers of an answer that is data, with room for one of its handler's own.
pub(super) const USUAL: usize = ALWAYS.len() + 5;

/// What browsers are told with every answer.
static ALWAYS: [(HeaderName, HeaderValue); 5] = [
    told("x-content-type-options", "nosniff"),
    told("x-frame-options", "DENY"),
    told("cross-origin-resource-policy", "same-origin"),
    told("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    told("cache-control", "no-store"),
];

/// And with whatever they may show as a page of its own, which data is not.
static PAGES: [(HeaderName, HeaderValue); 3] = [
    told("referrer-policy", "same-origin"),
    told("cross-origin-opener-policy", "same-origin"),
    told("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Tells it. A handler that set one of these itself knows better.
fn guard(response: &mut Response, secure: bool) {
    let pages = if is_json(response) { &[][..] } else { &PAGES[..] };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS.iter().chain(pages) {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    if secure {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
}

const fn told(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// What a handler that panicked answers. The program's panic hook has said where; this is the one line in the log.
pub(super) fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let what = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!("a request panicked: {}", what.unwrap_or("for no reason given"));
    Refusal::internal().into_response()
}

fn write(response: &mut Response, refusal: &Refusal, id: &str, wats: bool) {
    let problem = Problem {
        error: refusal.sentence.clone(),
        code: refusal.code.to_owned(),
        request_id: id.to_owned(),
        fields: refusal.fields.clone(),
        message: wats.then(|| refusal.sentence.clone()),
    };
    let text = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CONTENT_LENGTH, text.len().into());
    *response.body_mut() = Body::from(text);
}

fn is_json(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// The caller's own id where it is a plain word.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let plain = |id: &&str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain).map(str::to_owned)
}

/// A new id, in the order of time. It is no secret: what is random in it is drawn once a process, and the rest is counted.
fn next_id(now: DateTime<Utc>) -> String {
    static PROCESS: LazyLock<[u8; 16]> = LazyLock::new(|| Uuid::new_v4().into_bytes());
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut rest = [0; 10];
    rest[..6].copy_from_slice(&PROCESS[..6]);
    rest[6..].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_one_moment_have_ids_of_their_own() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| next_id(now)).collect();
        assert_eq!(ids.len(), 1000);
        let id: Uuid = ids.into_iter().next().unwrap().parse().unwrap();
        assert_eq!((id.get_version_num(), id.get_timestamp().unwrap().to_unix()), (7, (1_800_000_000, 123_000_000)));
    }
}
