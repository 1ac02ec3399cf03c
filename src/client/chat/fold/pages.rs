//! Which pages of a room are asked for, and what is done with them.

use super::super::log::Reading;
use super::super::search::Search;
use super::Fold;
use crate::client::explain::Explanation;
use crate::protocol::chat::{History, SEARCH_MAX_CHARS};

/// Which page of a room was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct PageAsk {
    pub(in super::super) room: String,
    pub(in super::super) notes: bool,
    /// Those before this message; the newest where it is none.
    pub(in super::super) before: Option<String>,
    /// Those that hold these words; all where it is empty.
    pub(in super::super) search: String,
}

impl Fold {
    /// The newest pages of the open room.
    pub(in super::super) fn ask_newest(&mut self) -> Vec<PageAsk> {
        let room = self.rooms.entry(self.open.clone()).or_default();
        let ask = |notes| PageAsk { room: self.open.clone(), notes, before: None, search: String::new() };
        room.all.begin();
        room.notes.begin();
        vec![ask(false), ask(true)]
    }

    /// The page before what is shown, unless it is on its way or there is none.
    pub(in super::super) fn ask_earlier(&mut self) -> Option<PageAsk> {
        let notes = self.notes_only;
        if let Some((words, search)) = &mut self.search {
            let before = search.further()?;
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
    pub(in super::super) fn search(&mut self, words: &str) -> Option<PageAsk> {
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

    pub(in super::super) fn take_page(&mut self, ask: &PageAsk, page: Result<History, Explanation>) {
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
    pub(in super::super) fn show_notes_only(&mut self, notes_only: bool) -> Option<PageAsk> {
        self.notes_only = notes_only;
        let (words, _) = self.search.take()?;
        self.search(&words)
    }
}
