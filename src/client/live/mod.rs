//! A person's end of the live socket: connects, signs in, hears what is said, says what is typed, and comes back whenever it is cut
//! off. One task owns the socket. What could not be sent waits in memory and is sent on the next connection.

mod outbox;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message as Packet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::outbox::Order;
use self::outbox::Outbox;
pub use self::outbox::Unsent;
use super::api::{ApiError, Http, PersonSession, Socket};
use super::explain::Explanation;
use super::health::chance;
use super::tunnel::Way;
use crate::protocol::chat::Message;
use crate::protocol::live::{AUTH_SECS, Ack, Ending, Frame, LiveError};
use crate::support::backoff::Backoff;
use crate::support::secret::Secret;

const PATH: &str = "/api/ws";
/// Waits between connections.
const AGAIN: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
/// How long nothing may be heard: the server asks every half minute whether we are there.
const SILENCE: Duration = Duration::from_secs(95);
/// A server that refuses a token and its successor within this means the person, not the token.
const RENEWED: Duration = Duration::from_secs(60);
/// Messages whose ids are remembered, for a few come twice after a reconnect.
const REMEMBERED: usize = 1000;

/// The way to the server, and who goes it.
pub(crate) struct Parts {
    pub(crate) person: Arc<PersonSession>,
    /// Further certificate authorities in DER.
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) way: Way,
    pub(crate) events: mpsc::Sender<LiveEvent>,
    /// The messages that are known already, oldest first.
    pub(crate) known: Vec<String>,
}

/// What a conversation tells.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveEvent {
    State(LiveState),
    /// Somebody, perhaps this person, said something. Never told twice.
    Heard(Message),
    /// The server has kept it.
    Sent(Uuid),
    /// The server will never take it.
    NotSent(Uuid, Explanation),
    /// More was said than the server takes at once: it is sent again after this.
    TooFast(Duration),
}

#[derive(Clone, Debug, PartialEq)]
pub enum LiveState {
    Connecting,
    /// Signed in, and everything that is said from now on is heard.
    Live,
    /// Cut off, or not reached: tried again after this.
    Waiting(Duration),
    /// The server ended it for good: sign in again.
    Ended(Explanation),
}

/// Why a connection is over.
enum Over {
    /// Asked to stop, or nothing is left to be said.
    Done,
    Ended(Explanation),
    /// The last error's code tells why, if there was one.
    Broken,
    Later(Duration),
}

type Going = Result<(), Over>;

/// Until `stop`, the server's final word, or until the inbox is closed and everything in it was sent. How many are left unsent.
pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<Order>, stop: CancellationToken) -> usize {
    let seen = parts.known.clone().into();
    let mut live = Live {
        parts,
        outbox: Outbox::default(),
        seen,
        subscription: None,
        error: None,
        refused: None,
        renewed_at: None,
        failures: 0,
        closed: false,
    };
    loop {
        let over = tokio::select! {
            () = stop.cancelled() => return live.outbox.len() + inbox.len(),
            over = live.connect(inbox) => over,
        };
        let wait = match over {
            Over::Done => return live.outbox.len(),
            Over::Ended(told) => {
                live.tell(LiveEvent::State(LiveState::Ended(told))).await;
                return live.outbox.len() + inbox.len();
            }
            Over::Later(wait) => wait,
            Over::Broken => AGAIN.delay(live.failures, chance()).max(Duration::from_millis(100)),
        };
        live.failures = live.failures.saturating_add(1);
        live.tell(LiveEvent::State(LiveState::Waiting(wait))).await;
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = stop.cancelled() => return live.outbox.len() + inbox.len(),
                () = tokio::time::sleep_until(until) => break,
                order = inbox.recv(), if live.takes() => live.take(order),
            }
        }
    }
}

