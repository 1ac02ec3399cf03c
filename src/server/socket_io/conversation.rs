//! One connection: greeted at once, a stranger until it authenticates, then heard and told.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::payload::Payload;
use super::{Event, Said};
use crate::domain::Permission;
use crate::domain::chat::Room;
use crate::protocol::chat::{AuthError, AuthSuccess, Authenticate, ChatUser, Connected, Echo, Heard, Message, MessageKind, NotSaid};
use crate::server::bus::Happening;
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::metrics;
use crate::server::services::chat::{self, Replay, Speaker, UNFIT, Words};
use crate::server::services::sessions::Origin;
use crate::server::services::socket_sign_in::{Admitted, PROLONG};
use crate::server::services::{server_status, socket_sign_in};
use crate::server::sockets::{Seat, Standing};
use crate::server::state::Line;
use crate::support::secret::Secret;

/// Wrong tries on one connection.
const TRIES: u32 = 10;
/// Large messages that one connection is sent back: a client that does not read them has us keep them.
const LARGE_ECHOES: u32 = 16;
/// Messages that a connection is known to have, so that none is told twice.
const TOLD: usize = 256;
/// How long a client that is cut off may take to read so, and how often it is tried.
const LAST_WORD: Duration = Duration::from_secs(60);
const LAST_WORD_AGAIN: Duration = Duration::from_millis(100);
const SESSION_ENDED: &str = "Your session has ended. Sign in again.";

pub(super) struct Conversation {
    line: Arc<Line>,
    socket: SocketRef,
    seat: Seat,
    /// Names this connection on the bus.
    id: Uuid,
    known: Option<Admitted>,
    rooms: Rooms,
    /// The newest message of this connection's time, and those it knows, the newest last.
    latest: Uuid,
    told: VecDeque<String>,
    failures: u32,
    large_echoes: u32,
}

/// What a client hears.
enum Rooms {
    /// A page shows all of them.
    All,
    Some(HashSet<String>),
}

/// The client is to be cut off.
struct CutOff;

type Going = Result<(), CutOff>;

impl Conversation {
    pub(super) fn new(line: Arc<Line>, socket: SocketRef, seat: Seat) -> Conversation {
        let (rooms, told, latest) = (Rooms::Some(HashSet::new()), VecDeque::with_capacity(TOLD), Uuid::now_v7());
        Conversation { line, socket, seat, id: Uuid::now_v7(), known: None, rooms, latest, told, failures: 0, large_echoes: 0 }
    }

    /// Until either side has gone.
    pub(super) async fn run(mut self, said: mpsc::Receiver<Said>, gone: CancellationToken) {
        let ended = tokio::select! {
            () = gone.cancelled() => Ok(()),
            ended = self.talk(said) => ended,
        };
        if let Some(known) = self.known.take() {
            socket_sign_in::leave(&self.line, known).await;
        }
        if ended.is_err() || self.socket.connected() {
            drop(self.seat);
            part(&self.socket).await;
        }
    }

    async fn talk(&mut self, mut said: mpsc::Receiver<Said>) -> Going {
        // Before anybody may authenticate, so that nothing is missed.
        let mut heard = self.line.bus.follow();
        self.greet().await?;
        self.recognise().await?;
        let mut prolong = tokio::time::interval_at(tokio::time::Instant::now() + PROLONG, PROLONG);
        loop {
            let expires_at = self.known.as_ref().and_then(|known| known.expires_at);
            let changed = async {
                match &mut self.known {
                    Some(known) => known.changed().await,
                    None => std::future::pending().await,
                }
            };
            let over = time_left(&self.line, expires_at);
            tokio::select! {
                biased;
                () = over => self.stand(Standing::Ended)?,
                standing = changed => self.stand(standing)?,
                () = self.seat.given_up() => return Err(CutOff),
                said = said.recv() => match said {
                    Some(said) => self.hear(said).await?,
                    None => return Ok(()),
                },
                happening = heard.recv() => self.pass_on(happening, &mut heard).await?,
                _ = prolong.tick() => if let Some(known) = &self.known {
                    socket_sign_in::prolong(&self.line, known).await;
                },
            }
        }
    }

