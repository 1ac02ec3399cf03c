//! What a conversation comes to: events and answers in, the window's slice out. Pure, so that every order of them can be tried.

mod pages;
mod unsent;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::log::{Log, Reading};
use super::marks::Marks;
use super::search::Search;
use super::slices::{ChatState, UnsentMessage};
use crate::client::explain::Explanation;
use crate::client::live::{LiveEvent, LiveState};
use crate::client::remote::Remote;
use crate::domain::chat::Room as Name;
use crate::protocol::chat::{Message, MessageKind, Present, RoomRow};

pub(super) use pages::PageAsk;

#[derive(Debug, Default)]
struct Room {
    unread: u64,
    /// The newest message that the count of unread ones knows of.
    counted: String,
    all: Log,
    notes: Log,
}

impl Room {
    fn log(&mut self, notes: bool) -> &mut Log {
        if notes { &mut self.notes } else { &mut self.all }
    }
}

/// The conversation of one person.
#[derive(Debug)]
pub(super) struct Fold {
    user_id: String,
    /// The room of this station.
    own: String,
    state: ChatState,
    rooms: BTreeMap<String, Room>,
    open: String,
    notes_only: bool,
    /// What is searched for in the open room, as it was typed, and what was found.
    search: Option<(String, Search)>,
    present: Remote<Vec<Present>>,
    new_after: Option<String>,
    /// How far the person has read, by room.
    pub(super) marks: Marks,
    unsent: Vec<(String, UnsentMessage)>,
    too_fast_until: Option<DateTime<Utc>>,
}

impl Fold {
    /// `station` is what the server calls the station that the person is at.
    pub(super) fn new(user_id: &str, station: &str, marks: Marks) -> Fold {
        Fold {
            user_id: user_id.to_owned(),
            own: Name::Station(station.to_owned()).to_string().to_lowercase(),
            state: ChatState::Opening,
            rooms: BTreeMap::new(),
            open: Name::Line.to_string(),
            notes_only: false,
            search: None,
            present: Remote::Idle,
            new_after: None,
            marks,
            unsent: Vec::new(),
            too_fast_until: None,
        }
    }

    pub(super) fn hear(&mut self, event: LiveEvent, now: DateTime<Utc>) {
        match event {
            LiveEvent::State(LiveState::Connecting) => {}
            LiveEvent::State(LiveState::Live) => {
                self.state = ChatState::Live;
                self.too_fast_until = None;
                // What others said there meanwhile is read when somebody goes there.
                self.rooms.iter_mut().filter(|(name, _)| **name != self.open).for_each(|(_, room)| {
                    (room.all, room.notes) = (Log::default(), Log::default());
                });
            }
            LiveEvent::State(LiveState::Waiting(_)) => self.state = ChatState::Away,
            LiveEvent::State(LiveState::Ended(told)) => self.state = ChatState::Ended(told),
            LiveEvent::Heard(message) => self.heard(Arc::new(message)),
            LiveEvent::Sent(id) => self.unsent.retain(|(_, unsent)| unsent.id != id),
            LiveEvent::NotSent(id, told) => {
                if let Some((_, unsent)) = self.unsent.iter_mut().find(|(_, unsent)| unsent.id == id) {
                    unsent.refused = Some(told);
                }
            }
            LiveEvent::TooFast(wait) => self.too_fast_until = TimeDelta::from_std(wait).ok().map(|wait| now + wait),
        }
    }

    fn heard(&mut self, message: Arc<Message>) {
        let room = self.rooms.entry(message.room.clone()).or_default();
        room.all.hear(&message);
        if message.kind == MessageKind::Note {
            room.notes.hear(&message);
        }
        let is_shown = message.room == self.open && (!self.notes_only || message.kind == MessageKind::Note);
        if let Some((_, search)) = self.search.as_mut().filter(|_| is_shown) {
            search.hear(&message);
        }
        let read = self.marks.get(&message.room).is_some_and(|mark| *mark >= message.id);
        if message.id > room.counted {
            room.unread += u64::from(message.user_id != self.user_id && !read);
            room.counted = message.id.clone();
        }
    }

    /// The rooms as the server knows them. Answers how far this person has read where the server does not know it yet.
    pub(super) fn take_rooms(&mut self, rows: Vec<RoomRow>) -> Vec<(String, String)> {
        let mut untold = Vec::new();
        for row in rows {
            let room = self.rooms.entry(row.room.clone()).or_default();
            let last = row.last.unwrap_or_default();
            let heard_since = room.all.messages().filter(|one| one.id > last && one.user_id != self.user_id);
            let mark = self.marks.get(&row.room).cloned().unwrap_or_default();
            let read = row.read.unwrap_or_default();
            let heard_since = heard_since.filter(|one| one.id > mark).count() as u64;
            room.unread = match () {
                () if mark <= read => u64::try_from(row.unread).unwrap_or(0) + heard_since,
                () if mark >= last => heard_since,
                // The server counts from where it was told last; here more is known to be read.
                () => room.all.messages().filter(|one| one.id > mark && one.user_id != self.user_id).count() as u64,
            };
            room.counted = room.counted.clone().max(last);
            if mark > read {
                untold.push((row.room, mark));
            } else if !read.is_empty() {
                self.marks.insert(row.room, read);
            }
        }
        if self.new_after.is_none() {
            self.note_new();
        }
        untold
    }

    /// Opens a room. The pages to ask for.
    pub(super) fn enter(&mut self, room: &str) -> Vec<PageAsk> {
        self.open = room.to_owned();
        self.search = None;
        self.note_new();
        let known = self.rooms.get(room).is_some_and(|room| room.all.state == Reading::Read && room.notes.state == Reading::Read);
        if known { Vec::new() } else { self.ask_newest() }
    }

    /// Remembers from where on the open room is new.
    fn note_new(&mut self) {
        let unread = self.rooms.get(&self.open).is_some_and(|room| room.unread > 0);
        self.new_after = self.marks.get(&self.open).filter(|_| unread).cloned();
    }

    pub(super) fn take_present(&mut self, present: Result<Vec<Present>, Explanation>) {
        self.present = self.present.settled(present.map(|mut present| {
            present.sort_by_key(|one| (one.username.to_lowercase(), one.user_id.clone()));
            present.dedup_by(|a, b| a.user_id == b.user_id);
            present
        }));
    }

    /// The person has seen everything up to this message. Whether that is news.
    pub(super) fn read(&mut self, room: &str, message_id: &str) -> bool {
        let before = self.marks.get(room).map(String::as_str).unwrap_or_default();
        if message_id <= before {
            return false;
        }
        self.marks.insert(room.to_owned(), message_id.to_owned());
        if let Some(room) = self.rooms.get_mut(room) {
            room.unread = room.all.messages().filter(|one| one.id.as_str() > message_id && one.user_id != self.user_id).count() as u64;
        }
        true
    }
}

#[cfg(test)]
mod tests;