struct Live {
    parts: Parts,
    outbox: Outbox,
    seen: VecDeque<String>,
    /// The frame that asked to hear what is said, until it is acknowledged.
    subscription: Option<String>,
    /// The last error frame that was about the connection.
    error: Option<LiveError>,
    /// The token that the server refused: it is renewed before the next connection.
    refused: Option<Secret>,
    /// When a refused token made us try again.
    renewed_at: Option<Instant>,
    /// Connections in a row that did not come to a sign-in.
    failures: u32,
    /// Nothing further will be said.
    closed: bool,
}

impl Live {
    /// Whether more may come from the inbox.
    fn takes(&self) -> bool {
        !self.closed && !self.outbox.is_full()
    }

    fn take(&mut self, order: Option<Order>) {
        match order {
            Some(order) => self.outbox.take(order),
            None => self.closed = true,
        }
    }

    async fn tell(&self, event: LiveEvent) {
        let _ = self.parts.events.send(event).await;
    }

    async fn connect(&mut self, inbox: &mut mpsc::Receiver<Order>) -> Over {
        self.tell(LiveEvent::State(LiveState::Connecting)).await;
        self.error = None;
        let opened = async {
            let token = self.access().await?;
            Ok((Http::open_socket(self.parts.person.server(), &self.parts.roots, self.parts.way.clone(), PATH).await?, token))
        };
        let (mut socket, token) = match opened.await {
            Ok(opened) => opened,
            Err(ApiError::TokenRefused { sentence }) => return Over::Ended(ended(&sentence)),
            Err(ApiError::Later { retry_after: Some(wait), .. }) => return Over::Later(wait),
            Err(error) => {
                tracing::debug!(%error, "the live socket could not be opened");
                return Over::Broken;
            }
        };
        let over = self.converse(&mut socket, &token, inbox).await;
        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        match over {
            Err(Over::Broken) => {
                let over = self.verdict(token);
                if let (Over::Later(wait), Some(Ending::RateLimit)) = (&over, self.ending()) {
                    self.tell(LiveEvent::TooFast(*wait)).await;
                }
                over
            }
            Err(over) => over,
            Ok(()) => Over::Done,
        }
    }

    /// Why the server ended the connection, if it said so.
    fn ending(&self) -> Option<Ending> {
        Ending::of(&self.error.as_ref()?.code)
    }

    /// A token that is good now, as far as is known.
    async fn access(&mut self) -> Result<Secret, ApiError> {
        let person = &self.parts.person;
        let token = match &self.refused {
            Some(refused) => person.access_after(refused).await?,
            None => person.access().await?,
        };
        self.refused = None;
        Ok(token)
    }

    /// What the server's last words mean for another try. The session may be good where its token is not.
    fn verdict(&mut self, token: Secret) -> Over {
        let ending = self.ending();
        let renews = match ending {
            // A PC that slept does not know how old its token is.
            Some(Ending::TokenExpired) => true,
            Some(Ending::BadToken | Ending::Revoked) => self.renewed_at.is_none_or(|at| at.elapsed() > RENEWED),
            _ => false,
        };
        if renews {
            (self.refused, self.renewed_at) = (Some(token), Some(Instant::now()));
            return Over::Broken;
        }
        let Some(error) = &self.error else { return Over::Broken };
        match ending {
            Some(Ending::BadToken | Ending::Revoked | Ending::OtherUser) => Over::Ended(ended(&error.message)),
            Some(Ending::RateLimit | Ending::TooMany) => Over::Later(Duration::from_secs(error.retry_after.unwrap_or(5).clamp(1, 300))),
            _ => Over::Broken,
        }
    }

