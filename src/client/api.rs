//! One method an endpoint, and the only file that names the HTTP library.
//! Every failure is named by what the caller can do about it. No redirect is followed, so a token goes to one server only.

mod accounts;
mod live;
mod people;
mod person;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub(crate) use self::accounts::Socket;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::server_url::ServerUrl;
use super::tunnel::{Blocked, Entry, Way};
use crate::domain::connection::Trouble;
use crate::protocol::auth::{LoginRequest, LoginResponse, Problem, SERVER_ID_HEADER, SERVER_TIME_HEADER};
use crate::protocol::wats::{Filter, Process, ReportHeader, TopFailedRow, YieldRow};
use crate::support::secret::Secret;

pub(crate) use live::HistoryQuery;
pub(crate) use person::{End, PersonSession, Tokens};

/// Talks to one server with one token.
pub(crate) struct Api {
    server: ServerUrl,
    token: Secret,
    http: Http,
    identity: Identity,
}

/// Which server the answers must come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Identity {
    /// Nobody knows yet: the first good answer tells.
    Unknown,
    /// A line server with this id.
    Line(String),
    /// A server without an id of its own.
    Nameless,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ApiError {
    /// No answer at all: name, network, port, time limit, or an answer that broke off.
    #[error("no answer: {0}")]
    Unreachable(String),
    #[error("certificate: {0}")]
    Certificate(String),
    /// 401: the token or the password is not known.
    #[error("the server does not know this token")]
    TokenRefused { sentence: String },
    /// 408, 425, 429, 5xx: the same request may work later.
    #[error("{status}: {sentence}")]
    Later { status: u16, sentence: String, retry_after: Option<Duration> },
    /// Another 4xx: the same request will never work.
    #[error("{status}: {sentence}")]
    Refused { status: u16, code: String, sentence: String },
    /// An answer that no server of ours would give.
    #[error("not a server for test reports: {0}")]
    NotOurServer(String),
    /// The request did not go out: it has to go through the tunnel, which is down.
    #[error("the tunnel is down")]
    TunnelDown { needs_person: bool },
    /// Another server than the one this station signed in to.
    #[error("another server answers at this address")]
    OtherServer,
}

impl ApiError {
    /// What it says about the connection; `None` where the connection is fine and only the request was not.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        match self {
            ApiError::Unreachable(_) => Some(Trouble::Unreachable),
            ApiError::Certificate(_) => Some(Trouble::Certificate),
            ApiError::Later { status, .. } if *status != 429 => Some(Trouble::ServerError),
            ApiError::NotOurServer(_) => Some(Trouble::NotOurServer),
            ApiError::OtherServer => Some(Trouble::OtherServer),
            ApiError::TunnelDown { needs_person: true } => Some(Trouble::TunnelRefused),
            ApiError::TunnelDown { needs_person: false } => Some(Trouble::TunnelDown),
            _ => None,
        }
    }

    /// The other side's own words, for the detail of an explanation.
    pub(crate) fn detail(&self) -> String {
        match self {
            ApiError::Unreachable(text) | ApiError::Certificate(text) | ApiError::NotOurServer(text) => text.clone(),
            ApiError::TokenRefused { sentence } => sentence.clone(),
            ApiError::Later { sentence, .. } | ApiError::Refused { sentence, .. } => sentence.clone(),
            ApiError::OtherServer | ApiError::TunnelDown { .. } => String::new(),
        }
    }
}

/// What a health probe found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Probe {
    pub(crate) version: String,
    pub(crate) latency: Duration,
    /// The server's time when it answered: near the middle between request and answer.
    pub(crate) server_time: Option<DateTime<Utc>>,
    pub(crate) identity: Identity,
}

/// Where requests go out, before anybody has signed in.
#[derive(Clone)]
pub(crate) struct Http {
    clients: Arc<Clients>,
    way: Way,
}

/// One client for each way, made when it is first needed: a tunnel may be switched on and off meanwhile.
struct Clients {
    server: ServerUrl,
    roots: Vec<reqwest::Certificate>,
    http1: bool,
    straight: OnceLock<reqwest::Client>,
    tunnelled: OnceLock<reqwest::Client>,
}

/// Where a tunnel is entered; the port stands in the address.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(60);
/// Longest body of an answer, in bytes: small ones, lists, and one report.
const SMALL_BODY: usize = 256 * 1024;
const LIST_BODY: usize = 16 * 1024 * 1024;
const REPORT_BODY: usize = 64 * 1024 * 1024;

