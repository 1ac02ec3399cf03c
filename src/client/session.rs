//! Who the station is, who has signed in on top of it, and how its server is doing.
//! One loop around the pure machine of `domain::connection`; only a probe's answer moves it between Connected and Offline.

mod person;
mod probing;
mod publishing;
mod restore;
mod station;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::api::{Api, ApiError, End, PersonSession, Probe};
use super::bridge::{Notifier, Slice};
use super::command::{ConnectionCommand, SessionCommand, SignIn};
use super::explain::Explanation;
use super::health;
use super::link::Link;
use super::model::{ConnectionSlice, SessionSlice};
use super::offline::Offline;
use super::server_url::ServerUrl;
use super::services::{due, finished};
use super::settings::{Config, HEALTH_INTERVAL_SECS, Settings};
use super::sign_in::{SignInError, SignedIn};
use super::tunnel::Way;
use super::vault::{Sealed, Vault, VaultError};
use crate::domain::InstanceId;
use crate::domain::connection::{Connection, Event};
use crate::domain::instance::Application;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

use person::PersonAnswer;
pub(super) use probing::explain_trouble;
pub(super) use restore::{explain_vault, identity_of};
use station::forget_token;

/// What a person asks of the session.
#[derive(Debug)]
pub(crate) enum Ask {
    Session(SessionCommand),
    Connection(ConnectionCommand),
}

/// What the session works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) id: InstanceId,
    pub(crate) application: Application,
    pub(crate) settings: Settings,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) notifier: Notifier,
    pub(crate) link: watch::Sender<Link>,
    pub(crate) session: Slice<SessionSlice>,
    pub(crate) connection: Slice<ConnectionSlice>,
    /// Further certificate authorities, in DER.
    pub(crate) roots: Vec<Vec<u8>>,
    /// Address of the line server built into this program, while it runs.
    pub(crate) built_in: watch::Receiver<Option<String>>,
    /// Straight to the server or through the tunnel.
    pub(crate) way: Way,
    /// Where persons come in while the server is gone.
    pub(crate) offline: Offline,
}

/// Runs until `stop`. Ends by itself only when nobody can ask anything any more.
pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<Ask>, events: &mut mpsc::Receiver<Event>, stop: CancellationToken) {
    let mut session = Session::new(parts);
    session.restore();
    let mut way = session.parts.way.clone();
    let mut network = tokio::time::interval(NETWORK_BEAT);
    network.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            ask = inbox.recv() => match ask {
                Some(ask) => session.answer(ask).await,
                None => break,
            },
            Some(event) = events.recv() => session.observe(event),
            done = finished(&mut session.work) => session.work_done(done).await,
            done = finished(&mut session.person_work) => session.person_answered(done),
            probe = finished(&mut session.probing) => session.probed(probe).await,
            end = ended(session.person.as_ref()) => session.person_ended(end),
            () = way.changed() => session.way_changed(),
            () = due(session.next_probe), if session.probing.is_none() => session.probe(),
            () = due(session.unlock) => session.unlocked(),
            () = due(session.next_opening), if session.work.is_none() => session.open_token(),
            _ = network.tick(), if session.held.is_some() => session.look_at_network(),
        }
    }
    session.close().await;
}

const NETWORK_BEAT: Duration = Duration::from_secs(5);

/// When the person's session has ended otherwise than by signing out here.
async fn ended(person: Option<&Arc<PersonSession>>) -> End {
    match person {
        Some(person) => person.ended().await,
        None => std::future::pending().await,
    }
}

/// How long closing waits for the server to hear that the person left.
const FAREWELL: Duration = Duration::from_millis(1500);

/// A token, and the way to the server it is for.
struct Held {
    api: Arc<Api>,
    server_id: String,
}

/// What a longer task ended with.
enum Done {
    Restored(Result<Secret, VaultError>),
    SignedIn(Box<SignIn>, Box<Result<(SignedIn, Option<Sealed>), SignInError>>),
}

