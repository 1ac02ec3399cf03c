//! The open instance: its lock, its settings, and the services that work for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bridge::{Demo, Notice, Notifier, Publisher, Slice};
use super::command::{AccountCommand, ChatAsk, ConvertersCommand, PinCommand, QueueCommand, ReportsCommand, TunnelCommand, YieldsCommand};
use super::instances::OwnerLock;
use super::link::{Link, LinkReceiver, Observer};
use super::offline::{self, Offline};
use super::people::{self, AuditSlice, Desk, MeSlice, StationsSlice, UsersSlice};
use super::pin;
use super::queue::{self, Limits, Queue};
use super::services::{Inbox, Services};
use super::session::{self, Ask};
use super::settings::Settings;
use super::tunnel::{self, Entry, Way};
use super::vault::Vault;
use super::verifier::{Cost, Tools};
use super::{accounts, chat, converters, demo, reports, sign_in, status, yields};
use crate::domain::InstanceId;
use crate::domain::instance::Application;
use crate::support::clock::Clock;
use crate::support::logging;

/// Commands that may wait for one service.
const INBOX: usize = 64;

/// What an instance is opened with.
pub(crate) struct Opening {
    pub(crate) id: InstanceId,
    pub(crate) application: Application,
    pub(crate) folder: PathBuf,
    pub(crate) lock: OwnerLock,
    pub(crate) settings: Settings,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) publisher: Publisher,
    pub(crate) notifier: Notifier,
    pub(crate) built_in: watch::Receiver<Option<String>>,
    pub(crate) demo: Option<Demo>,
}

/// The instance this process owns.
pub(crate) struct OpenStation {
    pub(crate) id: InstanceId,
    pub(crate) settings: Settings,
    pub(crate) session: mpsc::Sender<Ask>,
    pub(crate) queue: mpsc::Sender<QueueCommand>,
    pub(crate) converters: mpsc::Sender<ConvertersCommand>,
    pub(crate) yields: mpsc::Sender<YieldsCommand>,
    pub(crate) reports: mpsc::Sender<ReportsCommand>,
    pub(crate) account: mpsc::Sender<AccountCommand>,
    pub(crate) users: mpsc::Sender<<UsersSlice as Desk>::Command>,
    pub(crate) stations: mpsc::Sender<<StationsSlice as Desk>::Command>,
    pub(crate) audit: mpsc::Sender<<AuditSlice as Desk>::Command>,
    pub(crate) me: mpsc::Sender<<MeSlice as Desk>::Command>,
    pub(crate) tunnel: mpsc::Sender<TunnelCommand>,
    pub(crate) chat: mpsc::Sender<ChatAsk>,
    pub(crate) pin: mpsc::Sender<PinCommand>,
    publisher: Publisher,
    services: Services,
    lock: OwnerLock,
}