    fn emit(&self, event: &str, data: &impl Serialize) -> Going {
        match self.socket.emit(event, data) {
            Ok(()) => Ok(()),
            // Too slow, or gone.
            Err(SendError::Socket(_)) => Err(CutOff),
            Err(SendError::Serialize(error)) => {
                tracing::error!("an event could not be written: {error}");
                Ok(())
            }
        }
    }

    async fn greet(&self) -> Going {
        let server_status = server_status::read(&self.line).await;
        self.emit("connected", &Connected { message: "Connected to server", sid: self.socket.id.as_str(), server_status })
    }

    /// A page that is signed in need not authenticate: its cookies came with the handshake.
    async fn recognise(&mut self) -> Going {
        match socket_sign_in::by_page(&self.line, &self.seat, self.socket.req_parts()).await {
            Ok(Some(admitted)) => {
                self.rooms = Rooms::All;
                metrics::signed_in_on_socket_io(true);
                self.settle(admitted, "line").await
            }
            Ok(None) => Ok(()),
            Err(refusal) => self.emit("auth_error", &AuthError { error: sentence(&refusal), retry_after: refusal.retry_after }),
        }
    }

    async fn hear(&mut self, said: Said) -> Going {
        match said.event {
            Event::Authenticate => self.authenticate(said.payload).await?,
            Event::Message => self.message(said.payload).await?,
            Event::Join => self.join(said.payload).await?,
        }
        let _ = said.ack.send::<[(); 0]>(&[]);
        Ok(())
    }

    async fn authenticate(&mut self, payload: Payload) -> Going {
        let asked = match payload {
            Payload::Json(asked @ Value::Object(_)) => serde_json::from_value(asked).unwrap_or_default(),
            _ => Authenticate::default(),
        };
        let room = asked.room.as_str().unwrap_or("line").to_owned();
        let admitted = self.admit(asked).await;
        metrics::signed_in_on_socket_io(admitted.is_ok());
        match admitted {
            Ok(admitted) => self.settle(admitted, &room).await,
            Err(refusal) => {
                self.failures += 1;
                let error = sentence(&refusal);
                self.emit("auth_error", &AuthError { error, retry_after: refusal.retry_after })?;
                if self.failures >= TRIES { Err(CutOff) } else { Ok(()) }
            }
        }
    }

    async fn settle(&mut self, admitted: Admitted, room: &str) -> Going {
        if let Some(before) = self.known.replace(admitted) {
            socket_sign_in::leave(&self.line, before).await;
        }
        self.rooms.enter(Room::Line.to_string());
        self.enter(room).await;
        self.welcome().await
    }

    async fn admit(&self, asked: Authenticate) -> Result<Admitted, Refusal> {
        let text = |value: Value| match value {
            Value::String(text) if !text.is_empty() => Some(Secret::new(text)),
            _ => None,
        };
        if let Some(token) = text(asked.token) {
            return socket_sign_in::by_token(&self.line, &self.seat, &token).await;
        }
        let missing = || Refusal::bad_request("missing_credentials", "Missing credentials");
        let (name, password) = (text(asked.username).ok_or_else(missing)?, text(asked.password).ok_or_else(missing)?);
        let parts = self.socket.req_parts();
        let origin = Origin::new(ClientAddress::noted(&parts.extensions, &parts.headers), &parts.headers);
        socket_sign_in::by_password(&self.line, &self.seat, (name.expose(), &password), &origin).await
    }

