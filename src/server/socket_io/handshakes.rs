//! Connections before anybody is known on them. The library keeps one with its whole request from the first line of a client on: here
//! they are counted, in all and by address, and only what is needed of the request is kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{COOKIE, HOST, ORIGIN, SEC_WEBSOCKET_KEY, USER_AGENT};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use crate::server::client_address::{ClientAddress, Peer, counted};
use crate::server::error::Refusal;

/// Connections that may be open beside those that have a seat: they have not said yet what they want, or are just leaving.
const SPARE: usize = 64;
/// One address has at most this part of all.
const SHARE: usize = 4;
/// Most bytes of address and headers that are kept.
const HEAD_MAX: usize = 16 * 1024;
/// Longest name of a connection that is remembered.
const SESSION_MAX: usize = 64;
/// What is asked for later: who it is, from where, and how the library answers.
const KEPT: [HeaderName; 6] = [COOKIE, HOST, ORIGIN, SEC_WEBSOCKET_KEY, USER_AGENT, HeaderName::from_static("sec-fetch-site")];

/// All connections that are alive.
pub(super) struct Handshakes {
    most: usize,
    alive: Mutex<Alive>,
}

#[derive(Default)]
struct Alive {
    all: usize,
    by_address: HashMap<String, usize>,
    /// The connections that began with polling and go on with a WebSocket, by the library's name for them.
    upgraded: HashMap<String, CancellationToken>,
}

/// One connection, for as long as the library keeps its request.
#[derive(Clone)]
pub(super) struct Connection(Arc<Counted>);

struct Counted {
    handshakes: Arc<Handshakes>,
    address: String,
    /// The WebSocket that it began with.
    websocket: Option<CancellationToken>,
    conversations: AtomicU64,
}

impl Handshakes {
    pub(super) fn new(most_seats: usize) -> Arc<Handshakes> {
        Arc::new(Handshakes { most: most_seats + SPARE, alive: Mutex::default() })
    }

    fn alive(&self) -> MutexGuard<'_, Alive> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(self: &Arc<Handshakes>, address: String, websocket: Option<CancellationToken>) -> Result<Connection, Refusal> {
        let mut alive = self.alive();
        if alive.all >= self.most {
            return Err(Refusal::busy("The server has as many connections as it can hold. Try again in a moment."));
        }
        let of_address = alive.by_address.entry(address.clone()).or_default();
        if *of_address >= self.most / SHARE {
            let sentence = "Your address has too many connections open. Close one of them first.";
            let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", sentence);
            return Err(Refusal { retry_after: Some(5), ..refusal });
        }
        *of_address += 1;
        alive.all += 1;
        drop(alive);
        Ok(Connection(Arc::new(Counted { handshakes: self.clone(), address, websocket, conversations: AtomicU64::new(0) })))
    }

    /// A connection goes on with this WebSocket.
    fn note_upgrade(self: &Arc<Handshakes>, session: &str, websocket: CancellationToken) {
        self.alive().upgraded.insert(session.to_owned(), websocket.clone());
        let (handshakes, session) = (self.clone(), session.to_owned());
        tokio::spawn(async move {
            websocket.cancelled().await;
            let mut alive = handshakes.alive();
            if alive.upgraded.get(&session).is_some_and(CancellationToken::is_cancelled) {
                alive.upgraded.remove(&session);
            }
        });
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut alive = self.handshakes.alive();
        alive.all -= 1;
        let Some(of_address) = alive.by_address.get_mut(&self.address) else { return };
        *of_address -= 1;
        if *of_address == 0 {
            alive.by_address.remove(&self.address);
        }
    }
}

impl Connection {
    /// The connection that a request has begun.
    pub(super) fn of(extensions: &Extensions) -> Option<&Connection> {
        extensions.get()
    }

