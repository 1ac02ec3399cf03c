//! What came with an event: its first argument, read by ourselves, because the library drops objects whose first key is escaped.

use std::convert::Infallible;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use socketioxide::adapter::Adapter;
use socketioxide::handler::{FromMessageParts, Value as Packet};
use socketioxide::socket::Socket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes of an event that may be kept, everything counted: a message of 4000 characters, each escaped in JSON as a pair, has 48 000.
const LIMIT: usize = 64 * 1024;

/// An event's first argument.
#[derive(Debug)]
pub(super) enum Payload {
    /// `null` where there is none.
    Json(Value),
    Large(Large),
    /// Larger than may be kept, and there is no place for it now.
    TooLarge,
    /// Binary, or no JSON.
    Unreadable,
}

/// Too large to be kept, and only sent back, to the letter. Holds its place among all of the server.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) json: Box<RawValue>,
    _place: OwnedSemaphorePermit,
}

impl Payload {
    fn of(packet: &Packet, places: Option<&Places>) -> Payload {
        match packet {
            Packet::Str(text, None) if text.as_str().len() <= LIMIT => match serde_json::from_str::<Vec<Value>>(text.as_str()) {
                Ok(parts) => Payload::Json(parts.into_iter().nth(1).unwrap_or(Value::Null)),
                Err(_) => Payload::Unreadable,
            },
            Packet::Str(text, None) => match places.and_then(|places| places.0.clone().try_acquire_owned().ok()) {
                Some(place) => large(text.as_str(), place),
                None => Payload::TooLarge,
            },
            _ => Payload::Unreadable,
        }
    }
}

fn large(text: &str, place: OwnedSemaphorePermit) -> Payload {
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(parts) if parts.len() > 1 => Payload::Large(Large { json: parts[1].to_owned(), _place: place }),
        _ => Payload::Unreadable,
    }
}

/// Where large payloads may wait, of all connections of a server.
#[derive(Clone)]
pub(super) struct Places(pub(super) Arc<Semaphore>);

impl<A: Adapter> FromMessageParts<A> for Payload {
    type Error = Infallible;

    fn from_message_parts(socket: &Arc<Socket<A>>, packet: &mut Packet, _: &Option<i64>) -> Result<Payload, Infallible> {
        let places = socket.extensions.get::<Places>();
        Ok(Payload::of(packet, places.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str, places: &Places) -> Payload {
        Payload::of(&Packet::Str(text.to_owned().into(), None), Some(places))
    }

    #[test]
    fn the_first_argument_is_read_whatever_its_letters() {
        let places = Places(Arc::new(Semaphore::new(0)));
        assert!(matches!(read(r#"["message",{"\u017c":1},2]"#, &places), Payload::Json(value) if value == json!({ "ż": 1 })));
        assert!(matches!(read(r#"["message"]"#, &places), Payload::Json(Value::Null)));
        assert!(matches!(read(r#"["message","#, &places), Payload::Unreadable));
    }

    #[test]
    fn a_large_one_is_kept_to_the_letter_as_long_as_there_is_a_place() {
        let places = Places(Arc::new(Semaphore::new(1)));
        let sent = format!("[1.0, \"{}\"]", "x".repeat(LIMIT));
        let packet = format!("[\"message\",{sent}]");
        let Payload::Large(kept) = read(&packet, &places) else { panic!("it is large") };
        assert_eq!(kept.json.get(), sent);
        assert!(matches!(read(&packet, &places), Payload::TooLarge));
        drop(kept);
        assert!(matches!(read(&packet, &places), Payload::Large(_)));
        assert!(matches!(read(&packet[..packet.len() - 1], &places), Payload::Unreadable));
    }
}
