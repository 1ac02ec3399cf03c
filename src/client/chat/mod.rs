//! The conversation of the person who is there, held open as long as he is. When he leaves, the socket is closed and everything
//! that was said leaves memory; how far he has read stays, and what he said that no server has yet.

mod fold;
mod kept;
mod log;
mod marks;
mod search;
mod slices;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::fold::{Fold, PageAsk};
use self::kept::{Kept, Owner};
use super::api::{ApiError, HistoryQuery, PersonSession};
use super::bridge::{Notifier, Slice};
use super::command::ChatCommand;
use super::explain::Explanation;
use super::link::{LinkReceiver, Observer};
use super::live::{self, Access, LiveEvent, LiveState, Order, Unsent};
use super::people;
use super::services::{due, finished};
use super::tunnel::Way;
use crate::domain::chat::check_content;
use crate::protocol::chat::{History, MessageKind, Present, RoomRow};
use crate::support::clock::Clock;

pub(crate) use kept::unsent_in;
pub use slices::{ChatPage, ChatRoom, ChatSlice, ChatState, UnsentMessage};

/// Messages that may wait to be taken over, and events that may wait to be folded.
const WAITING: usize = 200;
/// What was read is told together with what is read in the next moment.
const MARKING: Duration = Duration::from_millis(700);
/// Reading that failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(15);

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

pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<ChatCommand>, stop: CancellationToken) {
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
            // Nobody is there to say anything.
            command = inbox.recv() => if command.is_none() { return },
        }
    }
}

/// What a task in the background ended with.
enum Answer {
    Rooms(Result<Vec<RoomRow>, ApiError>),
    Page(PageAsk, Result<History, ApiError>),
    Present(Result<Vec<Present>, ApiError>),
    /// The server or the disk was told how far the person has read.
    Told,
}

/// What was to be kept, and whether the disk took it.
type Keeping = (Arc<Vec<Kept>>, io::Result<()>);

struct Conversation<'a> {
    parts: &'a Parts,
    person: Arc<PersonSession>,
    server_id: String,
    fold: Fold,
    asking: JoinSet<Answer>,
    orders: mpsc::Sender<Order>,
    ordered: Option<mpsc::Receiver<Order>>,
    /// What waits for the server, as it is on the disk, and the writing that is under way.
    kept: Arc<Vec<Kept>>,
    keeping: Option<JoinHandle<Keeping>>,
    /// The disk did not take it: tried again then.
    keep_again_at: Option<Instant>,
    /// That the disk does not take it has been said.
    told_unkept: bool,
    /// Rooms in which more was read than was told, and when it is told.
    untold: BTreeSet<String>,
    tell_at: Option<Instant>,
    again_at: Option<Instant>,
}