impl OpenStation {
    /// Starts the services of an instance.
    pub(crate) fn open(opening: Opening) -> OpenStation {
        if let Err(error) = logging::write_into(Some(&opening.folder.join("logs"))) {
            tracing::warn!(%error, "the instance's log cannot be written");
        }
        tracing::info!(instance = %opening.id, version = %crate::support::build_info::BUILD, "opened");
        let mut services = Services::new(CancellationToken::new());
        let (link, link_receiver) = watch::channel(Link::default());
        let (events, event_inbox) = mpsc::channel(INBOX);
        let observer = Observer(events);
        let pin = start_pin(&mut services, &opening);
        let (tunnel, way) = start_tunnel(&mut services, &opening);
        let offline = start_offline(&mut services, &opening, link_receiver.clone(), observer.clone());
        let session = start_session(&mut services, &opening, link, event_inbox, (way.clone(), offline.clone()));
        let yields = start_yields(&mut services, &opening, link_receiver.clone(), observer.clone());
        let reports = start_reports(&mut services, &opening, link_receiver.clone(), observer.clone());
        let account = start_account(&mut services, &opening, way.clone());
        let chat = start_chat(&mut services, &opening, way, (link_receiver.clone(), observer.clone()));
        let (desk_link, desk_observer) = (link_receiver.clone(), observer.clone());
        let mut desks = Desks { services: &mut services, opening: &opening, link: desk_link, observer: desk_observer, offline };
        let users = desks.start("users", opening.publisher.slice(|model| &mut model.users));
        let stations = desks.start("stations", opening.publisher.slice(|model| &mut model.stations));
        let audit = desks.start("audit", opening.publisher.slice(|model| &mut model.audit));
        let me = desks.start("me", opening.publisher.slice(|model| &mut model.me));
        let (model, link_of_status, stop) = (opening.publisher.subscribe(), link_receiver.clone(), services.stop.clone());
        services.start("status", move || status::run(model.clone(), link_of_status.clone(), stop.clone()));
        let (queue, opened) = start_queue(&mut services, &opening, link_receiver.clone(), observer);
        let converters = start_converters(&mut services, &opening, opened);
        if let Some(demo) = opening.demo {
            let (link, stop) = (link_receiver.clone(), services.stop.clone());
            services.start("colleagues", move || demo::colleagues::run(link.clone(), stop.clone()));
            let (settings, clock, stop) = (opening.settings.clone(), opening.clock.clone(), services.stop.clone());
            services.start("tester", move || demo::run(demo, settings.clone(), clock.clone(), link_receiver.clone(), stop.clone()));
        }
        OpenStation {
            id: opening.id,
            settings: opening.settings,
            session,
            queue,
            converters,
            yields,
            reports,
            account,
            users,
            stations,
            audit,
            me,
            tunnel,
            chat,
            pin,
            publisher: opening.publisher,
            services,
            lock: opening.lock,
        }
    }

    /// Stops the services and gives the instance back.
    pub(crate) async fn close(self) -> OwnerLock {
        self.services.end().await;
        self.publisher.clear_station();
        tracing::info!(instance = %self.id, "closed");
        if let Err(error) = logging::write_into(None) {
            tracing::warn!(%error, "the log could not be closed");
        }
        self.lock
    }
}

/// For passwords and PINs that are checked on this PC.
fn tools_of(opening: &Opening) -> Tools {
    Tools {
        id: opening.id.clone(),
        folder: opening.folder.clone(),
        vault: opening.vault.clone(),
        clock: opening.clock.clone(),
        cost: Cost::RECOMMENDED,
    }
}

/// The PIN guards before there is anything to guard.
fn start_pin(services: &mut Services, opening: &Opening) -> mpsc::Sender<PinCommand> {
    let parts = pin::Parts::open(tools_of(opening), opening.publisher.slice(|model| &mut model.pin), opening.notifier.clone());
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, stop) = (Inbox::new(inbox), services.stop.clone());
    services.start("pin", move || {
        let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
        async move { pin::run(parts, &mut *inbox.open().await, stop).await }
    });
    sender
}

/// A tunnel that is switched on stands in the way from the first moment: nothing goes past it.
fn start_tunnel(services: &mut Services, opening: &Opening) -> (mpsc::Sender<TunnelCommand>, Way) {
    let enabled = opening.settings.get().tunnel.settings.enabled;
    let (entry, follower) = watch::channel(if enabled { Entry::Opening } else { Entry::Direct });
    let parts = tunnel::Parts {
        settings: opening.settings.clone(),
        vault: opening.vault.clone(),
        clock: opening.clock.clone(),
        notifier: opening.notifier.clone(),
        slice: opening.publisher.slice(|model| &mut model.tunnel),
        entry,
    };
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, stop) = (Inbox::new(inbox), services.stop.clone());
    services.start("tunnel", move || {
        let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
        async move { tunnel::run(parts, &mut *inbox.open().await, stop).await }
    });
    (sender, Way::new(follower))
}

fn start_offline(services: &mut Services, opening: &Opening, link: LinkReceiver, observer: Observer) -> Offline {
    let parts = offline::Parts { tools: tools_of(opening), run: Uuid::now_v7(), link, observer };
    let (door, jobs) = offline::door();
    let (jobs, stop) = (Inbox::new(jobs), services.stop.clone());
    services.start("offline", move || {
        let (parts, jobs, stop) = (parts.clone(), jobs.clone(), stop.clone());
        async move { offline::run(parts, &mut *jobs.open().await, stop).await }
    });
    door
}

