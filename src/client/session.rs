//! Who the station is, who has signed in on top of it, and how its server is doing.
//! One loop around the pure machine of `domain::connection`; only a probe's answer moves it between Connected and Offline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::api::{Api, ApiError, End, Http, Identity, PersonSession, Probe};
use super::bridge::{Notifier, Slice};
use super::command::{ConnectionCommand, SessionCommand, SignIn};
use super::explain::Explanation;
use super::health;
use super::link::Link;
use super::model::{ConnectionSlice, SessionSlice, Station};
use super::offline::{Bound, Offline};
use super::server_url::ServerUrl;
use super::services::{due, finished};
use super::settings::{Config, HEALTH_INTERVAL_SECS, Settings};
use super::sign_in::{self, SignInError, SignedIn};
use super::tunnel::{Entry, Way};
use super::vault::{self, Sealed, Vault, VaultError};
use crate::domain::InstanceId;
use crate::domain::connection::{Connection, Event, Trouble};
use crate::domain::credentials::mask_token;
use crate::domain::instance::Application;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

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
const FAREWELL: Duration = Duration::from_millis(800);

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

    /// Opens the stored token, if there is one. The keyring may take its time.
    fn restore(&mut self) {
        if !self.parts.settings.get().connection.token_encrypted.is_empty() {
            self.enter(Event::TokenRestored, None);
            self.open_token();
        }
    }

    fn open_token(&mut self) {
        self.next_opening = None;
        let config = self.parts.settings.get().connection;
        let (vault, id) = (self.parts.vault.clone(), self.parts.id.clone());
        let open = move || vault.open(&config.token_encrypted, &id, &config.server_url);
        self.work =
            Some(tokio::spawn(async move { Done::Restored(spawn_blocking(open).await.unwrap_or(Err(VaultError::KeyringUnreachable))) }));
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
                self.parts.offline.forget_all();
                self.parts.notifier.done("persons_forgotten", Vec::new());
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

    fn sign_in(&mut self, sign_in: SignIn) {
        self.cancel_person();
        self.cancel_sign_in();
        self.interrupted = self.work.is_some() && self.state == Connection::Authenticating;
        if self.work.is_some() && !self.interrupted {
            self.next_opening = Some(Instant::now());
        }
        self.stop_probing();
        self.enter(Event::SignInStarted, None);
        self.parts.session.update(|slice| {
            slice.signing_in = true;
            slice.sign_in_error = None;
        });
        let (roots, id, vault) = (self.parts.roots.clone(), self.parts.id.clone(), self.parts.vault.clone());
        let way = ServerUrl::parse(&sign_in.server_url).map_or_else(|_| self.parts.way.clone(), |server| self.way_to(&server));
        self.work = Some(tokio::spawn(async move {
            let result = exchange_and_seal(&sign_in, (&roots, way), id, vault).await;
            Done::SignedIn(Box::new(sign_in), Box::new(result))
        }));
    }

    fn cancel_sign_in(&mut self) {
        if !self.parts.session.get().signing_in {
            return;
        }
        if let Some(work) = self.work.take() {
            work.abort();
        }
        self.sign_in_failed(SignInError::Cancelled);
    }

    async fn work_done(&mut self, done: Option<Done>) {
        match done {
            Some(Done::Restored(Ok(token))) => {
                self.enter(Event::TokenRestored, None);
                self.token_restored(token);
            }
            Some(Done::Restored(Err(error))) => self.not_opened(error),
            Some(Done::SignedIn(sign_in, result)) => match *result {
                Ok((signed_in, sealed)) => self.signed_in(&sign_in, signed_in, sealed).await,
                Err(error) => {
                    self.forget_refused(&sign_in, &error);
                    self.sign_in_failed(error);
                }
            },
            None => self.sign_in_failed(SignInError::Cancelled),
        }
    }

    /// A keyring may come up later than this program, or be unlocked later: it is looked for again, without a word.
    fn not_opened(&mut self, error: VaultError) {
        let may_come = matches!(error, VaultError::KeyMissing | VaultError::KeyringUnreachable);
        if may_come {
            self.next_opening = Some(Instant::now() + vault::PATIENCE.ceiling(self.openings));
            self.openings = self.openings.saturating_add(1);
        }
        if self.state == Connection::Authenticating || !may_come {
            self.enter(Event::SignInFailed, None);
            self.parts.session.update(|slice| slice.sign_in_error = Some(explain_vault(error)));
        }
    }

    fn token_restored(&mut self, token: Secret) {
        let config = self.parts.settings.get().connection;
        let way = ServerUrl::parse(&config.server_url).ok().and_then(|server| {
            let way = self.way_to(&server);
            Some((Http::new(&server, &self.parts.roots, way).ok()?, server))
        });
        let usable = match way {
            Some((_, server)) if server.is_plain_http() && !config.allow_plain_http => Err("plain_http_refused"),
            Some(way) => Ok(way),
            None => Err("address_malformed"),
        };
        let (http, server) = match usable {
            Ok(way) => way,
            Err(key) => {
                self.enter(Event::SignInFailed, None);
                self.parts.session.update(|slice| slice.sign_in_error = Some(Explanation::new(key)));
                return;
            }
        };
        let identity = identity_of(&config.server_id, &config.server_url);
        let has_roles = matches!(identity, Identity::Line(_));
        self.parts.session.update(|slice| {
            // What a person was told of a sign-in of his own, he goes on reading.
            slice.sign_in_error.take_if(|told| told.key == explain_vault(VaultError::KeyMissing).key);
            slice.station =
                Some(Station { application: self.parts.application, remembered: true, token_mask: mask_token(token.expose()), has_roles });
        });
        let api = Arc::new(Api::new(http, server, token, identity));
        self.held = Some(Held { api, server_id: config.server_id });
        self.publish_link();
        self.probe();
    }

    async fn signed_in(&mut self, asked: &SignIn, done: SignedIn, sealed: Option<Sealed>) {
        self.stop_probing();
        let url = done.api.server().to_string();
        let server_id = server_id_of(&done.probe.identity, &url);
        let now = self.parts.clock.now();
        let before = self.parts.settings.get().connection.token_encrypted;
        let keyring_missing = sealed.as_ref().is_some_and(|sealed| sealed.keyring_missing);
        let say_keyring = keyring_missing && !self.parts.settings.get().keyring_notice_shown;
        let text = sealed.map(|sealed| sealed.text).unwrap_or_default();
        let sealed_now = text.clone();
        let built_in = self.parts.built_in.borrow().as_deref() == Some(url.as_str());
        let (user, allow, kept_url, kept_id) = (asked.user.trim().to_owned(), asked.allow_plain_http, url.clone(), server_id.clone());
        let change = move |config: &mut Config| {
            config.connection.server_url = kept_url;
            config.connection.server_id = kept_id;
            config.connection.connection_state = (if text.is_empty() { "Not Connected" } else { "Connected" }).to_owned();
            config.connection.token_encrypted = text;
            config.connection.last_connected = Some(now);
            config.connection.username = user;
            config.connection.allow_plain_http = allow;
            config.connection.built_in_line = built_in;
            config.keyring_notice_shown |= keyring_missing;
        };
        let written = self.write(change).await;
        let remembered = written.is_ok() && !sealed_now.is_empty();
        // Of the two keys, the one whose token is not on disk has no use any more.
        let (vault, useless) = (self.parts.vault.clone(), if written.is_ok() { before } else { sealed_now });
        spawn_blocking(move || vault.forget(&useless));
        match written {
            Err(error) => self.parts.notifier.failed(Explanation::new("sign_in_not_kept").detail(error)),
            Ok(()) if asked.remember && !remembered => self.parts.notifier.failed(Explanation::new("sign_in_not_kept")),
            Ok(()) if say_keyring => self.parts.notifier.failed(Explanation::new("keyring_missing")),
            Ok(()) => {}
        }
        (self.interrupted, self.owes_removal, self.unlock, self.next_opening) = (false, false, None, None);
        self.person_goes();
        let api = Arc::new(done.api);
        let bound = Bound { server_url: url.clone(), server_id: server_id.clone() };
        // Where nothing is to stay of the station, nothing stays of its persons.
        if !remembered {
            self.parts.offline.forget_all();
        }
        let person = done.person.map(|person| {
            if remembered {
                self.parts.offline.remember(bound, person.with_password(asked.password.clone()));
            }
            self.start_person(api.clone(), person)
        });
        self.parts.session.update(|slice| {
            slice.server_url = url.clone();
            slice.last_user = asked.user.trim().to_owned();
            slice.station = Some(Station {
                application: asked.application.unwrap_or(self.parts.application),
                remembered,
                token_mask: mask_token(done.token.expose()),
                has_roles: matches!(done.probe.identity, Identity::Line(_)),
            });
            slice.person = person;
            slice.sign_in_error = None;
            slice.signing_in = false;
            slice.tries += 1;
            slice.locked_until = None;
            slice.keyring_missing = keyring_missing;
            slice.insecure_allowed = asked.allow_plain_http;
        });
        let plain = api.server().is_plain_http();
        self.parts.connection.update(|slice| slice.plain_http = plain);
        self.held = Some(Held { api, server_id });
        self.note_contact(&done.probe);
        self.enter(Event::SignedIn, None);
        self.plan();
        tracing::info!(server = %url, "signed in");
    }

    fn tell_refusal(&mut self, error: &SignInError) {
        tracing::info!(%error, "sign-in failed");
        let until = error.locked_for().and_then(|wait| TimeDelta::from_std(wait).ok()).map(|wait| self.parts.clock.now() + wait);
        self.unlock = error.locked_for().map(|wait| Instant::now() + wait);
        self.parts.session.update(|slice| {
            slice.signing_in = false;
            slice.tries += 1;
            slice.locked_until = until;
            slice.sign_in_error = (*error != SignInError::Cancelled).then(|| error.explain());
        });
    }

    fn sign_in_failed(&mut self, error: SignInError) {
        self.tell_refusal(&error);
        self.enter(Event::SignInFailed, None);
        if self.held.is_some() {
            // The token from before is still good, as far as anybody knows.
            self.enter(Event::TokenRestored, None);
            self.probe();
        } else if std::mem::take(&mut self.interrupted) {
            self.restore();
        }
    }

    fn unlocked(&mut self) {
        self.unlock = None;
        self.parts.session.update(|slice| slice.locked_until = None);
    }

    /// Forgets the token and the person. With a reason it was not the person's wish. `false` where the disk still has it.
    async fn leave(&mut self, reason: Option<Explanation>) -> bool {
        (self.interrupted, self.next_opening) = (false, None);
        self.cancel_person();
        self.cancel_sign_in();
        if let Some(restoring) = self.work.take() {
            restoring.abort();
        }
        self.stop_probing();
        self.person_leaves();
        self.parts.offline.forget_all();
        self.held = None;
        let sealed = self.parts.settings.get().connection.token_encrypted;
        let written = self.write(forget_token).await;
        let vault = self.parts.vault.clone();
        spawn_blocking(move || vault.forget(&sealed));
        self.parts.session.update(|slice| {
            slice.station = None;
            slice.sign_in_error = reason.clone();
        });
        self.enter(if reason.is_some() { Event::TokenRefused } else { Event::SignedOut }, None);
        self.next_probe = None;
        self.owes_removal = written.is_err();
        if let Err(error) = written {
            self.parts.notifier.failed(Explanation::new("sign_out_not_kept").detail(error));
        }
        !self.owes_removal
    }

    /// Starts a probe now, unless one is on its way, there is nothing to probe with, or a sign-in is: the token before may end
    /// with it, and what is heard of that one then is no news of the new one. Its end looks again.
    fn probe(&mut self) {
        if self.work.is_some() && self.parts.session.get().signing_in {
            self.next_probe = None;
            return;
        }
        let Some(held) = self.held.as_ref().filter(|_| self.probing.is_none()) else { return };
        let api = held.api.clone();
        self.next_probe = None;
        self.last_probe = Some(Instant::now());
        self.probing = Some(tokio::spawn(async move { api.probe().await }));
    }

    fn stop_probing(&mut self) {
        if let Some(probing) = self.probing.take() {
            probing.abort();
        }
        self.next_probe = None;
    }

    /// What requests of other services taught. It never moves the state by itself: a probe looks first.
    fn observe(&mut self, event: Event) {
        let surprising = match event {
            Event::Answered => matches!(self.state, Connection::Offline(_)),
            Event::Failed(_) => self.state == Connection::Connected,
            Event::TokenRefused => self.held.is_some(),
            _ => false,
        };
        let waits_for_person = matches!(self.state, Connection::Offline(_)) && !self.parts.connection.get().auto_reconnect;
        if surprising && !waits_for_person && self.probing.is_none() {
            let soon = self.last_probe.map_or_else(Instant::now, |last| last + Duration::from_secs(1));
            self.next_probe = Some(self.next_probe.map_or(soon, |planned| planned.min(soon)));
        }
    }

    fn way_to(&self, server: &ServerUrl) -> Way {
        self.parts.way.to(server, &self.parts.built_in)
    }

    /// The tunnel has opened, broken, or was switched on or off: a probe tells what that means for the connection.
    fn way_changed(&mut self) {
        if !matches!(self.parts.way.entry(), Entry::Opening) {
            self.stop_probing();
            self.probe();
        }
    }

    fn look_at_network(&mut self) {
        let mark = health::network_mark();
        let changed = std::mem::replace(&mut self.network, mark) != mark;
        if changed && health::wait(self.state, Duration::ZERO, self.parts.connection.get().auto_reconnect, 0, 0.0).is_some() {
            tracing::debug!("the network changed");
            self.probe();
        }
    }

    async fn probed(&mut self, result: Option<Result<Probe, ApiError>>) {
        if self.held.is_none() {
            return;
        }
        match result {
            Some(Ok(probe)) if sign_in::is_too_old(&probe) => {
                let explanation = Explanation::new("server_too_old").with("version", &probe.version);
                self.failed(Trouble::ServerTooOld, explanation);
            }
            Some(Ok(probe)) => {
                self.bind(&probe).await;
                self.note_contact(&probe);
                if self.state != Connection::Connected {
                    let now = self.parts.clock.now();
                    self.keep(move |config| config.connection.last_connected = Some(now)).await;
                }
                self.attempt = 0;
                self.enter(Event::Answered, None);
            }
            Some(Err(ApiError::TokenRefused { sentence })) => {
                tracing::warn!("the server does not know this station's token any more");
                let explanation = Explanation::new("token_revoked").detail(sentence);
                self.leave(Some(explanation.clone())).await;
                self.parts.notifier.failed(explanation);
                return;
            }
            Some(Err(error)) => {
                let trouble = match &error {
                    ApiError::Refused { .. } => Trouble::NotOurServer,
                    other => other.trouble().unwrap_or(Trouble::ServerError),
                };
                let told = match (trouble, self.parts.way.entry()) {
                    (Trouble::TunnelRefused, Entry::Open(_)) => Explanation::new("tunnel_needs_name"),
                    _ => explain_trouble(trouble).detail(error.detail()),
                };
                self.failed(trouble, told);
            }
            None => {}
        }
        self.plan();
    }

    fn failed(&mut self, trouble: Trouble, explanation: Explanation) {
        self.attempt = self.attempt.saturating_add(1);
        self.enter(Event::Failed(trouble), Some(explanation));
    }

    /// The first good answer tells which server the token is for.
    async fn bind(&mut self, probe: &Probe) {
        let Some(held) = self.held.as_mut().filter(|held| held.server_id.is_empty()) else { return };
        let server_id = server_id_of(&probe.identity, &held.api.server().to_string());
        held.api = Arc::new(held.api.bound_to(probe.identity.clone()));
        held.server_id.clone_from(&server_id);
        let has_roles = matches!(probe.identity, Identity::Line(_));
        self.parts.session.update(|slice| {
            if let Some(station) = &mut slice.station {
                station.has_roles = has_roles;
            }
        });
        self.keep(move |config| config.connection.server_id = server_id).await;
    }

    fn note_contact(&mut self, probe: &Probe) {
        let now = self.parts.clock.now();
        let server_id = self.held.as_ref().map(|held| held.server_id.clone()).unwrap_or_default();
        self.parts.connection.update(|slice| {
            slice.last_contact = Some(now);
            slice.latency_ms = Some(u32::try_from(probe.latency.as_millis()).unwrap_or(u32::MAX));
            slice.clock_offset_ms = probe.server_time.map(|time| (time + probe.latency / 2 - now).num_milliseconds());
            slice.server_version.clone_from(&probe.version);
            slice.server_id = server_id;
        });
    }

    /// Moves the machine, and tells everybody.
    fn enter(&mut self, event: Event, trouble: Option<Explanation>) {
        let next = self.state.next(event);
        let now = self.parts.clock.now();
        if next != self.state {
            tracing::info!(from = ?self.state, to = ?next, "connection");
        }
        let (changed, attempt) = (next != self.state, self.attempt);
        self.state = next;
        // Services know before anybody can see it and ask them.
        self.publish_link();
        self.parts.connection.update(|slice| {
            slice.state = next;
            slice.trouble = trouble;
            slice.attempt = attempt;
            if changed {
                slice.since = Some(now);
            }
            if !matches!(next, Connection::Offline(_)) {
                slice.next_attempt = None;
            }
        });
    }

    fn publish_link(&self) {
        let link = match &self.held {
            Some(held) => {
                Link { api: Some(held.api.clone()), server_id: held.server_id.clone(), state: self.state, person: self.person.clone() }
            }
            None => Link { state: self.state, ..Link::default() },
        };
        self.parts.link.send_replace(link);
    }

    /// Sets the time of the next probe.
    fn plan(&mut self) {
        let slice = self.parts.connection.get();
        let interval = Duration::from_secs(slice.health_interval_secs.into());
        let wait = health::wait(self.state, interval, slice.auto_reconnect, self.attempt, health::chance());
        self.next_probe = wait.filter(|_| self.held.is_some()).map(|wait| Instant::now() + wait);
        let shown = wait.filter(|_| matches!(self.state, Connection::Offline(_))).and_then(|wait| TimeDelta::from_std(wait).ok());
        let next_attempt = shown.map(|wait| self.parts.clock.now() + wait);
        self.parts.connection.update(|slice| slice.next_attempt = next_attempt);
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
        if let Some(person) = self.person.take() {
            // Nobody is left who could use it: the server need not keep it open for days.
            let _ = tokio::time::timeout(FAREWELL, person.log_out()).await;
        }
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

fn forget_token(config: &mut Config) {
    config.connection.token_encrypted.clear();
    config.connection.connection_state = "Not Connected".to_owned();
}

async fn exchange_and_seal(
    asked: &SignIn,
    (roots, way): (&[Vec<u8>], Way),
    id: InstanceId,
    vault: Vault,
) -> Result<(SignedIn, Option<Sealed>), SignInError> {
    let done = sign_in::exchange(asked, &sign_in::identifier(&id), roots, way).await?;
    if !asked.remember {
        return Ok((done, None));
    }
    let (token, url) = (done.token.clone(), done.api.server().to_string());
    let sealed = spawn_blocking(move || vault.seal(&token, &id, &url)).await;
    let sealed = sealed.ok().and_then(Result::ok);
    if sealed.is_none() {
        tracing::error!("the token could not be sealed; it stays in memory");
    }
    Ok((done, sealed))
}

/// How a server is known on disk: its own id, or the address where it has none.
fn server_id_of(identity: &Identity, url: &str) -> String {
    match identity {
        Identity::Line(id) => id.clone(),
        _ => url.to_owned(),
    }
}

pub(super) fn identity_of(server_id: &str, url: &str) -> Identity {
    match server_id {
        "" => Identity::Unknown,
        id if id == url => Identity::Nameless,
        id => Identity::Line(id.to_owned()),
    }
}

pub(super) fn explain_trouble(trouble: Trouble) -> Explanation {
    Explanation::new(match trouble {
        Trouble::Unreachable => "server_unreachable",
        Trouble::ServerError => "server_error",
        Trouble::Certificate => "certificate_refused",
        Trouble::NotOurServer => "not_our_server",
        Trouble::ServerTooOld => "server_too_old",
        Trouble::OtherServer => "other_server",
        Trouble::TunnelDown | Trouble::TunnelRefused => "tunnel_down",
    })
}

pub(super) fn explain_vault(error: VaultError) -> Explanation {
    Explanation::new(match error {
        VaultError::Elsewhere => "token_from_elsewhere",
        VaultError::KeyMissing | VaultError::KeyringUnreachable => "keyring_locked",
        VaultError::Unreadable | VaultError::Newer => "token_unreadable",
    })
}

mod person;
use person::PersonAnswer;
#[cfg(test)]
mod tests;