struct Session {
    parts: Parts,
    state: Connection,
    held: Option<Held>,
    person: Option<Arc<PersonSession>>,
    work: Option<JoinHandle<Done>>,
    /// A person is being asked for, on top of the station.
    person_work: Option<JoinHandle<PersonAnswer>>,
    probing: Option<JoinHandle<Result<Probe, ApiError>>>,
    next_probe: Option<Instant>,
    last_probe: Option<Instant>,
    attempt: u32,
    network: u64,
    /// When an account that was locked may be tried again; the time of day may jump meanwhile.
    unlock: Option<Instant>,
    /// A sign-in began while the stored token was being opened: where it fails, that is done again.
    interrupted: bool,
    /// When the stored token is tried again whose key was not to be had, and how often it was not.
    next_opening: Option<Instant>,
    openings: u32,
    /// The token is still on a disk that could not be written.
    owes_removal: bool,
}
impl Session {
    fn new(parts: Parts) -> Session {
        let config = parts.settings.get().connection;
        let plain = ServerUrl::parse(&config.server_url).is_ok_and(|url| url.is_plain_http());
        parts.session.set(SessionSlice {
            server_url: config.server_url.clone(),
            last_user: config.username.clone(),
            insecure_allowed: config.allow_plain_http,
            ..SessionSlice::default()
        });
        // A stored token is being tried from the first moment on: nobody shall be asked to sign in meanwhile.
        let state =
            if config.token_encrypted.is_empty() { Connection::NotConnected } else { Connection::default().next(Event::TokenRestored) };
        parts.connection.set(ConnectionSlice {
            state,
            since: Some(parts.clock.now()),
            last_contact: config.last_connected,
            server_id: config.server_id.clone(),
            health_interval_secs: config.health_interval_secs(),
            auto_reconnect: config.auto_reconnect,
            plain_http: plain,
            ..ConnectionSlice::default()
        });
        let session = Session {
            parts,
            state,
            held: None,
            person: None,
            work: None,
            person_work: None,
            probing: None,
            next_probe: None,
            last_probe: None,
            attempt: 0,
            network: health::network_mark(),
            unlock: None,
            interrupted: false,
            next_opening: None,
            openings: 0,
            owes_removal: false,
        };
        // Nobody goes on working with what a session that failed has left.
        session.publish_link();
        session
    }

    async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Session(SessionCommand::SignIn(sign_in)) => self.sign_in(sign_in),
            Ask::Session(SessionCommand::SignInPerson { user, password }) => self.sign_in_person(user, password),
            Ask::Session(SessionCommand::CancelSignIn) => {
                self.cancel_person();
                self.cancel_sign_in();
            }
            Ask::Session(SessionCommand::SignOut) => {
                if self.leave(None).await {
                    self.parts.notifier.done("signed_out", Vec::new());
                }
            }
            Ask::Session(SessionCommand::PersonSignOut) => self.person_leaves(),
            Ask::Session(SessionCommand::ForgetPersons) => {
                let (forgotten, notifier) = (self.forget_persons(), self.parts.notifier.clone());
                tokio::spawn(async move {
                    if forgotten.await {
                        notifier.done("persons_forgotten", Vec::new());
                    }
                });
            }
            Ask::Connection(ConnectionCommand::CheckNow) => self.probe(),
            Ask::Connection(ConnectionCommand::SetHealthInterval { secs }) => {
                let secs = secs.clamp(*HEALTH_INTERVAL_SECS.start(), *HEALTH_INTERVAL_SECS.end());
                self.keep(move |config| config.connection.health_check_interval = secs).await;
                self.parts.connection.update(|slice| slice.health_interval_secs = secs);
                self.plan();
            }
            Ask::Connection(ConnectionCommand::SetAutoReconnect(on)) => {
                self.keep(move |config| config.connection.auto_reconnect = on).await;
                self.parts.connection.update(|slice| slice.auto_reconnect = on);
                self.plan();
            }
        }
    }

    fn way_to(&self, server: &ServerUrl) -> Way {
        self.parts.way.to(server, &self.parts.built_in)
    }

    /// Changes the settings on disk. A disk that refuses is told, and work goes on with what is in memory.
    async fn keep(&self, change: impl FnOnce(&mut Config) + Send + 'static) {
        let settings = self.parts.settings.clone();
        if let Ok(Err(error)) = spawn_blocking(move || settings.change(change)).await {
            tracing::error!(%error, "the settings could not be written");
            self.parts.notifier.failed(Explanation::new("disk_failed").detail(error));
        }
    }

    /// Changes a token on disk, so that nothing of the one before is left.
    async fn write(&self, change: impl FnOnce(&mut Config) + Send + 'static) -> io::Result<()> {
        let settings = self.parts.settings.clone();
        let written = spawn_blocking(move || settings.change_without_trace(change)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.inspect_err(|error| tracing::error!(%error, "the settings could not be written"))
    }

    async fn close(mut self) {
        self.stop_probing();
        // Nobody is left who could use it: the server need not keep it open for days.
        self.farewell(FAREWELL).await;
        self.cancel_person();
        if let Some(work) = self.work.take() {
            work.abort();
        }
        if self.owes_removal
            && let Err(error) = self.parts.settings.change_without_trace(forget_token)
        {
            tracing::error!(%error, "the saved sign-in is still on the disk");
        }
        let contact = self.parts.connection.get().last_contact;
        if self.state.has_token()
            && let Err(error) = self.parts.settings.change(|config| config.connection.last_connected = contact)
        {
            tracing::warn!(%error, "the last contact could not be written");
        }
        self.parts.link.send_replace(Link::default());
    }
}

#[cfg(test)]
mod tests;
