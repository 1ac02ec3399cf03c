//! What a conversation comes to: events and answers in, the window's slice out. Pure, so that every order of them can be tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::kept::Kept;
use super::log::{Log, Reading};
use super::marks::Marks;
use super::search::Search;
use super::slices::{ChatPage, ChatRoom, ChatSlice, ChatState, UnsentMessage};
use crate::client::explain::Explanation;
use crate::client::live::{LiveEvent, LiveState, Unsent};
use crate::client::remote::Remote;
use crate::domain::chat::Room as Name;
use crate::protocol::chat::{History, Message, MessageKind, Present, RoomRow, SEARCH_MAX_CHARS};

/// Which page of a room was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PageAsk {
    pub(super) room: String,
    pub(super) notes: bool,
    /// Those before this message; the newest where it is none.
    pub(super) before: Option<String>,
    /// Those that hold these words; all where it is empty.
    pub(super) search: String,
}

/// Messages of one person that may wait for the server.
const WAITING: usize = 150;

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
        if let Some((_, search)) = self.search.as_mut().filter(|_| message.room == self.open) {
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

    /// The newest pages of the open room.
    pub(super) fn ask_newest(&mut self) -> Vec<PageAsk> {
        let room = self.rooms.entry(self.open.clone()).or_default();
        let ask = |notes| PageAsk { room: self.open.clone(), notes, before: None, search: String::new() };
        room.all.begin();
        room.notes.begin();
        vec![ask(false), ask(true)]
    }

    /// The page before what is shown, unless it is on its way or there is none.
    pub(super) fn ask_earlier(&mut self) -> Option<PageAsk> {
        let notes = self.notes_only;
        if let Some((words, search)) = &mut self.search {
            let before = Some(search.further()?);
            return Some(PageAsk { room: self.open.clone(), notes, before, search: words.clone() });
        }
        let log = self.rooms.get_mut(&self.open)?.log(notes);
        if !log.more || matches!(log.state, Reading::First | Reading::Earlier) {
            return None;
        }
        let before = log.oldest()?.to_owned();
        log.state = Reading::Earlier;
        Some(PageAsk { room: self.open.clone(), notes, before: Some(before), search: String::new() })
    }

    /// Searches in the open room; no words end the search. What to ask the server.
    pub(super) fn search(&mut self, words: &str) -> Option<PageAsk> {
        let words: String = words.trim().chars().take(SEARCH_MAX_CHARS).collect();
        if words.is_empty() {
            self.search = None;
            return None;
        }
        let (room, notes) = (self.open.clone(), self.notes_only);
        let log = self.rooms.entry(room.clone()).or_default().log(notes);
        self.search = Some((words.clone(), Search::begin(&words, log.messages())));
        Some(PageAsk { room, notes, before: None, search: words })
    }

    /// A page of what was searched for; of an earlier search it is of no use.
    fn take_found(&mut self, ask: &PageAsk, page: Result<History, Explanation>) {
        let asked = ask.room == self.open && ask.notes == self.notes_only;
        if let Some((_, search)) = self.search.as_mut().filter(|(words, _)| asked && *words == ask.search) {
            search.take(page);
        }
    }

    pub(super) fn take_present(&mut self, present: Result<Vec<Present>, Explanation>) {
        self.present = self.present.settled(present.map(|mut present| {
            present.sort_by_key(|one| (one.username.to_lowercase(), one.user_id.clone()));
            present.dedup_by(|a, b| a.user_id == b.user_id);
            present
        }));
    }

    pub(super) fn take_page(&mut self, ask: &PageAsk, page: Result<History, Explanation>) {
        if !ask.search.is_empty() {
            return self.take_found(ask, page);
        }
        let log = self.rooms.entry(ask.room.clone()).or_default().log(ask.notes);
        match page {
            Ok(history) if ask.before.is_some() => log.read_earlier(history),
            Ok(history) => log.read_newest(history),
            Err(told) => log.state = Reading::Failed(told),
        }
    }

    /// What to ask the server, where a search goes on.
    pub(super) fn show_notes_only(&mut self, notes_only: bool) -> Option<PageAsk> {
        self.notes_only = notes_only;
        let (words, _) = self.search.take()?;
        self.search(&words)
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

    /// Whether there was room for it.
    pub(super) fn say(&mut self, unsent: &Unsent, now: DateTime<Utc>) -> bool {
        let Unsent { id, room, content, note } = unsent.clone();
        let fits = self.unsent.len() < WAITING;
        if fits {
            self.unsent.push((room, UnsentMessage { id, content, note, said_at: now, refused: None }));
        }
        fits
    }

    /// A message that was refused, to be sent once more.
    pub(super) fn again(&mut self, id: Uuid) -> Option<Unsent> {
        let (room, unsent) = self.unsent.iter_mut().find(|(_, unsent)| unsent.id == id && unsent.refused.is_some())?;
        unsent.refused = None;
        Some(Unsent { id, room: room.clone(), content: unsent.content.clone(), note: unsent.note })
    }

    /// Forgets a message that waits or was refused.
    pub(super) fn discard(&mut self, id: Uuid) {
        self.unsent.retain(|(_, unsent)| unsent.id != id);
    }

    /// Takes in what waited when the person was here before. What is to be sent.
    pub(super) fn recall(&mut self, kept: Vec<Kept>) -> Vec<Unsent> {
        let mut recalled = Vec::new();
        for Kept { id, room, content, note, said_at } in kept.into_iter().take(WAITING) {
            self.unsent.push((room.clone(), UnsentMessage { id, content: content.clone(), note, said_at, refused: None }));
            recalled.push(Unsent { id, room, content, note });
        }
        recalled
    }

    /// Messages that were said and are not on the server, as they are kept.
    pub(super) fn unsent(&self) -> Vec<Kept> {
        let kept = |(room, unsent): &(String, UnsentMessage)| {
            let UnsentMessage { id, content, note, said_at, .. } = unsent.clone();
            Kept { id, room: room.clone(), content, note, said_at }
        };
        self.unsent.iter().map(kept).collect()
    }

    pub(super) fn slice(&self) -> ChatSlice {
        let mut rooms: Vec<ChatRoom> = self.rooms.iter().map(|(name, room)| self.room(name, room)).collect();
        rooms.sort_by_key(|room| (room.name != Name::Line.to_string(), !room.own, room.name.to_lowercase()));
        ChatSlice {
            state: self.state.clone(),
            user_id: self.user_id.clone(),
            rooms,
            room: self.open.clone(),
            notes_only: self.notes_only,
            search: self.search.as_ref().map(|(words, _)| words.clone()).unwrap_or_default(),
            page: self.page(),
            present: self.present.clone(),
            unsent: self.shown_unsent(),
            full: self.unsent.len() >= WAITING,
            too_fast_until: self.too_fast_until,
        }
    }

    fn room(&self, name: &str, room: &Room) -> ChatRoom {
        ChatRoom { name: name.to_owned(), unread: room.unread, own: name.to_lowercase() == self.own }
    }

    /// Those of the open room, unless something is searched for.
    fn shown_unsent(&self) -> Vec<UnsentMessage> {
        let shown = self.unsent.iter().filter(|(room, _)| *room == self.open && self.search.is_none());
        shown.map(|(_, unsent)| unsent.clone()).collect()
    }

    fn found(search: &Search) -> Remote<ChatPage> {
        let page = Arc::new(ChatPage {
            messages: search.found().cloned().collect(),
            more: search.more,
            reading_earlier: search.looking,
            ..ChatPage::default()
        });
        match &search.trouble {
            Some(told) => Remote::Failed(told.clone(), Some(page)),
            None => Remote::Ready(page),
        }
    }

    fn page(&self) -> Remote<ChatPage> {
        if let Some((_, search)) = &self.search {
            return Fold::found(search);
        }
        let Some(room) = self.rooms.get(&self.open) else { return Remote::Idle };
        let log = if self.notes_only { &room.notes } else { &room.all };
        let page = log.is_known().then(|| {
            Arc::new(ChatPage {
                messages: log.messages().cloned().collect(),
                more: log.more,
                reading_earlier: log.state == Reading::Earlier,
                note: room.notes.newest().cloned(),
                new_after: self.new_after.clone(),
            })
        });
        match (&log.state, page) {
            (Reading::Failed(told), page) => Remote::Failed(told.clone(), page),
            (_, Some(page)) => Remote::Ready(page),
            (Reading::Never, None) => Remote::Idle,
            (_, None) => Remote::Loading(None),
        }
    }
}

#[cfg(test)]
mod tests;