impl Clients {
    fn get(&self, tunnelled: bool) -> Result<&reqwest::Client, ApiError> {
        let place = if tunnelled { &self.tunnelled } else { &self.straight };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let client = self.make(tunnelled)?;
        Ok(place.get_or_init(|| client))
    }

    fn make(&self, tunnelled: bool) -> Result<reqwest::Client, ApiError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_idle_timeout(Duration::from_secs(50))
            .tcp_nodelay(true);
        if self.server.is_loopback() || tunnelled {
            builder = builder.no_proxy();
        }
        if self.http1 || tunnelled {
            builder = builder.http1_only();
        }
        if tunnelled {
            builder = builder.resolve(self.server.host(), LOOPBACK);
        }
        if !self.roots.is_empty() {
            builder = builder.tls_certs_merge(self.roots.clone());
        }
        builder.build().map_err(|error| ApiError::Unreachable(chain(&error)))
    }
}

impl Http {
    /// `roots` are further certificate authorities in DER, beside the machine's own.
    /// With a tunnel the server keeps its name, for its certificate and its `Host`, and is looked for at the tunnel's local end.
    pub(crate) fn new(server: &ServerUrl, roots: &[Vec<u8>], way: Way) -> Result<Http, ApiError> {
        Http::build(server, roots, way, false)
    }

    fn build(server: &ServerUrl, roots: &[Vec<u8>], way: Way, http1: bool) -> Result<Http, ApiError> {
        let roots = roots.iter().filter_map(|der| reqwest::Certificate::from_der(der).ok()).collect();
        let clients = Clients { server: server.clone(), roots, http1, straight: OnceLock::new(), tunnelled: OnceLock::new() };
        clients.get(way.is_tunnel())?;
        Ok(Http { clients: Arc::new(clients), way })
    }

    /// A request to the server itself, or into the tunnel's local end under the server's name.
    async fn begin(&self, method: Method, server: &ServerUrl, path: &str) -> Result<reqwest::RequestBuilder, ApiError> {
        let blocked = |Blocked { needs_person }| ApiError::TunnelDown { needs_person };
        match self.way.local_end().await.map_err(blocked)? {
            None => Ok(self.clients.get(false)?.request(method, server.join(path))),
            Some(local) => {
                let entrance = server.entered_at(local).ok_or(ApiError::TunnelDown { needs_person: true })?;
                Ok(self.clients.get(true)?.request(method, entrance.join(path)).header(HOST, server.authority()))
            }
        }
    }

    /// What a request without an answer means, seen together with the tunnel.
    fn blame(&self, error: ApiError) -> ApiError {
        match (error, self.way.entry()) {
            (ApiError::Unreachable(_), Entry::Closed { needs_person }) => ApiError::TunnelDown { needs_person },
            (ApiError::Unreachable(_), Entry::Opening) => ApiError::TunnelDown { needs_person: false },
            (error, _) => error,
        }
    }

    /// `GET /api/Auth/GetToken/{identifier}`: a station token for a user and password.
    pub(crate) async fn fetch_token(&self, server: &ServerUrl, user: &str, password: &Secret, identifier: &str) -> Result<Secret, Denied> {
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let path = format!("/api/Auth/GetToken/{}", escape(identifier));
        let request = Request::get(&path).basic(&Zeroizing::new(STANDARD.encode(pair.as_bytes()))).limit(LONG);
        let answer = request.send(self, server).await?;
        let body = Zeroizing::new(answer.good()?.body);
        let text = serde_json::from_slice::<String>(&body).map(Zeroizing::new).map_err(|_| not_ours("a token was expected"))?;
        let good = !text.is_empty() && text.len() <= 8192 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Secret::new(text.as_str())) } else { Err(not_ours("a token was expected").into()) }
    }

    /// `POST /api/auth/login`: who the person is.
    pub(crate) async fn login(&self, server: &ServerUrl, user: &str, password: &Secret) -> Result<LoginResponse, Denied> {
        let answer = login_request(user, password).send(self, server).await?;
        Ok(answer.good()?.json()?)
    }

    /// Whether a WATS-compatible server answers at all, without any token.
    pub(crate) async fn looks_like_ours(&self, server: &ServerUrl) -> bool {
        match Request::get("/api/App/Version").send(self, server).await {
            Ok(answer) => matches!(answer.status.as_u16(), 401 | 403) || (answer.status.is_success() && answer.version().is_some()),
            Err(_) => false,
        }
    }
}