    /// A conversation begins on it. Its number.
    pub(super) fn begin(&self) -> u64 {
        self.0.conversations.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Ends the WebSocket that it is now.
    pub(super) fn cut(&self, session: &str) {
        let upgraded = self.0.handshakes.alive().upgraded.get(session).cloned();
        upgraded.or_else(|| self.0.websocket.clone()).inspect(CancellationToken::cancel);
    }

    /// Whether no other conversation has begun since.
    pub(super) fn is_last(&self, number: u64) -> bool {
        self.0.conversations.load(Ordering::Relaxed) == number
    }
}

/// Wraps every request under `/socket.io/`.
pub(super) async fn count(State(handshakes): State<Arc<Handshakes>>, request: Request, next: Next) -> Response {
    if let Some(session) = session(request.uri()) {
        let websocket = websocket(&request).filter(|_| session.len() <= SESSION_MAX);
        let response = next.run(request).await;
        // Only the library knows whether there is such a session.
        if let Some(websocket) = websocket.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
            handshakes.note_upgrade(&session, websocket);
        }
        return response;
    }
    match begin(&handshakes, request) {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// As the library reads it.
fn session(uri: &Uri) -> Option<String> {
    uri.query()?.split('&').find_map(|part| part.strip_prefix("sid=")).map(str::to_owned)
}

/// The connection that this request would make a WebSocket of.
fn websocket(request: &Request) -> Option<CancellationToken> {
    let asked = request.headers().contains_key(SEC_WEBSOCKET_KEY);
    request.extensions().get::<ConnectInfo<Peer>>().filter(|_| asked).map(|info| info.0.cut.clone())
}

fn begin(handshakes: &Arc<Handshakes>, mut request: Request) -> Result<Request, Refusal> {
    let address = counted(ClientAddress::noted(request.extensions(), request.headers()).ip);
    let (headers, uri) = kept(request.headers(), request.uri())?;
    let connection = handshakes.admit(address, websocket(&request))?;
    (*request.headers_mut(), *request.uri_mut()) = (headers, uri);
    let extensions = request.extensions_mut();
    // The request lives as long as the session, and would keep the place of a connection that may end with its answer.
    extensions.remove::<ConnectInfo<Peer>>();
    extensions.insert(connection);
    Ok(request)
}

/// Copies: what came is one piece with all the rest of the request.
fn kept(headers: &HeaderMap, uri: &Uri) -> Result<(HeaderMap, Uri), Refusal> {
    let mut size = uri.to_string().len();
    let mut kept = HeaderMap::with_capacity(KEPT.len());
    for name in KEPT {
        for value in headers.get_all(&name) {
            size += value.len();
            let mut copy = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Refusal::of_status(StatusCode::BAD_REQUEST))?;
            copy.set_sensitive(name == COOKIE);
            kept.append(name.clone(), copy);
        }
    }
    if size > HEAD_MAX {
        let sentence = "The address and headers of this request are too long.";
        return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large", sentence));
    }
    let uri = uri.to_string().parse().map_err(|_| Refusal::of_status(StatusCode::BAD_REQUEST))?;
    Ok((kept, uri))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tower::ServiceExt;

    fn asked(ip: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::get("/socket.io/?EIO=4&transport=polling").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ClientAddress { ip: ip.parse().unwrap(), secure: false });
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        request
    }

    #[test]
    fn connections_are_counted_until_nobody_has_their_request() {
        let handshakes = Handshakes::new(16);
        let begin = |ip: &str| begin(&handshakes, asked(ip, &[]));
        let code = |refused: Result<Request, Refusal>| refused.map(drop).map_err(|refusal| refusal.code);
        let mut open: Vec<Request> = (0..20).map(|_| begin("10.0.0.1").unwrap()).collect();
        assert_eq!(code(begin("10.0.0.1")), Err("too_many_connections"));
        open.extend((0..60).map(|n| begin(&format!("10.0.1.{}", n / 12)).unwrap()));
        assert_eq!(code(begin("10.0.0.2")), Err("busy"));
        let noted = Connection::of(open[0].extensions()).unwrap().clone();
        open.remove(0);
        assert_eq!(code(begin("10.0.0.2")), Err("busy"), "somebody still has it");
        drop(noted);
        assert!(begin("10.0.0.1").is_ok());
        open.clear();
        let alive = handshakes.alive();
        assert!(alive.all == 0 && alive.by_address.is_empty());
    }

    #[test]
    fn of_a_request_only_what_is_needed_is_kept_and_no_more_than_so_much() {
        let handshakes = Handshakes::new(16);
        let headers = [("cookie", "a=1"), ("x-filler", "x"), ("cookie", "b=2"), ("sec-fetch-site", "same-origin")];
        let request = begin(&handshakes, asked("10.0.0.1", &headers)).unwrap();
        let mut names: Vec<&str> = request.headers().iter().map(|(_, value)| value.to_str().unwrap()).collect();
        names.sort();
        assert_eq!((names, request.uri().query()), (vec!["a=1", "b=2", "same-origin"], Some("EIO=4&transport=polling")));
        let long = "x".repeat(HEAD_MAX);
        assert_eq!(begin(&handshakes, asked("10.0.0.1", &[("cookie", &long)])).map(drop).map_err(|refusal| refusal.code), Err("too_large"));
        assert!(begin(&handshakes, asked("10.0.0.1", &[("x-filler", &long)])).is_ok());
    }

    #[tokio::test]
    async fn only_a_websocket_that_was_opened_is_remembered_and_until_it_ends() {
        let handshakes = Handshakes::new(16);
        let answered = async |status: StatusCode, cut: &CancellationToken| {
            let mut request =
                Request::get("/?EIO=4&transport=websocket&sid=nope").header(SEC_WEBSOCKET_KEY, "x").body(Body::empty()).unwrap();
            let address = ([127, 0, 0, 1], 1).into();
            request.extensions_mut().insert(ConnectInfo(Peer { address, tls: false, cut: cut.clone(), place: None }));
            let router = axum::Router::new().fallback(async move || status);
            let router = router.layer(axum::middleware::from_fn_with_state(handshakes.clone(), count));
            assert_eq!(router.oneshot(request).await.unwrap().status(), status);
            handshakes.alive().upgraded.len()
        };
        let cut = CancellationToken::new();
        assert_eq!(answered(StatusCode::BAD_REQUEST, &cut).await, 0);
        assert_eq!(answered(StatusCode::SWITCHING_PROTOCOLS, &cut).await, 1);
        cut.cancel();
        while !handshakes.alive().upgraded.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_connection_knows_its_last_conversation() {
        let request = begin(&Handshakes::new(16), asked("10.0.0.1", &[])).unwrap();
        let connection = Connection::of(request.extensions()).unwrap();
        let (first, second) = (connection.begin(), connection.begin());
        assert!(!connection.is_last(first) && connection.is_last(second));
    }
}
