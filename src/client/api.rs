//! One method an endpoint; this file and its folder alone name the HTTP library.
//! Every failure is named by what the caller can do about it. No redirect is followed, so a token goes to one server only.

mod accounts;
mod live;
mod people;
mod person;
mod request;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub(crate) use self::accounts::Socket;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use reqwest::header::HOST;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::server_url::ServerUrl;
use super::tunnel::{Blocked, Entry, Way};
use crate::domain::connection::Trouble;
use crate::protocol::auth::{LoginRequest, LoginResponse};
use crate::protocol::wats::{Filter, Process, ReportHeader, TopFailedRow, YieldRow};
use crate::support::secret::Secret;

pub(crate) use live::HistoryQuery;
pub(crate) use person::{End, PersonSession, Tokens};
use request::{Answer, Request, chain, escape, excerpt, no_answer, not_ours};

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

    /// Which server answers, before anybody has signed in to it. One that refuses tells it as well.
    pub(crate) async fn who_answers(&self, server: &ServerUrl) -> Result<Identity, ApiError> {
        Ok(Request::get("/api/App/Version").send(self, server).await?.identity())
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

#[cfg(test)]
mod tests;