fn login_request(user: &str, password: &Secret) -> Request {
    let login = LoginRequest { username: user.to_owned(), password: password.expose().to_owned(), role: None };
    let body = Zeroizing::new(serde_json::to_vec(&login).unwrap_or_default());
    zeroize::Zeroize::zeroize(&mut { login.password });
    // Passwords are looked at in turn, and slowly on purpose.
    Request::post("/api/auth/login", body.to_vec()).limit(LONG)
}

impl Api {
    pub(crate) fn new(http: Http, server: ServerUrl, token: Secret, identity: Identity) -> Api {
        Api { server, token, http, identity }
    }

    pub(crate) fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// The same server and token, from now on bound to who answered.
    pub(crate) fn bound_to(&self, identity: Identity) -> Api {
        Api { server: self.server.clone(), token: self.token.clone(), http: self.http.clone(), identity }
    }

    /// `GET /api/App/Version` with the token, never from a cache.
    pub(crate) async fn probe(&self) -> Result<Probe, ApiError> {
        let started = Instant::now();
        let answer = self.call(Request::get("/api/App/Version").uncached()).await?;
        let latency = started.elapsed();
        let version = answer.version().ok_or_else(|| ApiError::NotOurServer("it did not tell its version".to_owned()))?;
        Ok(Probe { version, latency, server_time: answer.server_time(), identity: answer.identity() })
    }

    /// Sends one report. Sending the same id again is acknowledged, not doubled.
    pub(crate) async fn submit_report(&self, text: &str) -> Result<(), ApiError> {
        let request = Request::post("/api/Report/WSJF", text.as_bytes().to_vec()).limit(LONG);
        let answer = self.call(request).await?;
        // A server acknowledges with JSON or nothing. Anything else, a portal's page for one, is no acknowledgement.
        let body = answer.body.trim_ascii();
        if body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
            Ok(())
        } else {
            Err(ApiError::NotOurServer(excerpt(body)))
        }
    }

    /// One report, to the letter.
    pub(crate) async fn fetch_report(&self, id: Uuid) -> Result<String, ApiError> {
        let answer = self.call(Request::get(&format!("/api/Report/Wsjf/{id}")).limit(LONG).body_limit(REPORT_BODY)).await?;
        String::from_utf8(answer.body).map_err(|_| ApiError::NotOurServer("the report is not UTF-8".to_owned()))
    }

    pub(crate) async fn fetch_processes(&self) -> Result<Vec<Process>, ApiError> {
        self.list(Request::get("/api/App/Processes")).await
    }

    /// Heads of test reports, newest first. `filter` is OData with quotes doubled, or empty.
    pub(crate) async fn fetch_headers(&self, filter: &str, top: usize, skip: usize) -> Result<Vec<ReportHeader>, ApiError> {
        let mut request = Request::get("/api/Report/Query/Header")
            .query("reportType", "U")
            .query("$orderby", "start desc")
            .query("$top", &top.to_string());
        if skip > 0 {
            request = request.query("$skip", &skip.to_string());
        }
        if !filter.is_empty() {
            request = request.query("$filter", filter);
        }
        self.list(request).await
    }

    pub(crate) async fn fetch_yield(&self, filter: &Filter, dimensions: &str) -> Result<Vec<YieldRow>, ApiError> {
        let body = serde_json::to_vec(filter).unwrap_or_default();
        let mut request = Request::post("/api/App/DynamicYield", body);
        if !dimensions.is_empty() {
            request = request.query("dimensions", dimensions);
        }
        self.list(request).await
    }

    pub(crate) async fn fetch_top_failed(&self, filter: &Filter) -> Result<Vec<TopFailedRow>, ApiError> {
        self.list(Request::post("/api/App/TopFailed", serde_json::to_vec(filter).unwrap_or_default())).await
    }

    /// As [`Http::login`], at the server that this station signed in to and at no other.
    pub(crate) async fn login(&self, user: &str, password: &Secret) -> Result<LoginResponse, Denied> {
        let answer = login_request(user, password).send(&self.http, &self.server).await?;
        self.check_identity(&answer)?;
        Ok(answer.good()?.json()?)
    }

    async fn list<T: DeserializeOwned>(&self, request: Request) -> Result<T, ApiError> {
        self.call(request.body_limit(LIST_BODY)).await?.json()
    }

    async fn call(&self, request: Request) -> Result<Answer, ApiError> {
        self.send(request.authorize("Basic", &self.token)).await
    }

    /// As [`call`](Self::call), with whatever the request authorizes itself by.
    async fn send(&self, request: Request) -> Result<Answer, ApiError> {
        let answer = request.send(&self.http, &self.server).await?;
        self.check_identity(&answer)?;
        answer.good().map_err(|denied| denied.error)
    }

    /// Only the server that this station signed in to may accept or refuse anything.
    /// What stands in between, a proxy or a portal, carries no server's name.
    fn check_identity(&self, answer: &Answer) -> Result<(), ApiError> {
        let (status, found) = (answer.status, answer.identity());
        match (&self.identity, found) {
            (Identity::Unknown, _) => Ok(()),
            (expected, found) if *expected == found => Ok(()),
            (Identity::Line(_), Identity::Nameless) if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Ok(()),
            (Identity::Line(_), Identity::Nameless) if !status.is_success() || answer.version().is_none() => {
                Err(ApiError::NotOurServer(format!("{status}: {}", excerpt(&answer.body))))
            }
            _ => Err(ApiError::OtherServer),
        }
    }
}