fn start_session(
    services: &mut Services,
    opening: &Opening,
    link: watch::Sender<Link>,
    events: mpsc::Receiver<crate::domain::connection::Event>,
    (way, offline): (Way, Offline),
) -> mpsc::Sender<Ask> {
    // A file that cannot be used is told; the machine's own authorities go on being trusted.
    let roots = opening.settings.get().connection.roots(opening.settings.folder()).unwrap_or_else(|told| {
        opening.notifier.failed(told);
        Vec::new()
    });
    let parts = session::Parts {
        id: opening.id.clone(),
        application: opening.application,
        settings: opening.settings.clone(),
        vault: opening.vault.clone(),
        clock: opening.clock.clone(),
        notifier: opening.notifier.clone(),
        link,
        session: opening.publisher.slice(|model| &mut model.session),
        connection: opening.publisher.slice(|model| &mut model.connection),
        roots,
        built_in: opening.built_in.clone(),
        way,
        offline,
    };
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, events, stop) = (Inbox::new(inbox), Inbox::new(events), services.stop.clone());
    services.start("session", move || {
        let (parts, inbox, events, stop) = (parts.clone(), inbox.clone(), events.clone(), stop.clone());
        async move { session::run(parts, &mut *inbox.open().await, &mut *events.open().await, stop).await }
    });
    sender
}

fn start_account(services: &mut Services, opening: &Opening, way: Way) -> mpsc::Sender<AccountCommand> {
    // The session tells of a file that cannot be used.
    let roots = opening.settings.get().connection.roots(opening.settings.folder()).unwrap_or_default();
    let parts =
        accounts::Parts { slice: opening.publisher.slice(|model| &mut model.account), roots, way, built_in: opening.built_in.clone() };
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, stop) = (Inbox::new(inbox), services.stop.clone());
    services.start("account", move || {
        let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
        async move { accounts::run(parts, &mut *inbox.open().await, stop).await }
    });
    sender
}

/// What a person says and hears, as long as one is there.
fn start_chat(services: &mut Services, opening: &Opening, way: Way, (link, observer): (LinkReceiver, Observer)) -> mpsc::Sender<ChatAsk> {
    let parts = chat::Parts {
        slice: opening.publisher.slice(|model| &mut model.chat),
        link,
        observer,
        notifier: opening.notifier.clone(),
        clock: opening.clock.clone(),
        // The session tells of a file that cannot be used.
        roots: opening.settings.get().connection.roots(opening.settings.folder()).unwrap_or_default(),
        way,
        built_in: opening.built_in.clone(),
        folder: opening.folder.clone(),
        station: sign_in::identifier(&opening.id),
    };
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, stop) = (Inbox::new(inbox), services.stop.clone());
    services.start("chat", move || {
        let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
        async move { chat::run(parts, &mut *inbox.open().await, stop).await }
    });
    sender
}

fn start_yields(services: &mut Services, opening: &Opening, link: LinkReceiver, observer: Observer) -> mpsc::Sender<YieldsCommand> {
    let parts = yields::Parts {
        settings: opening.settings.clone(),
        clock: opening.clock.clone(),
        notifier: opening.notifier.clone(),
        slice: opening.publisher.slice(|model| &mut model.yields),
        model: opening.publisher.subscribe(),
        link,
        observer,
        looked_at: Arc::default(),
    };
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, stop) = (Inbox::new(inbox), services.stop.clone());
    services.start("yields", move || {
        let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
        async move { yields::run(parts, &mut *inbox.open().await, stop).await }
    });
    sender
}

fn start_reports(services: &mut Services, opening: &Opening, link: LinkReceiver, observer: Observer) -> mpsc::Sender<ReportsCommand> {
    let parts = reports::Parts { slice: opening.publisher.slice(|model| &mut model.reports), link, observer };
    let (sender, inbox) = mpsc::channel(INBOX);
    let (inbox, stop) = (Inbox::new(inbox), services.stop.clone());
    services.start("reports", move || {
        let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
        async move { reports::run(parts, &mut *inbox.open().await, stop).await }
    });
    sender
}

/// What the services of persons start with.
struct Desks<'a> {
    services: &'a mut Services,
    opening: &'a Opening,
    link: LinkReceiver,
    observer: Observer,
    offline: Offline,
}