    async fn welcome(&self) -> Going {
        let Some(known) = &self.known else { return Ok(()) };
        let server_status = server_status::read(&self.line).await;
        let user = ChatUser { id: &known.caller.id, username: &known.caller.name, email: known.email.as_deref() };
        self.emit("auth_success", &AuthSuccess { message: "Authentication successful", user, characters: [], server_status })
    }

    /// Says it in the room that it names, or in the line's, and echoes it as the original does.
    async fn message(&mut self, payload: Payload) -> Going {
        let Some(known) = &self.known else {
            return self.emit("auth_error", &AuthError { error: "Authenticate first: nobody hears you before.", retry_after: None });
        };
        let value = match payload {
            Payload::Json(value) => value,
            Payload::Large(large) if self.large_echoes < LARGE_ECHOES => {
                self.large_echoes += 1;
                return self.only_echo(&large.json, &too_large()).await;
            }
            Payload::Large(_) | Payload::TooLarge => return self.not_said(&too_large()),
            Payload::Unreadable => return self.not_said(&Refusal::bad_request(UNFIT, "Only text can be said here.")),
        };
        let (room, content) = words(&value);
        let (name, role) = known.now();
        let speaker = Speaker { user_id: &known.caller.id, name: &name, role, socket: Some(self.id) };
        let words = Words { room, content: &content, kind: MessageKind::Message, sent_as: None };
        match chat::say(&self.line, &speaker, &words).await {
            Ok(message) => {
                self.note(&message.id);
                self.rooms.enter(message.room);
                self.emit("message", &Echo { echo: &value })
            }
            Err(refusal) if refusal.code == UNFIT => self.only_echo(&value, &refusal).await,
            Err(refusal) => self.not_said(&refusal),
        }
    }

    /// The original sends anything back: so is what the room does not take, with the reason after it.
    async fn only_echo(&self, value: &impl Serialize, reason: &Refusal) -> Going {
        let Some(known) = &self.known else { return Ok(()) };
        if let Err(refusal) = chat::take_turn(&self.line, &known.caller.id).await {
            return self.not_said(&refusal);
        }
        self.emit("message", &Echo { echo: value })?;
        self.not_said(reason)
    }

    fn not_said(&self, refusal: &Refusal) -> Going {
        self.emit("message", &NotSaid { error: &refusal.sentence, code: refusal.code, retry_after: refusal.retry_after })
    }

    /// A room by its name, or `{room}`.
    async fn join(&mut self, payload: Payload) -> Going {
        if self.known.is_none() {
            return self.emit("auth_error", &AuthError { error: "Authenticate first: nobody hears you before.", retry_after: None });
        }
        let Payload::Json(value) = payload else { return Ok(()) };
        let room = value.as_str().or_else(|| value["room"].as_str()).unwrap_or_default();
        match chat::find_room(&self.line, room).await {
            Ok(room) => {
                self.rooms.enter(room.to_string());
                self.emit("joined", &serde_json::json!({ "room": room.to_string() }))
            }
            Err(refusal) => self.not_said(&refusal),
        }
    }

    async fn enter(&mut self, room: &str) {
        if let Ok(room) = chat::find_room(&self.line, room).await {
            self.rooms.enter(room.to_string());
        }
    }

