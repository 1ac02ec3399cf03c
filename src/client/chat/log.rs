//! The messages of one kind in one room, as far as they are known: one stretch without gaps, up to the newest.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::explain::Explanation;
use crate::protocol::chat::{History, Message};

/// Most messages that are kept of a room.
const KEPT: usize = 2000;

#[derive(Debug, Default)]
pub(super) struct Log {
    messages: BTreeMap<String, Arc<Message>>,
    /// Whether there are earlier ones on the server.
    pub(super) more: bool,
    pub(super) state: Reading,
    /// The newest that was known when the newest page was asked for.
    until: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) enum Reading {
    /// Nobody asked: what is heard is not kept.
    #[default]
    Never,
    First,
    Read,
    Earlier,
    Failed(Explanation),
}

impl Log {
    pub(super) fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.messages.values()
    }

    pub(super) fn newest(&self) -> Option<&Arc<Message>> {
        self.messages.last_key_value().map(|(_, message)| message)
    }

    pub(super) fn oldest(&self) -> Option<&str> {
        self.messages.first_key_value().map(|(id, _)| id.as_str())
    }

    /// Whether there is something to show, be it that nothing was said.
    pub(super) fn is_known(&self) -> bool {
        !self.messages.is_empty() || matches!(self.state, Reading::Read | Reading::Earlier)
    }

    pub(super) fn hear(&mut self, message: &Arc<Message>) {
        if self.state == Reading::Never {
            return;
        }
        self.messages.insert(message.id.clone(), message.clone());
        if self.messages.len() > KEPT {
            self.messages.pop_first();
            self.more = true;
        }
    }

    /// The newest page is being asked for.
    pub(super) fn begin(&mut self) {
        self.until = self.newest().map(|message| message.id.clone());
        if !self.is_known() {
            self.state = Reading::First;
        }
    }

    /// The newest page. Where it does not reach back to what was known, there is a gap, and what lies behind it goes.
    pub(super) fn read_newest(&mut self, history: History) {
        let until = self.until.take();
        let known = |id: &str| until.as_deref().is_some_and(|until| id <= until) && self.messages.contains_key(id);
        let reaches = history.messages.iter().any(|message| known(&message.id));
        match history.messages.first() {
            Some(first) if history.more && reaches => self.more |= self.oldest().is_some_and(|oldest| oldest >= first.id.as_str()),
            Some(first) if history.more => {
                self.messages = self.messages.split_off(&first.id);
                self.more = true;
            }
            _ => self.more = false,
        }
        self.insert(history.messages);
    }

    pub(super) fn read_earlier(&mut self, history: History) {
        self.more = history.more && self.messages.len() + history.messages.len() < KEPT;
        self.insert(history.messages);
    }

    fn insert(&mut self, messages: Vec<Message>) {
        self.messages.extend(messages.into_iter().map(|message| (message.id.clone(), Arc::new(message))));
        self.state = Reading::Read;
    }
}
