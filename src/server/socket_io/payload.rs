//! What came with an event: its first argument, read by ourselves, because the library drops objects whose first key is escaped.

use std::convert::Infallible;
use std::sync::Arc;

use serde_json::Value;
use socketioxide::adapter::Adapter;
use socketioxide::handler::{FromMessageParts, Value as Packet};
use socketioxide::socket::Socket;

/// Most bytes of an event, everything counted: a message of 4000 characters, each escaped in JSON as a pair, has 48 000.
const LIMIT: usize = 64 * 1024;

/// An event's first argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Payload {
    /// `null` where there is none.
    Json(Value),
    TooLarge,
    /// Binary, or no JSON.
    Unreadable,
}

impl<A: Adapter> FromMessageParts<A> for Payload {
    type Error = Infallible;

    fn from_message_parts(_: &Arc<Socket<A>>, packet: &mut Packet, _: &Option<i64>) -> Result<Payload, Infallible> {
        Ok(match packet {
            Packet::Str(text, None) => read(text.as_str()),
            _ => Payload::Unreadable,
        })
    }
}

fn read(packet: &str) -> Payload {
    if packet.len() > LIMIT {
        return Payload::TooLarge;
    }
    match serde_json::from_str::<Vec<Value>>(packet) {
        Ok(parts) => Payload::Json(parts.into_iter().nth(1).unwrap_or(Value::Null)),
        Err(_) => Payload::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_argument_is_read_whatever_its_letters() {
        assert_eq!(read(r#"["message",{"\u017c":1},2]"#), Payload::Json(json!({ "ż": 1 })));
        assert_eq!(read(r#"["message"]"#), Payload::Json(Value::Null));
        assert_eq!(read(r#"["message","#), Payload::Unreadable);
        assert_eq!(read(&format!("[\"message\",\"{}\"]", "x".repeat(LIMIT))), Payload::TooLarge);
    }
}
