//! What was said in a room before a conversation goes live.

use super::{ApiError, LIST_BODY, PersonSession, Request, escape};
use crate::protocol::chat::History;

impl PersonSession {
    /// `GET /api/chat/{room}/messages`: the newest, oldest first.
    pub(crate) async fn fetch_history(&self, room: &str) -> Result<History, ApiError> {
        self.call(Request::get(&format!("/api/chat/{}/messages", escape(room))).body_limit(LIST_BODY)).await?.json()
    }
}
