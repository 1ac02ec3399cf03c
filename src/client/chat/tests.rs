//! Persons who come and go while something is being said.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::client::bridge::{Notice, Publisher};
use crate::client::command::ChatCommand;
use crate::client::link::Link;
use crate::client::model::Model;
use crate::client::peer::{Answer, Peer, person, until};
use crate::domain::connection::Connection;

/// A station's chat, and a server that hangs up on everybody.
struct World {
    folder: TempDir,
    peer: Peer,
    link: watch::Sender<Link>,
    model: watch::Receiver<Model>,
    notices: mpsc::Receiver<Notice>,
    inbox: mpsc::Sender<ChatAsk>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    async fn start() -> World {
        let (folder, peer) = (tempfile::tempdir().unwrap(), Peer::start(|_| Answer(0, Vec::new(), String::new())).await);
        let (publisher, model) = Publisher::new(Arc::new(|| ()));
        let (notifier, notices) = Notifier::new();
        let (link, receiver) = watch::channel(Link { server_id: "line".to_owned(), state: Connection::Connected, ..Link::default() });
        let (_, built_in) = watch::channel(None);
        let parts = Parts {
            slice: publisher.slice(|model| &mut model.chat),
            link: receiver,
            observer: Observer(mpsc::channel(8).0),
            notifier,
            clock: Clock::system(),
            roots: Vec::new(),
            way: Way::direct(),
            built_in,
            folder: folder.path().to_owned(),
            station: "eol@pc".to_owned(),
        };
        let (inbox, mut asked) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let asked_to_stop = stop.clone();
        let task = tokio::spawn(async move { run(parts, &mut asked, asked_to_stop).await });
        World { folder, peer, link, model, notices, inbox, stop, task }
    }

    fn now_there(&self, user: &str) {
        let person = (!user.is_empty()).then(|| person(&self.peer.url, user));
        self.link.send_modify(|link| link.person = person);
    }

    /// Somebody comes, changes or, without a name, leaves; until his conversation is seen.
    async fn comes(&self, user: &str) {
        self.now_there(user);
        until("the conversation", || self.model.borrow().chat.user_id.clone(), |id| id == user).await;
    }

    fn say(&self, by: &str, content: &str) {
        let command = ChatCommand::Say { room: "line".to_owned(), content: content.to_owned(), note: false };
        self.inbox.try_send(ChatAsk { by: by.to_owned(), command }).unwrap();
    }

    /// What waits for the server in the conversation that is open.
    fn waits(&self) -> Vec<String> {
        self.model.borrow().chat.unsent.iter().map(|one| one.content.clone()).collect()
    }

    async fn next_refusal(&mut self) -> &'static str {
        let refusal = async {
            loop {
                if let Notice::Failed(told) = self.notices.recv().await.unwrap() {
                    return told.key;
                }
            }
        };
        timeout(Duration::from_secs(10), refusal).await.unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn marks_of(folder: &Path, user: &str) -> Vec<String> {
    marks::read(folder, "line", user).into_values().collect()
}

#[tokio::test]
async fn what_was_said_in_the_last_moment_waits_for_its_author_and_is_not_said_by_the_next() {
    for _ in 0..20 {
        let world = World::start().await;
        world.comes("ann").await;
        let said: Vec<String> = (0..10).map(|n| format!("{n} by ann")).collect();
        // All of it lies in the inbox when the person changes.
        said.iter().for_each(|content| world.say("ann", content));
        let read = ChatCommand::Read { room: "line".to_owned(), message_id: "7".to_owned() };
        world.inbox.try_send(ChatAsk { by: "ann".to_owned(), command: read }).unwrap();
        world.comes("bob").await;
        assert_eq!(world.waits(), Vec::<String>::new());
        world.say("bob", "by bob");
        until("what bob said", || world.waits(), |waits| waits == &["by bob"]).await;
        assert_eq!((marks_of(world.folder.path(), "ann"), marks_of(world.folder.path(), "bob")), (vec!["7".to_owned()], vec![]));
        world.comes("ann").await;
        until("what ann said", || world.waits(), |waits| *waits == said).await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_comes_too_late_is_said_by_nobody_and_its_author_is_told() {
    let mut world = World::start().await;
    world.comes("ann").await;
    world.comes("bob").await;
    world.say("ann", "late");
    assert_eq!(world.next_refusal().await, "chat_author_left");
    assert_eq!(world.waits(), Vec::<String>::new());
    world.comes("").await;
    world.say("bob", "later");
    assert_eq!(world.next_refusal().await, "chat_author_left");
    world.comes("bob").await;
    assert_eq!(world.waits(), Vec::<String>::new());
    world.end().await;
}
