//! The conversation as it crosses the wire: `/api/chat/…`, and the events of `/socket.io/` with the sentences of specification 002.

use serde::{Deserialize, Serialize};

use crate::domain::Role;

/// Something that was said, as history keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Message {
    /// A UUIDv7: later messages have greater ids.
    pub id: String,
    pub from: String,
    pub user_id: String,
    /// `line` or `station:NAME`.
    pub room: String,
    pub kind: MessageKind,
    pub content: String,
    /// ISO 8601 with offset.
    pub timestamp: String,
}

/// A note is for the next shift and is found again among many messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    #[default]
    Message,
    Note,
}

impl MessageKind {
    pub fn as_str(self) -> &'static str {
        match self {
            MessageKind::Message => "message",
            MessageKind::Note => "note",
        }
    }
}

/// `POST /api/chat/{room}/messages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NewMessage {
    /// At most 4000 characters.
    pub content: String,
    #[serde(default)]
    pub kind: MessageKind,
    /// The sender's own id, so that sending again says nothing twice; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `GET /api/chat/rooms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Rooms {
    pub rooms: Vec<RoomRow>,
}

/// One room as the caller stands to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RoomRow {
    pub room: String,
    /// Others' messages after the caller's position, of the last 31 days.
    pub unread: i64,
    /// The last message the caller has read.
    pub read: Option<String>,
    /// The newest message of the room.
    pub last: Option<String>,
}

/// `GET /api/chat/{room}/messages`, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct History {
    pub messages: Vec<Message>,
    /// Whether there are earlier ones: ask again with `before` set to the first id, or to `searched_to`.
    pub more: bool,
    /// After a search: the earliest message that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_to: Option<String>,
}

/// Longest words that can be searched for, in characters.
pub const SEARCH_MAX_CHARS: usize = 200;

/// `PUT /api/chat/{room}/read`: everything up to this message has been seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ReadUpTo {
    pub message_id: String,
}

/// `GET /api/chat/presence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Presence {
    pub present: Vec<Present>,
}

/// Somebody with an open socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Present {
    pub user_id: String,
    pub username: String,
    pub role: Role,
}

/// `GET /api/server-status`, and part of what a socket is greeted with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ServerStatus {
    pub connected_users: usize,
    pub status: String,
    pub total_users: i64,
    /// `hh:mm:ss`.
    pub uptime: String,
    pub uptime_seconds: i64,
}

/// Event `connected`: the greeting.
#[derive(Debug, Serialize)]
pub struct Connected<'a> {
    pub message: &'a str,
    pub sid: &'a str,
    pub server_status: ServerStatus,
}

/// Event `authenticate`. Everything is optional, so that what is missing can be answered.
#[derive(Debug, Default, Deserialize)]
pub struct Authenticate {
    #[serde(default)]
    pub username: serde_json::Value,
    #[serde(default)]
    pub password: serde_json::Value,
    /// An access token instead of the two.
    #[serde(default)]
    pub token: serde_json::Value,
    /// The room to be in; `line` when none is given.
    #[serde(default)]
    pub room: serde_json::Value,
}

/// Event `auth_success`.
#[derive(Debug, Serialize)]
pub struct AuthSuccess<'a> {
    pub message: &'a str,
    pub user: ChatUser<'a>,
    /// Always empty; the original's clients look for it.
    pub characters: [(); 0],
    pub server_status: ServerStatus,
}

#[derive(Debug, Serialize)]
pub struct ChatUser<'a> {
    pub id: &'a str,
    pub username: &'a str,
    pub email: Option<&'a str>,
}

/// Event `auth_error`.
#[derive(Debug, Serialize)]
pub struct AuthError<'a> {
    pub error: &'a str,
    /// Seconds until another try is welcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Event `message` to whoever said it.
#[derive(Debug, Serialize)]
pub struct Echo<'a, T> {
    pub echo: &'a T,
}

/// Event `message` to whoever said what could not be taken.
#[derive(Debug, Serialize)]
pub struct NotSaid<'a> {
    pub error: &'a str,
    pub code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Event `message` to the others in the room.
#[derive(Debug, Serialize)]
pub struct Heard<'a> {
    pub id: &'a str,
    pub from: &'a str,
    pub room: &'a str,
    pub content: &'a str,
    pub timestamp: &'a str,
    /// Only for what is not a plain message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageKind>,
}
