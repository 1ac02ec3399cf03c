//! What a person asks of his conversation.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Answer, Conversation};
use crate::client::command::ChatCommand;
use crate::client::explain::Explanation;
use crate::client::live::{LiveEvent, Order, Unsent};
use crate::domain::chat::check_content;

/// What was read is told together with what is read in the next moment.
const MARKING: Duration = Duration::from_millis(700);

impl Conversation<'_> {
    pub(super) fn answer(&mut self, command: ChatCommand) {
        match command {
            ChatCommand::Enter(room) => self.fold.enter(&room).into_iter().for_each(|ask| self.ask(ask)),
            ChatCommand::NotesOnly(notes_only) => self.fold.show_notes_only(notes_only).into_iter().for_each(|ask| self.ask(ask)),
            ChatCommand::Search(words) => self.fold.search(&words).into_iter().for_each(|ask| self.ask(ask)),
            ChatCommand::Present => {
                let person = self.person.clone();
                self.asking.spawn(async move { Answer::Present(person.fetch_present().await) });
            }
            ChatCommand::Earlier => self.fold.ask_earlier().into_iter().for_each(|ask| self.ask(ask)),
            ChatCommand::Refresh => self.refresh(),
            ChatCommand::Read { room, message_id } => {
                if self.fold.read(&room, &message_id) {
                    self.untold.insert(room);
                    self.tell_at.get_or_insert(Instant::now() + MARKING);
                }
            }
            ChatCommand::Say { room, content, note } => {
                let unsent = Unsent { id: Uuid::now_v7(), room, content, note };
                match self.fold.say(&unsent, self.parts.clock.now()) {
                    true => self.send(unsent),
                    false => self.parts.notifier.failed(Explanation::new("chat_too_much_waits")),
                }
            }
            ChatCommand::Again(id) => {
                if let Some(unsent) = self.fold.again(id) {
                    self.send(unsent);
                }
            }
            ChatCommand::Discard(id) => {
                // Where the order does not fit, the message stays where it is seen.
                if self.orders.try_send(Order::Withdraw(id)).is_ok() {
                    self.fold.discard(id);
                }
            }
        }
    }

    /// Hands it to the socket. What can never be taken, or not now, is said beside the message.
    fn send(&mut self, unsent: Unsent) {
        let id = unsent.id;
        let refused = match check_content(&unsent.content) {
            Err(error) => Some(Explanation::new("chat_not_taken").detail(error)),
            Ok(()) => self.orders.try_send(Order::Say(unsent)).is_err().then(|| Explanation::new("chat_too_much_waits")),
        };
        if let Some(told) = refused {
            self.fold.hear(LiveEvent::NotSent(id, told), self.parts.clock.now());
        }
    }
}
