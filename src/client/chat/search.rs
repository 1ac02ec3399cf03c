//! A search in one room: what is known here at once, and page by page what the server finds further back.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::explain::Explanation;
use crate::protocol::chat::{History, Message};

/// Most messages that one search shows.
const SHOWN: usize = 2000;

#[derive(Debug)]
pub(super) struct Search {
    /// In small letters.
    words: String,
    found: BTreeMap<String, Arc<Message>>,
    /// How far back the server has looked.
    to: Option<String>,
    more: bool,
    pub(super) looking: bool,
    /// Why the server did not look.
    pub(super) trouble: Option<Explanation>,
}

impl Search {
    /// Begins with what is known here; the server is yet to be asked.
    pub(super) fn begin<'a>(words: &str, known: impl Iterator<Item = &'a Arc<Message>>) -> Search {
        let words = words.to_lowercase();
        let mut search = Search { words, found: BTreeMap::new(), to: None, more: false, looking: true, trouble: None };
        known.for_each(|message| search.hear(message));
        search
    }

    /// Takes a message in where it is one of those looked for.
    pub(super) fn hear(&mut self, message: &Arc<Message>) {
        if message.content.to_lowercase().contains(&self.words) {
            self.found.insert(message.id.clone(), message.clone());
        }
    }

    pub(super) fn found(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.found.values()
    }

    /// From where on the server is to look further back, or to look again where it did not; `Some(None)` is from the newest on.
    /// `None` while it looks, or where there is nothing further.
    pub(super) fn further(&mut self) -> Option<Option<String>> {
        let begins = !self.looking && self.goes_on();
        self.looking |= begins;
        begins.then(|| self.to.clone())
    }

    /// Whether there is more to be looked through.
    pub(super) fn goes_on(&self) -> bool {
        self.more || self.trouble.is_some()
    }

    pub(super) fn take(&mut self, page: Result<History, Explanation>) {
        self.looking = false;
        match page {
            Ok(history) => {
                self.trouble = None;
                self.to = history.searched_to.or_else(|| history.messages.first().map(|message| message.id.clone())).or(self.to.take());
                self.found.extend(history.messages.into_iter().map(|message| (message.id.clone(), Arc::new(message))));
                self.more = history.more && self.found.len() < SHOWN;
            }
            Err(told) => self.trouble = Some(told),
        }
    }
}
