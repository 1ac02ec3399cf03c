//! What came with an event: its first argument. It is kept as it was written until its turn comes, for read it takes many times the
//! memory; and read by ourselves, because the library drops objects whose first key is escaped.

use std::convert::Infallible;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use socketioxide::adapter::Adapter;
use socketioxide::extract::SocketRef;
use socketioxide::handler::{FromMessageParts, Value as Packet};
use socketioxide::socket::Socket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes of an event that is read, everything counted: a message of 4000 characters, each escaped in JSON as a pair, has 48 000.
const LIMIT: usize = 64 * 1024;
/// Bytes of events that may wait, of all connections together: of those who are known, and of strangers.
const WAITING: usize = 32 * 1024 * 1024;
const STRANGERS_WAITING: usize = 16 * 1024 * 1024;

/// An event as it waits for its turn.
#[derive(Debug)]
pub(super) enum Payload {
    /// As it was written, with its place among all that wait.
    Waiting {
        text: Box<str>,
        _place: OwnedSemaphorePermit,
    },
    TooLarge,
    /// There is no place for it now.
    NoPlace,
    Binary,
}

/// An event's first argument.
#[derive(Debug)]
pub(super) enum Content {
    /// `null` where there is none.
    Json(Value),
    /// Too large to be read, and only sent back, to the letter.
    Large(Box<RawValue>),
    TooLarge,
    NoPlace,
    /// Binary, or no JSON.
    Unreadable,
}

impl Payload {
    fn of(packet: &Packet, places: &Places, known: bool) -> Payload {
        let Packet::Str(text, None) = packet else { return Payload::Binary };
        let (limit, places) = if known { (WAITING, &places.known) } else { (LIMIT, &places.strangers) };
        let text = text.as_str();
        match u32::try_from(text.len()) {
            Ok(bytes) if text.len() <= limit => match places.clone().try_acquire_many_owned(bytes) {
                Ok(place) => Payload::Waiting { text: text.into(), _place: place },
                Err(_) => Payload::NoPlace,
            },
            _ => Payload::TooLarge,
        }
    }

    /// Its turn has come.
    pub(super) fn read(self) -> Content {
        match self {
            Payload::Waiting { text, .. } if text.len() <= LIMIT => match serde_json::from_str::<Vec<Value>>(&text) {
                Ok(parts) => Content::Json(parts.into_iter().nth(1).unwrap_or(Value::Null)),
                Err(_) => Content::Unreadable,
            },
            Payload::Waiting { text, .. } => match serde_json::from_str::<Vec<&RawValue>>(&text) {
                Ok(parts) if parts.len() > 1 => Content::Large(parts[1].to_owned()),
                _ => Content::Unreadable,
            },
            Payload::TooLarge => Content::TooLarge,
            Payload::NoPlace => Content::NoPlace,
            Payload::Binary => Content::Unreadable,
        }
    }
}

/// Where events wait, of all connections of a server. Strangers take none of the others' places.
#[derive(Clone)]
pub(super) struct Places {
    known: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new() -> Places {
        Places { known: Arc::new(Semaphore::new(WAITING)), strangers: Arc::new(Semaphore::new(STRANGERS_WAITING)) }
    }
}

/// Stands by a connection on which somebody is known.
#[derive(Clone)]
struct Known;

/// From now on the connection's events are those of somebody who is known.
pub(super) fn trust(socket: &SocketRef) {
    socket.extensions.insert(Known);
}

impl<A: Adapter> FromMessageParts<A> for Payload {
    type Error = Infallible;

    fn from_message_parts(socket: &Arc<Socket<A>>, packet: &mut Packet, _: &Option<i64>) -> Result<Payload, Infallible> {
        let known = socket.extensions.get::<Known>().is_some();
        Ok(socket.extensions.get::<Places>().map_or(Payload::NoPlace, |places| Payload::of(packet, &places, known)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn take(text: &str, places: &Places, known: bool) -> Payload {
        Payload::of(&Packet::Str(text.to_owned().into(), None), places, known)
    }

    #[test]
    fn the_first_argument_is_read_whatever_its_letters() {
        let places = Places::new();
        let read = |text: &str| take(text, &places, false).read();
        assert!(matches!(read(r#"["message",{"\u017c":1},2]"#), Content::Json(value) if value == json!({ "ż": 1 })));
        assert!(matches!(read(r#"["message"]"#), Content::Json(Value::Null)));
        assert!(matches!(read(r#"["message","#), Content::Unreadable));
    }

    #[test]
    fn a_large_one_is_kept_to_the_letter() {
        let places = Places::new();
        let sent = format!("[1.0, \"{}\"]", "x".repeat(LIMIT));
        let packet = format!("[\"message\",{sent}]");
        assert!(matches!(take(&packet, &places, true).read(), Content::Large(kept) if kept.get() == sent));
        assert!(matches!(take(&packet[..packet.len() - 1], &places, true).read(), Content::Unreadable));
        assert!(matches!(take(&packet, &places, false), Payload::TooLarge), "nobody listens to a stranger for so long");
    }

    #[test]
    fn what_waits_is_bounded_and_strangers_take_nobody_elses_place() {
        let places = Places::new();
        let event = format!("[\"authenticate\",\"{}\"]", "x".repeat(LIMIT - 20));
        let mut waiting: Vec<Payload> = (0..STRANGERS_WAITING / event.len()).map(|_| take(&event, &places, false)).collect();
        assert!(waiting.iter().all(|payload| matches!(payload, Payload::Waiting { .. })));
        assert!(matches!(take(&event, &places, false), Payload::NoPlace));
        assert!(matches!(take(&event, &places, true), Payload::Waiting { .. }));
        let first = waiting.remove(0).read();
        assert!(matches!(take(&event, &places, false), Payload::Waiting { .. }), "what was read waits no more: {first:?}");
    }
}
