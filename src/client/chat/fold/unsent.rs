//! What was said and is not on the server yet.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::kept::Kept;
use super::super::slices::UnsentMessage;
use super::Fold;
use crate::client::live::Unsent;

/// Messages of one person that may wait for the server.
pub(super) const WAITING: usize = 150;

impl Fold {
    /// Whether there was room for it.
    pub(in super::super) fn say(&mut self, unsent: &Unsent, now: DateTime<Utc>) -> bool {
        let Unsent { id, room, content, note } = unsent.clone();
        let fits = self.unsent.len() < WAITING;
        if fits {
            self.unsent.push((room, UnsentMessage { id, content, note, said_at: now, refused: None }));
        }
        fits
    }

    /// A message that was refused, to be sent once more.
    pub(in super::super) fn again(&mut self, id: Uuid) -> Option<Unsent> {
        let (room, unsent) = self.unsent.iter_mut().find(|(_, unsent)| unsent.id == id && unsent.refused.is_some())?;
        unsent.refused = None;
        Some(Unsent { id, room: room.clone(), content: unsent.content.clone(), note: unsent.note })
    }

    /// Forgets a message that waits or was refused.
    pub(in super::super) fn discard(&mut self, id: Uuid) {
        self.unsent.retain(|(_, unsent)| unsent.id != id);
    }

    /// Takes in what waited when the person was here before. What is to be sent.
    pub(in super::super) fn recall(&mut self, kept: Vec<Kept>) -> Vec<Unsent> {
        let mut recalled = Vec::new();
        for Kept { id, room, content, note, said_at } in kept.into_iter().take(WAITING) {
            self.unsent.push((room.clone(), UnsentMessage { id, content: content.clone(), note, said_at, refused: None }));
            recalled.push(Unsent { id, room, content, note });
        }
        recalled
    }

    /// Messages that were said and are not on the server, as they are kept.
    pub(in super::super) fn unsent(&self) -> Vec<Kept> {
        let kept = |(room, unsent): &(String, UnsentMessage)| {
            let UnsentMessage { id, content, note, said_at, .. } = unsent.clone();
            Kept { id, room: room.clone(), content, note, said_at }
        };
        self.unsent.iter().map(kept).collect()
    }
}