    async fn converse(&mut self, socket: &mut Socket, token: &Secret, inbox: &mut mpsc::Receiver<Order>) -> Going {
        write(socket, "auth", None, json!({ "token": token.expose() })).await?;
        let (mut signed_in, begun) = (false, Instant::now());
        loop {
            if signed_in {
                // What was withdrawn meanwhile is not sent.
                while self.takes()
                    && let Ok(order) = inbox.try_recv()
                {
                    self.outbox.take(order);
                }
                self.flush(socket).await?;
                if self.closed && self.outbox.len() == 0 {
                    return Ok(());
                }
            }
            let patience = if signed_in { SILENCE } else { Duration::from_secs(AUTH_SECS).saturating_sub(begun.elapsed()) };
            tokio::select! {
                packet = timeout(patience, socket.next()) => match packet {
                    Ok(Some(Ok(Packet::Text(text)))) => {
                        let frame = serde_json::from_str::<Frame>(text.as_str()).map_err(|_| Over::Broken)?;
                        signed_in |= frame.kind == "auth_ok";
                        self.hear(socket, frame).await?;
                    }
                    Ok(Some(Ok(Packet::Ping(_) | Packet::Pong(_)))) => {}
                    _ => return Err(Over::Broken),
                },
                order = inbox.recv(), if self.takes() => self.take(order),
            }
        }
    }

    async fn flush(&mut self, socket: &mut Socket) -> Going {
        while let Some(Unsent { id, room, content, note }) = self.outbox.next() {
            let kind = if note { "note" } else { "message" };
            let id = id.to_string();
            write(socket, "chat_message", Some(&id), json!({ "room": room, "content": content, "kind": kind })).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, socket: &mut Socket, frame: Frame) -> Going {
        match frame.kind.as_str() {
            "auth_ok" if frame.payload["resumed"] == false => {
                self.failures = 0;
                self.outbox.rewind();
                let id = Uuid::now_v7().to_string();
                let since = self.seen.iter().max();
                write(socket, "subscribe", Some(&id), json!({ "topics": ["chat"], "since": since })).await?;
                self.subscription = Some(id);
            }
            "auth_required" => {
                // Without a new token the server ends the connection in a moment, and says why.
                if let Ok(token) = self.parts.person.access().await {
                    write(socket, "auth", None, json!({ "token": token.expose() })).await?;
                }
            }
            "chat_message" => {
                if let Ok(message) = Message::deserialize(&frame.payload) {
                    self.note(message).await;
                }
            }
            "ack" => {
                let about = Ack::deserialize(&frame.payload).ok().and_then(|ack| ack.request_id);
                if about.is_some() && about == self.subscription {
                    self.subscription = None;
                    self.tell(LiveEvent::State(LiveState::Live)).await;
                }
                let sent = self.outbox.remove(about.as_deref());
                if let Some(id) = sent {
                    self.tell(LiveEvent::Sent(id)).await;
                }
            }
            "error" => self.fault(&frame.payload).await?,
            _ => {}
        }
        Ok(())
    }

    async fn note(&mut self, message: Message) {
        if self.seen.contains(&message.id) {
            return;
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(message.id.clone());
        self.tell(LiveEvent::Heard(message)).await;
    }

    async fn fault(&mut self, payload: &Value) -> Going {
        let error = LiveError::deserialize(payload).map_err(|_| Over::Broken)?;
        let about = error.request_id.as_deref();
        if about.is_none() {
            self.error = Some(error);
            return Ok(());
        }
        // Something that may go another time is kept for then.
        if let Some(wait) = error.retry_after {
            return Err(Over::Later(Duration::from_secs(wait.clamp(1, 300))));
        }
        if let Some(id) = self.outbox.remove(about) {
            self.tell(LiveEvent::NotSent(id, Explanation::new("chat_not_taken").detail(&error.message))).await;
        }
        Ok(())
    }
}

fn ended(sentence: &str) -> Explanation {
    Explanation::new("chat_ended").detail(sentence)
}

async fn write(socket: &mut Socket, kind: &str, id: Option<&str>, payload: Value) -> Going {
    let frame = Frame { kind: kind.to_owned(), id: id.map(str::to_owned), timestamp: None, payload };
    let text = serde_json::to_string(&frame).map_err(|_| Over::Broken)?;
    match timeout(Duration::from_secs(10), socket.send(Packet::text(text))).await {
        Ok(Ok(())) => Ok(()),
        // What the server said last may still be on its way to us, but whatever it was, the connection is over.
        _ => Err(Over::Broken),
    }
}

#[cfg(test)]
mod tests;
