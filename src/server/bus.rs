//! What happens on one server and concerns all: published once, heard by whoever follows. The newest happenings are kept for slow
//! followers; one that is too slow is told that it missed some, and looks at the database instead.

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::protocol::chat::Message;

/// Happenings that a follower may be behind.
const KEPT: usize = 1024;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Happening {
    /// This session's tokens are refused from now on.
    SessionEnded { session_id: String },
    /// The role, the name or the state of this user is another: look again.
    UserChanged { user_id: String },
    /// This station token is refused from now on.
    TokenRevoked { token_id: String },
    /// A message in a room, as it is stored, and the socket it was said on.
    ChatMessage { message: Message, socket: Option<Uuid> },
    /// Reports were stored or replaced.
    ReportsStored { ids: Vec<String> },
}

/// Where happenings are published and heard. Cloning it is cheap.
#[derive(Clone)]
pub(super) struct Bus(broadcast::Sender<Happening>);

impl Bus {
    pub(super) fn new() -> Bus {
        Bus(broadcast::channel(KEPT).0)
    }

    /// Tells everybody. Nobody listening is not an error.
    pub(super) fn publish(&self, happening: Happening) {
        let _ = self.0.send(happening);
    }

    /// Everything that is published from now on.
    pub(super) fn follow(&self) -> broadcast::Receiver<Happening> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_published_is_heard_by_every_follower() {
        let bus = Bus::new();
        let (mut one, mut two) = (bus.follow(), bus.follow());
        let ended = Happening::SessionEnded { session_id: "s".to_owned() };
        bus.publish(ended.clone());
        assert_eq!((one.recv().await, two.recv().await), (Ok(ended.clone()), Ok(ended)));
    }
}
