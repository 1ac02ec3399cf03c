//! Signing in while the server is gone: a person who signed in at the server within seven days comes with his last password, to
//! acknowledge and to run guided tests. What he and others do meanwhile is told to the server's audit log once it is back.

mod acts;
mod book;
mod keeper;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::api::ApiError;
use super::link::{Link, LinkReceiver, Observer};
use super::services::finished;
use super::sign_in::SignInError;
use super::verifier::Tools;
use crate::domain::access::Role;
use crate::protocol::audit::{OfflineAct, OfflineActs, OfflineActsTaken};
use crate::support::secret::Secret;

pub(crate) use acts::untold_in;
use keeper::Keeper;
pub(crate) use keeper::{Admitted, forget_file};

/// The server that persons are known at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) server_url: String,
    pub(crate) server_id: String,
}

impl Bound {
    /// The line server at hand; `None` without one, or where the server knows no persons.
    pub(crate) fn of(link: &Link) -> Option<Bound> {
        let server_url = link.api.as_ref()?.server().to_string();
        let server_id = link.server_id.clone();
        (!server_id.is_empty() && server_id != server_url).then_some(Bound { server_url, server_id })
    }
}

/// Somebody who has just signed in at the server.
pub(crate) struct Newcomer {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) password: Secret,
}

/// What the service is asked.
pub(crate) enum Job {
    Remember(Bound, Newcomer),
    Renew(Bound, String, Secret),
    Forget(Bound, String),
    Refused(Bound, String, Secret),
    ForgetAll(oneshot::Sender<io::Result<()>>),
    Check(Bound, String, Secret, oneshot::Sender<Result<Admitted, SignInError>>),
    Left(Bound, String),
    LeftUnheard(Bound, String, DateTime<Utc>),
}

/// The door to the service. Jobs are done in the order they were asked for.
#[derive(Clone)]
pub(crate) struct Offline(mpsc::Sender<Job>);

const JOBS: usize = 16;

pub(crate) fn door() -> (Offline, mpsc::Receiver<Job>) {
    let (sender, receiver) = mpsc::channel(JOBS);
    (Offline(sender), receiver)
}

impl Offline {
    pub(crate) fn remember(&self, bound: Bound, person: Newcomer) {
        self.ask(Job::Remember(bound, person));
    }

    /// A person who is known has a new password.
    pub(crate) fn renew(&self, bound: Bound, name: &str, password: Secret) {
        self.ask(Job::Renew(bound, name.to_owned(), password));
    }

    pub(crate) fn forget(&self, bound: Bound, name: &str) {
        self.ask(Job::Forget(bound, name.to_owned()));
    }

    /// The server refused a name with this password: it may have been mistyped.
    pub(crate) fn refused(&self, bound: Bound, name: &str, password: Secret) {
        self.ask(Job::Refused(bound, name.to_owned(), password));
    }

    /// Forgets everybody: at once in the order of jobs, and what is handed back waits until it is done.
    pub(crate) fn forget_all(&self) -> impl Future<Output = io::Result<()>> + use<> {
        let (answer, receiver) = oneshot::channel();
        self.ask(Job::ForgetAll(answer));
        async move { receiver.await.unwrap_or_else(|error| Err(io::Error::other(error))) }
    }

    /// Notes that somebody left who had come without the server.
    pub(crate) fn note_left(&self, bound: Bound, name: &str) {
        self.ask(Job::Left(bound, name.to_owned()));
    }

    /// Notes that somebody left, at this time, who had come at the server: it could not be told so.
    pub(crate) fn note_left_unheard(&self, bound: Bound, name: &str, at: DateTime<Utc>) {
        self.ask(Job::LeftUnheard(bound, name.to_owned(), at));
    }

    /// Whether this person may come in without the server.
    pub(crate) async fn check(&self, bound: Bound, user: String, password: Secret) -> Result<Admitted, SignInError> {
        let (answer, receiver) = oneshot::channel();
        let gone = |_| SignInError::Cancelled;
        self.0.send(Job::Check(bound, user, password, answer)).await.map_err(|_| SignInError::Cancelled)?;
        receiver.await.map_err(gone)?
    }

    /// A job that does not fit waits for its place in a task of its own: none is lost.
    fn ask(&self, job: Job) {
        if let Err(mpsc::error::TrySendError::Full(job)) = self.0.try_send(job) {
            let sender = self.0.clone();
            tokio::spawn(async move { sender.send(job).await });
        }
    }
}

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) tools: Tools,
    /// Of the program, from opening the station to closing it.
    pub(crate) run: Uuid,
    pub(crate) link: LinkReceiver,
    pub(crate) observer: Observer,
}