impl<'a> Conversation<'a> {
    async fn open(parts: &'a Parts, person: Arc<PersonSession>, server_id: String) -> Conversation<'a> {
        let (folder, now) = (parts.folder.clone(), parts.clock.now());
        let owner = Owner { server_id: server_id.clone(), user_id: person.user_id().to_owned() };
        let read = move || (marks::read(&folder, &owner.server_id, &owner.user_id), kept::read(&folder, &owner, now));
        let (marks, kept) = spawn_blocking(read).await.unwrap_or_default();
        let mut fold = Fold::new(person.user_id(), &parts.station, marks);
        let (orders, ordered) = mpsc::channel(WAITING);
        for unsent in fold.recall(kept.clone()) {
            let _ = orders.try_send(Order::Say(unsent));
        }
        Conversation {
            parts,
            person,
            server_id,
            fold,
            asking: JoinSet::new(),
            orders,
            ordered: Some(ordered),
            kept: Arc::new(kept),
            keeping: None,
            keep_again_at: None,
            told_unkept: false,
            untold: BTreeSet::new(),
            tell_at: None,
            again_at: None,
        }
    }

    /// Until the person leaves or changes.
    async fn run(mut self, inbox: &mut mpsc::Receiver<ChatCommand>, link: &mut LinkReceiver, stop: &CancellationToken) {
        let (events, mut heard) = mpsc::channel(WAITING);
        let Some(mut ordered) = self.ordered.take() else { return };
        let mut live = std::pin::pin!(live::run(self.socket(events), &mut ordered, stop.clone()));
        let mut is_live = true;
        loop {
            self.parts.slice.set(self.fold.slice());
            self.keep_unsent();
            tokio::select! {
                () = stop.cancelled() => break,
                changed = link.changed() => {
                    let stays = changed.is_ok() && people::is_same(Some(&self.person), link.borrow_and_update().person.as_ref());
                    if !stays {
                        break;
                    }
                }
                _ = &mut live, if is_live => is_live = false,
                Some(event) = heard.recv() => self.hear(event),
                command = inbox.recv() => match command {
                    Some(command) => self.answer(command),
                    None => break,
                },
                Some(answer) = self.asking.join_next() => self.take(answer.unwrap_or(Answer::Told)),
                () = due(self.tell_at) => self.tell_read(),
                () = due(self.again_at) => self.refresh(),
                done = finished(&mut self.keeping) => drop(self.kept_unsent(done)),
                () = due(self.keep_again_at) => self.keep_again_at = None,
            }
        }
        self.leave().await;
    }

    fn socket(&self, events: mpsc::Sender<LiveEvent>) -> live::Parts {
        let (server, person) = (self.person.server().clone(), self.person.clone());
        let access = Arc::new(move || -> Access {
            let person = person.clone();
            Box::pin(async move { person.access().await })
        });
        let way = self.parts.way.to(&server, &self.parts.built_in);
        live::Parts { server, roots: self.parts.roots.clone(), way, access, events, known: Vec::new() }
    }

    fn hear(&mut self, event: LiveEvent) {
        let refreshes = event == LiveEvent::State(LiveState::Live);
        self.fold.hear(event, self.parts.clock.now());
        if refreshes {
            self.refresh();
        }
    }

    /// Asks for the rooms and for the newest of the one that is open.
    fn refresh(&mut self) {
        self.again_at = None;
        let person = self.person.clone();
        self.asking.spawn(async move { Answer::Rooms(person.fetch_rooms().await) });
        self.fold.ask_newest().into_iter().for_each(|ask| self.ask(ask));
    }

    fn ask(&mut self, ask: PageAsk) {
        let person = self.person.clone();
        let kind = ask.notes.then_some(MessageKind::Note);
        let query = HistoryQuery { before: ask.before.clone(), kind, search: ask.search.clone() };
        self.asking.spawn(async move {
            let page = person.fetch_history(&ask.room, &query).await;
            Answer::Page(ask, page)
        });
    }

    fn answer(&mut self, command: ChatCommand) {
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

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Rooms(rows) => {
                self.parts.observer.saw_of_person(&rows);
                match rows {
                    Ok(rows) => {
                        let untold = self.fold.take_rooms(rows);
                        if !untold.is_empty() {
                            self.untold.extend(untold.into_iter().map(|(room, _)| room));
                            self.tell_at.get_or_insert(Instant::now());
                        }
                    }
                    Err(_) => self.again_at = Some(Instant::now() + AGAIN),
                }
            }
            Answer::Page(ask, page) => {
                self.parts.observer.saw_of_person(&page);
                if page.is_err() && ask.before.is_none() && ask.search.is_empty() {
                    self.again_at = Some(Instant::now() + AGAIN);
                }
                let searched_here = |error: &ApiError| match ask.search.is_empty() {
                    true => people::explain(error),
                    false => Explanation::new("chat_searched_here").detail(error.detail()),
                };
                self.fold.take_page(&ask, page.map_err(|error| searched_here(&error)));
            }
            Answer::Present(present) => {
                self.parts.observer.saw_of_person(&present);
                self.fold.take_present(present.map_err(|error| people::explain(&error)));
            }
            Answer::Told => {}
        }
    }

    /// Keeps how far the person has read, and tells the server. What does not arrive is told after the next sign-in.
    fn tell_read(&mut self) {
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
    fn keep_unsent(&mut self) {
        let now = self.fold.unsent();
        if self.keeping.is_none() && self.keep_again_at.is_none() && now != *self.kept {
            self.keeping = Some(self.write_unsent(now));
        }
    }

    fn write_unsent(&self, unsent: Vec<Kept>) -> JoinHandle<(Arc<Vec<Kept>>, io::Result<()>)> {
        let (folder, now) = (self.parts.folder.clone(), self.parts.clock.now());
        let owner = Owner { server_id: self.server_id.clone(), user_id: self.person.user_id().to_owned() };
        spawn_blocking(move || {
            let written = kept::write(&folder, &owner, &unsent, now);
            (Arc::new(unsent), written)
        })
    }

    /// A disk that refuses is told once, and asked again later.
    fn kept_unsent(&mut self, done: Option<(Arc<Vec<Kept>>, io::Result<()>)>) -> bool {
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
    async fn leave(mut self) {
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
