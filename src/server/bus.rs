//! What happens on one server and concerns all: published once, heard by whoever follows. The newest happenings are kept for slow
//! followers; one that is too slow is told that it missed some, and looks at the database instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use crate::protocol::chat::Message;
use crate::protocol::live::ReportReceived;

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
    /// Reports were stored, replaced or removed by the server of this origin; the heads are of those stored.
    ReportsStored { by: Uuid, ids: Vec<String>, heads: Vec<ReportReceived> },
    /// Other servers could not be heard for a while: look at the database.
    Missed,
}

/// Where happenings are published and heard. Cloning it is cheap.
#[derive(Clone)]
pub(super) struct Bus {
    here: broadcast::Sender<Happening>,
    /// The way to other servers, where there is one.
    away: Option<mpsc::Sender<Happening>>,
    cut_off: Arc<AtomicBool>,
    /// Whether something was published that the others will not hear.
    lost: Arc<AtomicBool>,
    origin: Uuid,
}

impl Bus {
    /// For a server by itself.
    pub(super) fn new() -> Bus {
        Bus { here: broadcast::channel(KEPT).0, away: None, cut_off: Arc::default(), lost: Arc::default(), origin: Uuid::new_v4() }
    }

    /// With what this server publishes, for whoever carries it to the others. Cut off until told otherwise.
    pub(super) fn bridged() -> (Bus, mpsc::Receiver<Happening>) {
        let (away, published) = mpsc::channel(KEPT);
        (Bus { away: Some(away), cut_off: Arc::new(AtomicBool::new(true)), ..Bus::new() }, published)
    }

    /// Tells everybody. Nobody listening is not an error; nor is a way that is too slow: the others are told that they missed something.
    pub(super) fn publish(&self, happening: Happening) {
        if let Some(away) = &self.away
            && let Err(error) = away.try_send(happening.clone())
        {
            tracing::debug!("a happening did not reach the other servers: {error}");
            self.note_loss();
        }
        self.hear(happening);
    }

    /// Tells everybody on this server alone.
    pub(super) fn hear(&self, happening: Happening) {
        let _ = self.here.send(happening);
    }

    /// Notes that the others have to look at the database.
    pub(super) fn note_loss(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether the others have to be told so, once.
    pub(super) fn take_loss(&self) -> bool {
        self.lost.swap(false, Ordering::AcqRel)
    }

    /// Everything that is published from now on.
    pub(super) fn follow(&self) -> broadcast::Receiver<Happening> {
        self.here.subscribe()
    }

    /// Names this run of this server.
    pub(super) fn origin(&self) -> Uuid {
        self.origin
    }

    /// Whether other servers should be heard, and are not.
    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Acquire)
    }

    /// Notes whether the others are heard. Once they are again, everybody looks at the database.
    pub(super) fn set_cut_off(&self, cut_off: bool) {
        let was = self.cut_off.swap(cut_off, Ordering::AcqRel);
        if was && !cut_off {
            self.hear(Happening::Missed);
        }
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

    #[tokio::test]
    async fn what_comes_from_others_is_not_sent_back_and_a_return_is_told() {
        let (bus, mut away) = Bus::bridged();
        let mut here = bus.follow();
        let changed = Happening::UserChanged { user_id: "u".to_owned() };
        bus.hear(changed.clone());
        assert!(away.try_recv().is_err());
        bus.publish(changed.clone());
        assert_eq!(away.recv().await, Some(changed.clone()));
        assert_eq!((here.recv().await, here.recv().await), (Ok(changed.clone()), Ok(changed)));
        assert!(bus.is_cut_off());
        bus.set_cut_off(false);
        assert_eq!(here.recv().await, Ok(Happening::Missed));
    }

    #[tokio::test]
    async fn what_is_too_much_for_the_way_to_the_others_is_owed_to_them_once() {
        let (bus, mut away) = Bus::bridged();
        let ended = || Happening::SessionEnded { session_id: "s".to_owned() };
        (0..KEPT).for_each(|_| bus.publish(ended()));
        assert!(!bus.take_loss());
        bus.publish(ended());
        assert!(bus.clone().take_loss() && !bus.take_loss());
        away.recv().await;
        bus.publish(ended());
        assert!(!bus.take_loss());
    }
}
