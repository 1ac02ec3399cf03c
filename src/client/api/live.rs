//! Rooms, who is there, what was said before a conversation goes live, and how far the person has read.

use super::{ApiError, LIST_BODY, PersonSession, Request, escape};
use crate::protocol::chat::{History, Message, MessageKind, NewMessage, Presence, Present, ReadUpTo, RoomRow, Rooms};

/// Which messages of a room are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HistoryQuery {
    /// Those before this one; the newest where it is none.
    pub(crate) before: Option<String>,
    /// Those of one kind alone.
    pub(crate) kind: Option<MessageKind>,
    /// Those that hold these words; all where it is empty.
    pub(crate) search: String,
}

impl PersonSession {
    /// `GET /api/chat/rooms`.
    pub(crate) async fn fetch_rooms(&self) -> Result<Vec<RoomRow>, ApiError> {
        Ok(self.call(Request::get("/api/chat/rooms").body_limit(LIST_BODY)).await?.json::<Rooms>()?.rooms)
    }

    /// `GET /api/chat/presence`.
    pub(crate) async fn fetch_present(&self) -> Result<Vec<Present>, ApiError> {
        Ok(self.call(Request::get("/api/chat/presence").body_limit(LIST_BODY)).await?.json::<Presence>()?.present)
    }

    /// `GET /api/chat/{room}/messages`: a page of them, oldest first.
    pub(crate) async fn fetch_history(&self, room: &str, query: &HistoryQuery) -> Result<History, ApiError> {
        let mut request = Request::get(&format!("/api/chat/{}/messages", escape(room))).body_limit(LIST_BODY);
        if let Some(before) = &query.before {
            request = request.query("before", before);
        }
        if let Some(kind) = query.kind {
            request = request.query("kind", kind.as_str());
        }
        if !query.search.is_empty() {
            request = request.query("search", &query.search);
        }
        self.call(request).await?.json()
    }

    /// `PUT /api/chat/{room}/read`: everything up to this message was seen.
    pub(crate) async fn mark_read(&self, room: &str, message_id: &str) -> Result<(), ApiError> {
        let body = serde_json::to_vec(&ReadUpTo { message_id: message_id.to_owned() }).unwrap_or_default();
        self.call(Request::put(&format!("/api/chat/{}/read", escape(room)), body)).await.map(drop)
    }

    /// `POST /api/chat/{room}/messages`.
    pub(crate) async fn say(&self, room: &str, message: &NewMessage) -> Result<Message, ApiError> {
        let body = serde_json::to_vec(message).unwrap_or_default();
        self.call(Request::post(&format!("/api/chat/{}/messages", escape(room)), body)).await?.json()
    }
}
