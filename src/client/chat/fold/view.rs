//! The conversation as the window sees it.

use std::sync::Arc;

use super::super::log::Reading;
use super::super::search::Search;
use super::super::slices::{ChatPage, ChatRoom, ChatSlice, UnsentMessage};
use super::unsent::WAITING;
use super::{Fold, Room};
use crate::client::remote::Remote;
use crate::domain::chat::Room as Name;

impl Fold {
    pub(in super::super) fn slice(&self) -> ChatSlice {
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
            more: search.goes_on(),
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
