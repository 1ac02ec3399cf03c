//! The conversation of the person who is there, held open as long as he is. When he leaves, the socket is closed and everything
//! that was said leaves memory; how far he has read stays, and what he said that no server has yet.

mod conversation;
mod fold;
mod kept;
mod log;
mod marks;
mod search;
mod slices;

use std::path::PathBuf;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::conversation::Conversation;
use super::bridge::{Notifier, Slice};
use super::command::{ChatAsk, ChatCommand};
use super::explain::Explanation;
use super::link::{LinkReceiver, Observer};
use super::tunnel::Way;
use crate::support::clock::Clock;

pub(crate) use kept::unsent_in;
pub use slices::{ChatPage, ChatRoom, ChatSlice, ChatState, UnsentMessage};

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) slice: Slice<ChatSlice>,
    pub(crate) link: LinkReceiver,
    pub(crate) observer: Observer,
    pub(crate) notifier: Notifier,
    pub(crate) clock: Clock,
    /// Further certificate authorities, in DER.
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) way: Way,
    /// Address of the line server built into this program, while it runs.
    pub(crate) built_in: watch::Receiver<Option<String>>,
    /// The instance's.
    pub(crate) folder: PathBuf,
    /// What the server calls this station.
    pub(crate) station: String,
}

impl Parts {
    /// Whoever asked has left. What he wanted to say was not taken over in time.
    fn too_late(&self, command: &ChatCommand) {
        if let ChatCommand::Say { .. } = command {
            self.notifier.failed(Explanation::new("chat_author_left"));
        }
    }
}

pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<ChatAsk>, stop: CancellationToken) {
    let mut link = parts.link.clone();
    loop {
        let (person, server_id) = {
            let link = link.borrow_and_update();
            (link.person.clone(), link.server_id.clone())
        };
        if let Some(person) = person {
            let conversation = Conversation::open(&parts, person, server_id).await;
            conversation.run(inbox, &mut link, &stop).await;
            parts.slice.set(ChatSlice::default());
            if stop.is_cancelled() || inbox.is_closed() {
                return;
            }
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = link.changed() => if changed.is_err() { return },
            ask = inbox.recv() => match ask {
                Some(ask) => parts.too_late(&ask.command),
                None => return,
            },
        }
    }
}

#[cfg(test)]
mod tests;
