//! What outlives a conversation: how far the person has read, and what he said that no server has yet.

use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::super::kept::{self, Kept, Owner};
use super::super::marks;
use super::{AGAIN, Answer, Conversation, Keeping};
use crate::client::explain::Explanation;

impl Conversation<'_> {
    /// Keeps how far the person has read, and tells the server. What does not arrive is told after the next sign-in.
    pub(super) fn tell_read(&mut self) {
        self.tell_at = None;
        let marks: Vec<(String, String)> = std::mem::take(&mut self.untold)
            .into_iter()
            .filter_map(|room| Some((room.clone(), self.fold.marks.get(&room)?.clone())))
            .collect();
        let kept = self.keep();
        self.asking.spawn(async move {
            kept.await;
            Answer::Told
        });
        let person = self.person.clone();
        self.asking.spawn(async move {
            for (room, id) in marks {
                if let Err(error) = person.mark_read(&room, &id).await {
                    tracing::debug!(%error, "the server was not told how far a room was read");
                }
            }
            Answer::Told
        });
    }

    /// Writes down how far the person has read.
    fn keep(&self) -> impl Future<Output = ()> + Send + 'static {
        let (folder, server, user) = (self.parts.folder.clone(), self.server_id.clone(), self.person.user_id().to_owned());
        let marks = self.fold.marks.clone();
        async move {
            if let Ok(Err(error)) = spawn_blocking(move || marks::write(&folder, &server, &user, &marks)).await {
                tracing::warn!(%error, "how far the chat was read could not be written");
            }
        }
    }

    /// Puts what waits on the disk as it is now. One writing at a time; what changes meanwhile is written after it.
    pub(super) fn keep_unsent(&mut self) {
        let now = self.fold.unsent();
        if self.keeping.is_none() && self.keep_again_at.is_none() && now != *self.kept {
            self.keeping = Some(self.write_unsent(now));
        }
    }

    fn write_unsent(&self, unsent: Vec<Kept>) -> JoinHandle<Keeping> {
        let (folder, now) = (self.parts.folder.clone(), self.parts.clock.now());
        let owner = Owner { server_id: self.server_id.clone(), user_id: self.person.user_id().to_owned() };
        spawn_blocking(move || {
            let written = kept::write(&folder, &owner, &unsent, now);
            (Arc::new(unsent), written)
        })
    }

    /// A disk that refuses is told once, and asked again later.
    pub(super) fn kept_unsent(&mut self, done: Option<Keeping>) -> bool {
        let Some((written, result)) = done else { return false };
        if let Err(error) = &result {
            tracing::error!(%error, "messages that wait could not be written");
            self.keep_again_at = Some(Instant::now() + AGAIN);
            if !std::mem::replace(&mut self.told_unkept, true) {
                self.parts.notifier.failed(Explanation::new("chat_not_kept").detail(error));
            }
            return false;
        }
        (self.kept, self.told_unkept) = (written, false);
        true
    }

    /// What waits is on the disk before the next person comes.
    pub(super) async fn leave(mut self) {
        if self.tell_at.is_some() {
            self.keep().await;
        }
        if let Some(keeping) = self.keeping.take() {
            self.kept_unsent(keeping.await.ok());
        }
        let unsent = self.fold.unsent();
        let waits = unsent.len();
        let safe = unsent == *self.kept || {
            let done = self.write_unsent(unsent).await.ok();
            self.told_unkept = true;
            self.kept_unsent(done)
        };
        match (waits, safe) {
            (0, _) => {}
            (n, true) => self.parts.notifier.done("chat_kept", vec![("n", n.to_string())]),
            (n, false) => self.parts.notifier.failed(Explanation::new("chat_lost").with("n", n)),
        }
    }
}
