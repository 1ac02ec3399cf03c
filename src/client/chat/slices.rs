//! What the window sees of the conversation.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::client::explain::Explanation;
use crate::client::remote::Remote;
use crate::protocol::chat::{Message, Present};

/// The conversation of the person who is there; nothing while nobody is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatSlice {
    pub state: ChatState,
    /// The person's account on the server: by it his own messages are known.
    pub user_id: String,
    /// The line's room first, then this station's, then the others by name.
    pub rooms: Vec<ChatRoom>,
    /// The room that is open; empty before there is one.
    pub room: String,
    /// Handover notes alone are shown.
    pub notes_only: bool,
    /// Only messages with these words are shown; empty where nothing is searched for.
    pub search: String,
    pub page: Remote<ChatPage>,
    /// Everybody with an open conversation, by name.
    pub present: Remote<Vec<Present>>,
    /// What was said in the open room and is not on the server, oldest first.
    pub unsent: Vec<UnsentMessage>,
    /// So much waits that nothing more is taken.
    pub full: bool,
    /// More was said than the server takes at once: it goes on by itself then.
    pub too_fast_until: Option<DateTime<Utc>>,
}

impl ChatSlice {
    /// Unread messages of all rooms.
    pub fn unread(&self) -> u64 {
        self.rooms.iter().map(|room| room.unread).sum()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum ChatState {
    /// Nobody is there to talk.
    #[default]
    Closed,
    Opening,
    Live,
    /// Cut off, and tried again by itself.
    Away,
    /// The server ended it for good.
    Ended(Explanation),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChatRoom {
    /// `line` or `station:NAME`.
    pub name: String,
    /// Others' messages since the person looked.
    pub unread: u64,
    /// The room of the station that the person is at.
    pub own: bool,
}

/// What is known of a room, or of its handover notes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatPage {
    /// Oldest first.
    pub messages: Vec<Arc<Message>>,
    /// Whether there are earlier ones to ask for.
    pub more: bool,
    pub reading_earlier: bool,
    /// The newest handover note of the room.
    pub note: Option<Arc<Message>>,
    /// What others said after this one was not read when the room was opened.
    pub new_after: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UnsentMessage {
    pub id: Uuid,
    pub content: String,
    pub note: bool,
    pub said_at: DateTime<Utc>,
    /// Why the server does not take it; none while it is on its way or waits.
    pub refused: Option<Explanation>,
}