/// How long a telling that failed is left alone, and one that the server refused.
const AGAIN: Duration = Duration::from_secs(30);
const REFUSED: Duration = Duration::from_secs(600);
/// How long the end waits for those who may still ask. A session tells its server of its person in less.
const FAREWELL: Duration = Duration::from_millis(1900);
/// How often the clock's progress is written down.
const BEAT: Duration = Duration::from_secs(3600);

type Told = (Vec<OfflineAct>, Result<OfflineActsTaken, ApiError>);

struct Service {
    keeper: Arc<Mutex<Keeper>>,
    link: LinkReceiver,
    observer: Observer,
    telling: Option<JoinHandle<Told>>,
    /// Nothing is told before.
    not_before: Instant,
}

pub(crate) async fn run(parts: Parts, jobs: &mut mpsc::Receiver<Job>, stop: CancellationToken) {
    let Parts { tools, run, mut link, observer } = parts;
    let Ok(keeper) = spawn_blocking(move || Keeper::open(tools, run)).await else { return };
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keeper = Arc::new(Mutex::new(keeper));
    let mut service = Service { keeper, link: link.clone(), observer, telling: None, not_before: Instant::now() };
    loop {
        service.tell().await;
        let (waits, not_before) = (service.telling.is_none(), service.not_before);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(job) = jobs.recv() => service.serve(job).await,
            _ = beat.tick() => service.note_time().await,
            told = finished(&mut service.telling) => service.told(told).await,
            Ok(()) = link.changed() => service.relinked(),
            () = tokio::time::sleep_until(not_before), if waits && not_before > Instant::now() => {}
        }
    }
    // What was asked for before the end is done, so that a forgotten person is forgotten; and what those ask who say farewell meanwhile.
    let last = Instant::now() + FAREWELL;
    while let Ok(Some(job)) = tokio::time::timeout_at(last, jobs.recv()).await {
        service.serve(job).await;
    }
    service.with(Keeper::close).await;
    if let Some(telling) = service.telling.take() {
        telling.abort();
    }
}

impl Service {
    /// Does something that blocks.
    async fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut Keeper) -> T + Send + 'static) -> Option<T> {
        let keeper = self.keeper.clone();
        spawn_blocking(move || work(&mut keeper.lock().unwrap_or_else(PoisonError::into_inner))).await.ok()
    }

    async fn serve(&mut self, job: Job) {
        self.with(move |keeper| match job {
            Job::Remember(bound, person) => keeper.remember(&bound, &person),
            Job::Renew(bound, name, password) => keeper.renew(&bound, &name, &password),
            Job::Forget(bound, name) => keeper.forget(&bound, &name),
            Job::Refused(bound, name, password) => keeper.refused(&bound, &name, &password),
            Job::ForgetAll(answer) => drop(answer.send(keeper.forget_all())),
            Job::Check(bound, user, password, answer) => {
                // Who asked may have given up meanwhile.
                if let Err(Ok(admitted)) = answer.send(keeper.check(&bound, &user, &password)) {
                    keeper.left(&bound, &admitted.name);
                }
            }
            Job::Left(bound, name) => keeper.left(&bound, &name),
            Job::LeftUnheard(bound, name, at) => keeper.left_unheard(&bound, &name, at),
        })
        .await;
    }

    async fn note_time(&mut self) {
        let bound = Bound::of(&self.link.borrow());
        if let Some(bound) = bound {
            self.with(move |keeper| keeper.note_time(&bound)).await;
        }
    }

    /// A server that comes back is told at once.
    fn relinked(&mut self) {
        if self.link.borrow().online().is_none() {
            self.not_before = Instant::now();
        }
    }

    /// Tells the server what waits for it, where it can be asked.
    async fn tell(&mut self) {
        let link = self.link.borrow().clone();
        let (Some(api), Some(bound)) = (link.online(), Bound::of(&link)) else { return };
        if self.telling.is_some() || Instant::now() < self.not_before {
            return;
        }
        let acts = self.with(move |keeper| keeper.acts.next(&bound.server_id)).await.unwrap_or_default();
        if !acts.is_empty() {
            self.telling = Some(tokio::spawn(async move {
                let entries = OfflineActs { entries: acts };
                let result = api.tell_offline_acts(&entries).await;
                (entries.entries, result)
            }));
        }
    }

    async fn told(&mut self, told: Option<Told>) {
        let Some((acts, result)) = told else {
            self.not_before = Instant::now() + AGAIN;
            return;
        };
        self.observer.saw(&result);
        match result {
            Ok(taken) => {
                for refused in &taken.refused {
                    tracing::error!(id = %refused.id, field = refused.field, "the server cannot note what was done without it");
                }
                self.with(move |keeper| keeper.acts.told(&acts)).await;
            }
            Err(error) => {
                tracing::debug!(%error, "what was done without the server is told later");
                self.not_before = Instant::now() + if matches!(error, ApiError::Refused { .. }) { REFUSED } else { AGAIN };
            }
        }
    }
}
