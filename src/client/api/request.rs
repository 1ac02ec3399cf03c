//! One request and its answer: how they look on the wire, and what kind of refusal an answer is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{ApiError, Denied, Http, Identity, SHORT, SMALL_BODY};
use crate::client::server_url::ServerUrl;
use crate::protocol::auth::{Problem, SERVER_ID_HEADER, SERVER_TIME_HEADER};
use crate::support::secret::Secret;

/// One request, described.
#[derive(Clone)]
pub(super) struct Request {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    body: Option<Vec<u8>>,
    limit: Duration,
    body_limit: usize,
}

impl Request {
    pub(super) fn get(path: &str) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Request { method: Method::GET, path: path.to_owned(), query: Vec::new(), headers, body: None, limit: SHORT, body_limit: SMALL_BODY }
    }

    pub(super) fn post(path: &str, body: Vec<u8>) -> Request {
        let mut request = Request::get(path);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request { method: Method::POST, body: Some(body), ..request }
    }

    pub(super) fn patch(path: &str, body: Vec<u8>) -> Request {
        Request { method: Method::PATCH, ..Request::post(path, body) }
    }

    pub(super) fn put(path: &str, body: Vec<u8>) -> Request {
        Request { method: Method::PUT, ..Request::post(path, body) }
    }

    pub(super) fn delete(path: &str) -> Request {
        Request { method: Method::DELETE, ..Request::get(path) }
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Request {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn uncached(mut self) -> Request {
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
        self
    }

    pub(super) fn limit(self, limit: Duration) -> Request {
        Request { limit, ..self }
    }

    pub(super) fn body_limit(self, body_limit: usize) -> Request {
        Request { body_limit, ..self }
    }

    pub(super) fn authorize(self, scheme: &str, token: &Secret) -> Request {
        self.authorization(Zeroizing::new(format!("{scheme} {}", token.expose())))
    }

    pub(super) fn basic(self, pair: &str) -> Request {
        self.authorization(Zeroizing::new(format!("Basic {pair}")))
    }

    /// A token that cannot stand in a header is left out, and the server refuses the request.
    fn authorization(mut self, text: Zeroizing<String>) -> Request {
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    pub(super) async fn send(self, http: &Http, server: &ServerUrl) -> Result<Answer, ApiError> {
        let request = http.begin(self.method.clone(), server, &self.path).await?;
        let request = request.headers(self.headers.clone()).timeout(self.limit);
        self.exchange(request).await.map_err(|error| http.blame(error))
    }

    async fn exchange(self, mut request: reqwest::RequestBuilder) -> Result<Answer, ApiError> {
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > self.body_limit {
                return Err(ApiError::NotOurServer(format!("an answer of more than {} KiB", self.body_limit / 1024)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

/// One answer, whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The answer itself if it is a success, else what kind of refusal it is.
    pub(super) fn good(self) -> Result<Answer, Denied> {
        let status = self.status;
        if status.is_success() {
            return Ok(self);
        }
        let (code, sentence) = self.words();
        let retry_after = self.retry_after();
        let error = match status.as_u16() {
            401 => ApiError::TokenRefused { sentence },
            408 | 425 | 429 | 500..=599 => ApiError::Later { status: status.as_u16(), sentence, retry_after },
            407 => ApiError::Unreachable("a proxy on the way asks for a password".to_owned()),
            403..=405 if self.is_page() => ApiError::NotOurServer(sentence),
            400..=499 => ApiError::Refused { status: status.as_u16(), code: code.clone(), sentence },
            _ => {
                let to = self.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
                ApiError::NotOurServer(format!("{status} {}", to.chars().take(200).collect::<String>()))
            }
        };
        let locked = (status == StatusCode::LOCKED || (status == StatusCode::TOO_MANY_REQUESTS && code == "locked"))
            .then(|| retry_after.unwrap_or(Duration::from_secs(300)));
        Err(Denied { error, locked })
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| ApiError::NotOurServer(format!("{error}: {}", excerpt(&self.body))))
    }

    /// The stable word and the sentence of an error body, whatever shape it has.
    fn words(&self) -> (String, String) {
        if let Ok(problem) = serde_json::from_slice::<Problem>(&self.body) {
            let fields = problem.fields.values().map(String::as_str);
            let sentence = std::iter::once(problem.error.as_str()).chain(fields).collect::<Vec<_>>().join(" ");
            return (excerpt(problem.code.as_bytes()), excerpt(sentence.as_bytes()));
        }
        let value: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let known = ["Message", "message", "error", "detail", "title"].iter().find_map(|key| value.get(key)?.as_str());
        let text = known.or(value.as_str()).map(str::to_owned);
        let sentence = match text {
            Some(text) => excerpt(text.as_bytes()),
            None if self.is_page() => self.status.to_string(),
            None => excerpt(&self.body),
        };
        (String::new(), if sentence.is_empty() { self.status.to_string() } else { sentence })
    }

    fn is_page(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        kind.starts_with("text/html") || self.body.trim_ascii_start().starts_with(b"<")
    }

    pub(super) fn identity(&self) -> Identity {
        match self.headers.get(SERVER_ID_HEADER).and_then(|value| value.to_str().ok()) {
            Some(id) if !id.is_empty() && id.len() <= 100 => Identity::Line(id.to_owned()),
            _ => Identity::Nameless,
        }
    }

    /// A version is a short text or number in JSON.
    pub(super) fn version(&self) -> Option<String> {
        let text = match serde_json::from_slice(&self.body).ok()? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let good = (1..=64).contains(&text.len()) && text.chars().any(|c| c.is_ascii_digit()) && !text.contains('<');
        good.then_some(text)
    }

    fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        let secs = match text.trim().parse::<u64>() {
            Ok(secs) => secs,
            Err(_) => {
                let until = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
                u64::try_from((until - self.server_time()?).num_seconds()).unwrap_or(0)
            }
        };
        Some(Duration::from_secs(secs.min(24 * 3600)))
    }

    pub(super) fn server_time(&self) -> Option<DateTime<Utc>> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let fine = || DateTime::from_timestamp_millis(text(SERVER_TIME_HEADER)?.parse().ok()?);
        // `Date` is cut to the second: the middle of it is the best guess.
        let coarse = || Some(DateTime::parse_from_rfc2822(text(DATE.as_str())?).ok()?.to_utc() + Duration::from_millis(500));
        fine().or_else(coarse)
    }
}

pub(super) fn not_ours(what: &str) -> ApiError {
    ApiError::NotOurServer(what.to_owned())
}

pub(super) fn no_answer(error: reqwest::Error) -> ApiError {
    let error = error.without_url();
    let text = chain(&error);
    if is_certificate_error(&error) { ApiError::Certificate(text) } else { ApiError::Unreachable(text) }
}

fn is_certificate_error(error: &reqwest::Error) -> bool {
    matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

/// An `io::Error` does not name what it holds as its source, and one may hold another.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inside) => tls_error(inside),
        None => tls_error(error.source()?),
    }
}

/// The innermost reason says most: "connection refused", "certificate expired".
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    excerpt(text.as_bytes())
}

/// The beginning of a text, on one line, for people.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(1200)];
    let text = String::from_utf8_lossy(head);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// Percent-encodes everything but unreserved characters.
pub(super) fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