/// A refused sign-in request: what it says in general, and until when the account is locked where that is the reason.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) error: ApiError,
    pub(crate) locked: Option<Duration>,
}

impl From<ApiError> for Denied {
    fn from(error: ApiError) -> Denied {
        Denied { error, locked: None }
    }
}

/// One request, described.
#[derive(Clone)]
struct Request {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    limit: Duration,
    body_limit: usize,
}

impl Request {
    fn get(path: &str) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Request { method: Method::GET, path: path.to_owned(), query: Vec::new(), headers, body: None, limit: SHORT, body_limit: SMALL_BODY }
    }

    fn post(path: &str, body: Vec<u8>) -> Request {
        let mut request = Request::get(path);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request { method: Method::POST, body: Some(body), ..request }
    }

    fn patch(path: &str, body: Vec<u8>) -> Request {
        Request { method: Method::PATCH, ..Request::post(path, body) }
    }

    fn put(path: &str, body: Vec<u8>) -> Request {
        Request { method: Method::PUT, ..Request::post(path, body) }
    }

    fn delete(path: &str) -> Request {
        Request { method: Method::DELETE, ..Request::get(path) }
    }

    fn query(mut self, name: &str, value: &str) -> Request {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    fn uncached(mut self) -> Request {
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
        self
    }

    fn limit(self, limit: Duration) -> Request {
        Request { limit, ..self }
    }

    fn body_limit(self, body_limit: usize) -> Request {
        Request { body_limit, ..self }
    }

    fn authorize(self, scheme: &str, token: &Secret) -> Request {
        self.authorization(Zeroizing::new(format!("{scheme} {}", token.expose())))
    }

    fn basic(self, pair: &str) -> Request {
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

    async fn send(self, http: &Http, server: &ServerUrl) -> Result<Answer, ApiError> {
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
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The answer itself if it is a success, else what kind of refusal it is.
    fn good(self) -> Result<Answer, Denied> {
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

    fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
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

    fn identity(&self) -> Identity {
        match self.headers.get(SERVER_ID_HEADER).and_then(|value| value.to_str().ok()) {
            Some(id) if !id.is_empty() && id.len() <= 100 => Identity::Line(id.to_owned()),
            _ => Identity::Nameless,
        }
    }

    /// A version is a short text or number in JSON.
    fn version(&self) -> Option<String> {
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

    fn server_time(&self) -> Option<DateTime<Utc>> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let fine = || DateTime::from_timestamp_millis(text(SERVER_TIME_HEADER)?.parse().ok()?);
        // `Date` is cut to the second: the middle of it is the best guess.
        let coarse = || Some(DateTime::parse_from_rfc2822(text(DATE.as_str())?).ok()?.to_utc() + Duration::from_millis(500));
        fine().or_else(coarse)
    }
}

fn not_ours(what: &str) -> ApiError {
    ApiError::NotOurServer(what.to_owned())
}

fn no_answer(error: reqwest::Error) -> ApiError {
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
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    excerpt(text.as_bytes())
}

/// The beginning of a text, on one line, for people.
fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(1200)];
    let text = String::from_utf8_lossy(head);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// Percent-encodes everything but unreserved characters.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests;
