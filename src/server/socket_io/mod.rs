//! `/socket.io/`: the conversation for clients of specification 002, over polling and websocket. Each connection has a mailbox that
//! is filled in the order in which things arrive, and one task that empties it: the library itself would start a task an event, in
//! no order.

mod conversation;
mod handshakes;
mod hang_up;
mod payload;
mod refusals;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Extension, SocketRef};
use socketioxide::handler::ConnectHandler;
use socketioxide::socket::DisconnectReason;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::conversation::Conversation;
use self::handshakes::{Connection, Handshakes};
use self::hang_up::hang_up;
use self::payload::{Payload, Places};
use super::sockets::Seat;
use super::state::Line;

/// Most bytes that a client may send at once, as it is told when it connects.
const MAX_PAYLOAD: usize = 1_000_000;
/// Events that may wait for an answer before the client is cut off.
const WAITING: usize = 32;
/// Packets that a client may be behind before it is cut off.
const BEHIND: usize = 256;
/// How long a client may take to name its namespace.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(10);

/// One thing a client sent, and how to acknowledge it.
struct Said {
    event: Event,
    payload: Payload,
    ack: AckSender,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Authenticate,
    Message,
    Join,
}

const EVENTS: [(&str, Event); 3] = [("authenticate", Event::Authenticate), ("message", Event::Message), ("join", Event::Join)];

/// What came so far, and the connection's place.
type Contents = (mpsc::Receiver<Said>, Seat);

/// What the middleware prepares for the connection's task.
#[derive(Clone)]
struct Mailbox {
    contents: Arc<Mutex<Option<Contents>>>,
    gone: CancellationToken,
}

/// The service under `/socket.io/`. It closes its sockets when the line closes.
pub(super) fn routes(line: Arc<Line>) -> Router<Arc<Line>> {
    let (service, io) = SocketIo::builder()
        .max_payload(MAX_PAYLOAD as u64)
        .ws_max_message_size(MAX_PAYLOAD)
        .ws_max_frame_size(MAX_PAYLOAD)
        .max_buffer_size(BEHIND)
        .connect_timeout(CONNECT)
        .build_svc();
    let (host, closing) = (line.clone(), line.closing.clone());
    let (handshakes, ending) = (Handshakes::new(line.config.max_sockets), Router::new().route_service("/socket.io/", service.clone()));
    let places = Places::new();
    let over = CancellationToken::new();
    let left = over.clone();
    let receive = async move |socket: SocketRef| {
        socket.extensions.insert(places.clone());
        register(&host, &socket, &ending, left.child_token())
    };
    let talk = async move |socket: SocketRef, Extension(mailbox): Extension<Mailbox>| {
        let contents = mailbox.contents.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((said, seat)) = contents {
            let begun = line.begun.clone();
            begun.track_future(Conversation::new(line, socket, seat).run(said, mailbox.gone)).await;
        }
    };
    io.ns("/", talk.with(receive));
    if let Err(error) = io.dyn_ns("/{*path}", (async || ()).with(turn_away)) {
        tracing::error!("other namespaces have the library's own refusal: {error}");
    }
    tokio::spawn(async move {
        closing.cancelled().await;
        io.close().await;
        // The library tells nobody of it.
        over.cancel();
    });
    let routes = Router::new().route_service("/socket.io", service.clone()).route_service("/socket.io/", service);
    let routes = routes.layer(axum::middleware::from_fn_with_state(handshakes, handshakes::count));
    routes.layer(axum::middleware::from_fn(refusals::in_words))
}

/// There is one namespace. The library keeps each that is asked for: this one is forgotten again, with nobody in it.
async fn turn_away(socket: SocketRef, io: SocketIo) -> Result<(), &'static str> {
    io.delete_ns(socket.ns());
    Err("Unable to connect")
}

/// Before the client hears that it is connected, so that nothing it sends is missed. It has left once `gone` is cancelled.
fn register(line: &Line, socket: &SocketRef, service: &Router, gone: CancellationToken) -> Result<(), &'static str> {
    let seat = line.sockets.admit().map_err(|_| "Too many connections. Try again in a moment.")?;
    let (sender, said) = mpsc::channel(WAITING);
    for (name, event) in EVENTS {
        let (sender, gone) = (sender.clone(), gone.clone());
        // Runs where the packet is read: the mailbox keeps the order.
        socket.on(name, move |payload: Payload, ack: AckSender| {
            if sender.try_send(Said { event, payload, ack }).is_err() {
                gone.cancel();
            }
            std::future::ready(())
        });
    }
    let number = Connection::of(&socket.req_parts().extensions).map(Connection::begin);
    let (left, service) = (gone.clone(), service.clone());
    socket.on_disconnect(async move |socket: SocketRef, reason: DisconnectReason| {
        left.cancel();
        if let (DisconnectReason::ClientNSDisconnect | DisconnectReason::ServerNSDisconnect, Some(number)) = (reason, number) {
            tokio::spawn(hang_up(service.clone(), socket, number));
        }
    });
    socket.extensions.insert(Mailbox { contents: Arc::new(Mutex::new(Some((said, seat)))), gone });
    Ok(())
}
