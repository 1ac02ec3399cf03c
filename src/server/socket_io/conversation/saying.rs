//! What a client says, in which room, and what it is answered.

use serde::Serialize;
use serde_json::Value;

use super::{Conversation, Going};
use crate::protocol::chat::{AuthError, Echo, MessageKind, NotSaid};
use crate::server::error::Refusal;
use crate::server::services::chat::{self, Speaker, UNFIT, Words};
use crate::server::socket_io::payload::Content;

/// Large messages that one connection is sent back: a client that does not read them has us keep them.
const LARGE_ECHOES: u32 = 16;

impl Conversation {
    /// Says it in the room that it names, or in the line's, and echoes it as the original does.
    pub(super) async fn message(&mut self, content: Content) -> Going {
        let Some(known) = &self.known else {
            return self.emit("auth_error", &AuthError { error: "Authenticate first: nobody hears you before.", retry_after: None });
        };
        let value = match content {
            Content::Json(value) => value,
            Content::Large(large) if self.large_echoes < LARGE_ECHOES => {
                self.large_echoes += 1;
                return self.only_echo(&large, &too_large()).await;
            }
            Content::Large(_) | Content::TooLarge => return self.not_said(&too_large()),
            Content::NoPlace => return self.not_said(&no_place()),
            Content::Unreadable => return self.not_said(&Refusal::bad_request(UNFIT, "Only text can be said here.")),
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
    pub(super) async fn join(&mut self, content: Content) -> Going {
        if self.known.is_none() {
            return self.emit("auth_error", &AuthError { error: "Authenticate first: nobody hears you before.", retry_after: None });
        }
        let value = match content {
            Content::Json(value) => value,
            Content::NoPlace => return self.not_said(&no_place()),
            _ => return Ok(()),
        };
        let room = value.as_str().or_else(|| value["room"].as_str()).unwrap_or_default();
        match chat::find_room(&self.line, room).await {
            Ok(room) => {
                self.rooms.enter(room.to_string());
                self.emit("joined", &serde_json::json!({ "room": room.to_string() }))
            }
            Err(refusal) => self.not_said(&refusal),
        }
    }
}

fn too_large() -> Refusal {
    Refusal::bad_request("too_large", "The message is too long to be said: at most 4000 characters are taken.")
}

pub(super) fn no_place() -> Refusal {
    Refusal::busy("The server cannot listen to anything of this size right now. Send it again in a moment.")
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
