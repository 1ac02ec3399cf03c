//! The conversation of one person, from his coming to his leaving.

mod commands;
mod keeping;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fold::{Fold, PageAsk};
use super::kept::{self, Kept, Owner};
use super::{Parts, marks};
use crate::client::api::{ApiError, HistoryQuery, PersonSession};
use crate::client::command::ChatAsk;
use crate::client::explain::Explanation;
use crate::client::link::LinkReceiver;
use crate::client::live::{self, LiveEvent, LiveState, Order};
use crate::client::people;
use crate::client::services::{due, finished};
use crate::protocol::chat::{History, MessageKind, Present, RoomRow};

/// Messages that may wait to be taken over, and events that may wait to be folded.
const WAITING: usize = 200;
/// Reading that failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(15);

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

pub(super) struct Conversation<'a> {
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
    pub(super) async fn open(parts: &'a Parts, person: Arc<PersonSession>, server_id: String) -> Conversation<'a> {
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
    pub(super) async fn run(mut self, inbox: &mut mpsc::Receiver<ChatAsk>, link: &mut LinkReceiver, stop: &CancellationToken) {
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
                    Some(ask) => self.hear_ask(ask),
                    None => break,
                },
                Some(answer) = self.asking.join_next() => self.take(answer.unwrap_or(Answer::Told)),
                () = due(self.tell_at) => self.tell_read(),
                () = due(self.again_at) => self.refresh(),
                done = finished(&mut self.keeping) => drop(self.kept_unsent(done)),
                () = due(self.keep_again_at) => self.keep_again_at = None,
            }
        }
        while let Ok(ask) = inbox.try_recv() {
            self.hear_ask(ask);
        }
        self.leave().await;
    }

    /// What others ask is none of this conversation's.
    fn hear_ask(&mut self, ask: ChatAsk) {
        match ask.by == self.person.user_id() {
            true => self.answer(ask.command),
            false => self.parts.too_late(&ask.command),
        }
    }

    fn socket(&self, events: mpsc::Sender<LiveEvent>) -> live::Parts {
        let way = self.parts.way.to(self.person.server(), &self.parts.built_in);
        live::Parts { person: self.person.clone(), roots: self.parts.roots.clone(), way, events, known: Vec::new() }
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
}