impl Desks<'_> {
    fn start<D: Desk>(&mut self, name: &'static str, slice: Slice<D>) -> mpsc::Sender<D::Command> {
        let (notifier, clock) = (self.opening.notifier.clone(), self.opening.clock.clone());
        let (link, observer, offline) = (self.link.clone(), self.observer.clone(), self.offline.clone());
        let parts = people::Parts { slice, link, observer, notifier, clock, offline };
        let (sender, inbox) = mpsc::channel(INBOX);
        let (inbox, stop) = (Inbox::new(inbox), self.services.stop.clone());
        self.services.start(name, move || {
            let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
            async move { people::run(parts, &mut *inbox.open().await, stop).await }
        });
        sender
    }
}

/// A queue that cannot be opened is said on the queue's own screen, and the station goes on without it.
fn start_queue(
    services: &mut Services,
    opening: &Opening,
    link: LinkReceiver,
    observer: Observer,
) -> (mpsc::Sender<QueueCommand>, Option<Queue>) {
    let slice = opening.publisher.slice(|model| &mut model.queue);
    let config = opening.settings.get().queue;
    let limits = Limits { reports: config.limit_reports, bytes: config.limit_bytes, ..Limits::default() };
    let (sender, inbox) = mpsc::channel(INBOX);
    let queue = match Queue::open(&opening.folder.join("queue"), opening.clock.clone(), limits) {
        Ok(queue) => queue,
        Err(error) => {
            tracing::error!(%error, "the queue cannot be opened");
            let trouble = error.explain();
            opening.notifier.failed(trouble.clone());
            slice.update(|slice| slice.trouble = Some(trouble));
            return (sender, None);
        }
    };
    if let Some(problem) = queue.problem() {
        opening.notifier.failed(problem);
    }
    let opened = queue.clone();
    let (inbox, stop, notifier) = (Inbox::new(inbox), services.stop.clone(), opening.notifier.clone());
    services.start("queue", move || {
        let (inbox, stop, notifier) = (inbox.clone(), stop.clone(), notifier.clone());
        let (queue, link, observer, slice) = (queue.clone(), link.clone(), observer.clone(), slice.clone());
        async move {
            let (commands, own) = mpsc::channel(INBOX);
            let (notices, said) = mpsc::channel(INBOX);
            tokio::select! {
                () = queue::run(queue, link, observer, slice, own, notices, stop) => {}
                () = forward(inbox, commands) => {}
                () = echo(said, notifier) => {}
            }
        }
    });
    (sender, Some(opened))
}

/// Folders are watched only where there is a queue to take what is found.
fn start_converters(services: &mut Services, opening: &Opening, queue: Option<Queue>) -> mpsc::Sender<ConvertersCommand> {
    let (sender, inbox) = mpsc::channel(INBOX);
    let Some(queue) = queue else { return sender };
    let slice = opening.publisher.slice(|model| &mut model.converters);
    let (inbox, settings, stop) = (Inbox::new(inbox), opening.settings.clone(), services.stop.clone());
    services.start("converters", move || {
        let (inbox, settings, queue, slice, stop) = (inbox.clone(), settings.clone(), queue.clone(), slice.clone(), stop.clone());
        async move {
            let (commands, own) = mpsc::channel(INBOX);
            tokio::select! {
                () = converters::run(settings, queue, slice, own, stop) => {}
                () = forward(inbox, commands) => {}
            }
        }
    });
    sender
}

/// Says what the queue has to say, and wakes the window for it.
async fn echo(mut said: mpsc::Receiver<Notice>, notifier: Notifier) {
    while let Some(notice) = said.recv().await {
        notifier.say(notice);
    }
    std::future::pending().await
}

/// Hands on what arrives in an inbox that outlives its service.
async fn forward<T>(inbox: Inbox<T>, to: mpsc::Sender<T>) {
    let mut inbox = inbox.open().await;
    while let Some(item) = inbox.recv().await {
        if to.send(item).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

/// How long the built-in line server may take to start before the station goes on without it.
pub(crate) const LINE_START: Duration = Duration::from_secs(3);
