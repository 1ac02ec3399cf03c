//! What a client hears of others, and in which rooms.

use std::collections::HashSet;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::{Conversation, CutOff, Going, TOLD};
use crate::protocol::chat::{Heard, Message, MessageKind};
use crate::server::bus::Happening;
use crate::server::services::chat::{self, Replay};

/// What a client hears.
pub(super) enum Rooms {
    /// A page shows all of them.
    All,
    Some(HashSet<String>),
}

impl Rooms {
    pub(super) fn enter(&mut self, room: String) {
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

impl Conversation {
    pub(super) async fn enter(&mut self, room: &str) {
        if let Ok(room) = chat::find_room(&self.line, room).await {
            self.rooms.enter(room.to_string());
        }
    }

    pub(super) async fn pass_on(&mut self, happening: Result<Happening, RecvError>, heard: &mut Receiver<Happening>) -> Going {
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
    pub(super) fn note(&mut self, id: &str) {
        self.latest = Uuid::parse_str(id).unwrap_or(self.latest).max(self.latest);
        if self.told.len() >= TOLD {
            self.told.pop_front();
        }
        self.told.push_back(id.to_owned());
    }
}