    async fn pass_on(&mut self, happening: Result<Happening, RecvError>, heard: &mut Receiver<Happening>) -> Going {
        match happening {
            Ok(Happening::ChatMessage { message, socket }) if socket != Some(self.id) => self.tell(&message),
            Ok(Happening::Missed) => self.catch_up().await,
            Ok(_) => Ok(()),
            Err(RecvError::Closed) => Err(CutOff),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, waiting = heard.len(), "a Socket.IO client was behind and is cut off; it will read the history");
                Err(CutOff)
            }
        }
    }

    /// Other servers could not be heard for a while: what was said there is in the database. Too much of it is read in the history.
    async fn catch_up(&mut self) -> Going {
        if self.known.is_none() {
            return Ok(());
        }
        let mut replay = Replay::after(self.latest);
        match replay.page(&self.line).await {
            Ok(_) if replay.goes_on => Err(CutOff),
            Ok(messages) => messages.iter().try_for_each(|message| self.tell(message)),
            Err(refusal) => {
                tracing::warn!("a Socket.IO client could not be told what it missed: {}", refusal.sentence);
                Err(CutOff)
            }
        }
    }

    fn tell(&mut self, message: &Message) -> Going {
        if self.known.is_none() || self.told.contains(&message.id) {
            return Ok(());
        }
        self.note(&message.id);
        if !self.rooms.hold(&message.room) {
            return Ok(());
        }
        let kind = Some(message.kind).filter(|kind| *kind != MessageKind::Message);
        let Message { id, from, room, content, timestamp, .. } = message;
        self.emit("message", &Heard { id, from, room, content, timestamp, kind })
    }

    /// The client has this message, or need not have it.
    fn note(&mut self, id: &str) {
        self.latest = Uuid::parse_str(id).unwrap_or(self.latest).max(self.latest);
        if self.told.len() >= TOLD {
            self.told.pop_front();
        }
        self.told.push_back(id.to_owned());
    }

    /// The person's session, role or name is another than it was.
    fn stand(&mut self, standing: Standing) -> Going {
        match standing {
            Standing::Good { role, .. } if role.may(Permission::Chat) => Ok(()),
            _ => {
                self.emit("auth_error", &AuthError { error: SESSION_ENDED, retry_after: None })?;
                Err(CutOff)
            }
        }
    }
}

fn too_large() -> Refusal {
    Refusal::bad_request("too_large", "The message is too long to be said: at most 4000 characters are taken.")
}

impl Rooms {
    fn enter(&mut self, room: String) {
        if let Rooms::Some(rooms) = self {
            rooms.insert(room);
        }
    }

    fn hold(&self, room: &str) -> bool {
        match self {
            Rooms::All => true,
            Rooms::Some(rooms) => rooms.contains(room),
        }
    }
}

/// Cuts a client off. One that is too slow has no room for that word either, and would otherwise stay, served by nobody.
async fn part(socket: &SocketRef) {
    let parting = async {
        while let Err(SocketError::InternalChannelFull) = socket.clone().disconnect() {
            tokio::time::sleep(LAST_WORD_AGAIN).await;
        }
    };
    let _ = tokio::time::timeout(LAST_WORD, parting).await;
}

/// Waits until a token ends; for ever where there is none.
async fn time_left(line: &Line, expires_at: Option<DateTime<Utc>>) {
    match expires_at {
        Some(end) => tokio::time::sleep((end - line.clock.now()).to_std().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// The room and the text of what was sent. Anything may be sent; what is no text is said as JSON.
fn words(value: &Value) -> (&str, String) {
    let room = value.get("room").and_then(Value::as_str).unwrap_or("line");
    let text = ["content", "message", "text"].iter().find_map(|name| value.get(*name)?.as_str());
    match text.or_else(|| value.as_str()) {
        Some(text) => (room, text.to_owned()),
        None if value.is_null() => (room, String::new()),
        None => (room, value.to_string()),
    }
}

/// The original's sentences where it has one.
fn sentence(refusal: &Refusal) -> &str {
    match refusal.code {
        "invalid_credentials" => "Invalid credentials",
        "email_not_verified" => "Email not verified",
        _ => &refusal.sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_and_objects_and_anything_else_can_be_said() {
        assert_eq!(words(&json!("<b>")), ("line", "<b>".to_owned()));
        assert_eq!(words(&json!({ "room": "station:a", "content": "x" })), ("station:a", "x".to_owned()));
        assert_eq!(words(&json!({ "message": "x" })), ("line", "x".to_owned()));
        assert_eq!(words(&json!([1, "ż"])), ("line", "[1,\"ż\"]".to_owned()));
        assert_eq!(words(&Value::Null), ("line", String::new()));
    }
}
