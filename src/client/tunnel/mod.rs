//! Keeps the instance's SSH tunnel open, in this very process: a program that dies leaves nothing behind.
//! One loop around the pure machine of `domain::tunnel`; one task at a time holds the connection.

mod alone;
mod error;
mod forward;
mod key;
mod passage;
mod short_scalar;
mod ssh;
mod way;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use alone::{Lone, run_alone};
pub use alone::{TunnelAsk, TunnelHappening};
pub(crate) use error::TunnelError;
pub(crate) use passage::{Approach, Passage};
pub(crate) use ssh::{Pin, fingerprint};
pub(crate) use way::{Blocked, Entry, Way};

use super::bridge::{Notifier, Slice};
use super::command::TunnelCommand;
use super::explain::Explanation;
use super::health;
use super::model::TunnelSlice;
use super::services::{due, finished};
use super::settings::{Config, Settings, TunnelConfig};
use super::vault::{self, Vault};
use crate::domain::tunnel::{Event, Fault, Tunnel, TunnelSettings};
use crate::support::backoff::Backoff;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

/// Waits between tries that may succeed by themselves.
const PATIENCE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
const SHORTEST: Duration = Duration::from_millis(300);
/// How long an open tunnel may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(1200);

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) notifier: Notifier,
    pub(crate) slice: Slice<TunnelSlice>,
    pub(crate) entry: watch::Sender<Entry>,
}

/// The tunnel has opened.
pub(crate) struct News {
    pub(crate) local_end: SocketAddr,
    pub(crate) host_key: String,
}

/// A private key's passphrase: typed, or in the keyring.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) vault: Vault,
    pub(crate) typed: Option<Secret>,
}

impl Key {
    async fn load(self, path: &Path) -> Result<russh::keys::PrivateKey, TunnelError> {
        let path = path.to_owned();
        let loading = spawn_blocking(move || match key::load(&path, self.typed.as_ref()) {
            Err(TunnelError { fault: Fault::PassphraseMissing, .. }) => match self.vault.passphrase(&path) {
                Ok(kept) => key::load(&path, kept.as_ref()),
                Err(error) => Err(TunnelError::new(Fault::KeyringAway, error)),
            },
            loaded => loaded,
        });
        loading.await.unwrap_or_else(|error| Err(TunnelError::new(Fault::KeyUnreadable, error)))
    }

    /// Whether the key is locked with a passphrase that is neither typed nor in the keyring. Waits for the disk and the keyring.
    pub(crate) fn lacks_passphrase(&self, path: &Path) -> bool {
        let missing = |loaded| matches!(loaded, Err(TunnelError { fault: Fault::PassphraseMissing, .. }));
        self.typed.is_none() && missing(key::load(path, None)) && !matches!(self.vault.passphrase(path), Ok(Some(_)))
    }
}

/// The settings with the key's full path. A relative one starts at `folder`, `~/` at the person's home.
pub(crate) fn resolved(settings: &TunnelSettings, folder: &Path) -> TunnelSettings {
    let home = || directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    let below_home = settings.key_file.strip_prefix("~").ok().and_then(|rest| Some(home()?.join(rest)));
    let key_file = match below_home {
        Some(path) => path,
        None if settings.key_file.as_os_str().is_empty() => PathBuf::new(),
        None => folder.join(&settings.key_file),
    };
    TunnelSettings { key_file, ..settings.clone() }
}

/// Runs until `stop`. Ends by itself only when nobody can ask anything any more.
pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<TunnelCommand>, stop: CancellationToken) {
    let mut keeper = Keeper::new(parts);
    keeper.start();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => match command {
                Some(command) => keeper.obey(command).await,
                None => break,
            },
            heard = hear(&mut keeper.open) => keeper.heard(heard).await,
            tested = finished(&mut keeper.testing) => keeper.tested(tested),
            () = due(keeper.retry) => keeper.start(),
        }
    }
    keeper.close().await;
}

/// A try, and the tunnel once it succeeded. Dropped, it takes all with it.
struct Open {
    task: AbortOnDropHandle<Result<(), TunnelError>>,
    news: mpsc::Receiver<News>,
    stop: CancellationToken,
}

impl Open {
    async fn end(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(GOODBYE, self.task).await;
    }
}

enum Heard {
    Opened(News),
    Ended(TunnelError),
}

async fn hear(open: &mut Option<Open>) -> Heard {
    let Some(open) = open else { return std::future::pending().await };
    tokio::select! {
        Some(news) = open.news.recv() => Heard::Opened(news),
        ended = &mut open.task => Heard::Ended(match ended {
            Ok(Err(error)) => error,
            Ok(Ok(())) => Fault::Disconnected.into(),
            Err(error) => TunnelError::new(Fault::Disconnected, error),
        }),
    }
}

type Tested = Result<String, Explanation>;

struct Keeper {
    parts: Parts,
    state: Tunnel,
    open: Option<Open>,
    attempt: u32,
    retry: Option<Instant>,
    /// Kept in memory where there is no keyring for it.
    passphrase: Option<Secret>,
    /// A new host key that a person trusts, by fingerprint, until it was met.
    trusted: Option<String>,
    /// The SSH server that was met last, and its host key: a disk that refuses to keep it is no reason to trust another.
    met: Option<(String, String)>,
    testing: Option<JoinHandle<Tested>>,
}

impl Keeper {
    fn new(parts: Parts) -> Keeper {
        Keeper { parts, state: Tunnel::Off, open: None, attempt: 0, retry: None, passphrase: None, trusted: None, met: None, testing: None }
    }

    fn config(&self) -> TunnelConfig {
        self.parts.settings.get().tunnel
    }

    /// The host key that is known of this SSH server, as a line of OpenSSH; empty before the first meeting.
    fn host_key(&self, settings: &TunnelSettings) -> String {
        let config = self.config();
        match &self.met {
            Some((server, key)) if *server == settings.server() => key.clone(),
            _ if config.settings.server() == settings.server() => config.host_key,
            _ => String::new(),
        }
    }

    fn key(&self) -> Key {
        Key { vault: self.parts.vault.clone(), typed: self.passphrase.clone() }
    }

    /// Begins a try with the settings as they are now, or switches the tunnel off.
    fn start(&mut self) {
        self.retry = None;
        let before = self.open.take().map(|open| tokio::spawn(open.end()));
        let config = self.config();
        let known = self.host_key(&config.settings);
        self.parts.slice.update(|slice| {
            slice.settings = config.settings.clone();
            slice.fingerprint = fingerprint(&known);
        });
        if !config.settings.enabled {
            return self.enter(Event::SwitchedOff, None);
        }
        self.enter(Event::Started, None);
        if let Err(field) = config.settings.check() {
            return self.failed(Fault::Incomplete(field).into());
        }
        let settings = Arc::new(resolved(&config.settings, self.parts.settings.folder()));
        let pin = self.trusted.clone().map_or_else(|| Pin::of(&known), Pin::Print);
        let (sender, news) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let hold = forward::hold(settings, self.key(), pin, sender, stop.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            // The one before may still have the local port.
            if let Some(before) = before {
                let _ = before.await;
            }
            hold.await
        }));
        self.open = Some(Open { task, news, stop });
    }

    async fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Opened(news) => self.opened(news).await,
            Heard::Ended(error) => self.failed(error),
        }
    }

    async fn opened(&mut self, news: News) {
        (self.attempt, self.trusted) = (0, None);
        let host_key = news.host_key.clone();
        self.met = Some((self.config().settings.server(), host_key.clone()));
        self.keep(move |config| config.tunnel.host_key = host_key).await;
        let now = self.parts.clock.now();
        tracing::info!(local_end = %news.local_end, "the tunnel is up");
        self.enter(Event::Opened(now), Some(news.local_end));
        self.parts.slice.update(|slice| slice.fingerprint = fingerprint(&news.host_key));
    }

    fn failed(&mut self, error: TunnelError) {
        self.open = None;
        let wait = match error.fault {
            Fault::KeyringAway => vault::PATIENCE.ceiling(self.attempt),
            _ => PATIENCE.delay(self.attempt, health::chance()).max(SHORTEST),
        };
        self.attempt = self.attempt.saturating_add(1);
        let needs_person = error.fault.needs_person();
        tracing::info!(%error, needs_person, "there is no tunnel");
        self.retry = match error.fault {
            // Some keyrings answer while they are locked as if they held nothing.
            Fault::PassphraseMissing => Some(Instant::now() + vault::PATIENCE.cap),
            _ => (!needs_person).then(|| Instant::now() + wait),
        };
        let again = self.parts.clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
        let told = error.explain(&self.config().settings);
        self.enter(Event::Failed { why: error.fault, again }, None);
        self.parts.slice.update(|slice| slice.trouble = Some(told));
    }

    /// Moves the machine, and tells everybody.
    fn enter(&mut self, event: Event, local_end: Option<SocketAddr>) {
        self.state = std::mem::take(&mut self.state).next(event);
        let entry = match (&self.state, local_end) {
            (Tunnel::Off, _) => Entry::Direct,
            (Tunnel::Connecting, _) => Entry::Opening,
            (Tunnel::Up { .. }, Some(address)) => Entry::Open(address),
            (state, _) => Entry::Closed { needs_person: matches!(state, Tunnel::Refused { .. }) },
        };
        let (state, attempt) = (self.state.clone(), self.attempt);
        self.parts.slice.update(|slice| {
            slice.local_end = local_end.map(|address| address.to_string()).unwrap_or_default();
            slice.attempt = attempt;
            // While it is tried again, what was wrong before still tells most.
            if !matches!(state, Tunnel::Connecting) {
                slice.trouble = None;
            }
            slice.state = state;
        });
        self.parts.entry.send_if_modified(|known| std::mem::replace(known, entry) != entry);
    }

    async fn obey(&mut self, command: TunnelCommand) {
        match command {
            TunnelCommand::Save { settings, passphrase } => self.save(settings, passphrase).await,
            TunnelCommand::Test { settings, passphrase } => self.test(&settings, passphrase),
            TunnelCommand::TrustHostKey { fingerprint } => {
                self.trusted = Some(fingerprint);
                self.start();
            }
            TunnelCommand::Retry => self.start(),
        }
    }

    async fn save(&mut self, settings: TunnelSettings, passphrase: Option<Secret>) {
        if settings.enabled
            && let Err(field) = settings.check()
        {
            return self.parts.notifier.failed(TunnelError::from(Fault::Incomplete(field)).explain(&settings));
        }
        let path = resolved(&settings, self.parts.settings.folder()).key_file;
        if let Some(passphrase) = passphrase.filter(|passphrase| !passphrase.is_empty()) {
            self.passphrase = Some(passphrase.clone());
            let vault = self.parts.vault.clone();
            let kept = spawn_blocking(move || vault.keep_passphrase(&path, &passphrase)).await;
            if !matches!(kept, Ok(Ok(()))) {
                self.parts.notifier.failed(Explanation::new("tunnel_passphrase_not_kept"));
            }
        } else if settings.key_file != self.config().settings.key_file {
            self.passphrase = None;
        }
        (self.attempt, self.trusted) = (0, None);
        self.keep(move |config| config.tunnel.set(settings)).await;
        self.parts.slice.update(|slice| slice.tested = None);
        self.parts.notifier.done("tunnel_saved", Vec::new());
        self.start();
    }

    /// Tries settings that are not saved. Nothing is pinned by it.
    fn test(&mut self, settings: &TunnelSettings, passphrase: Option<Secret>) {
        let pin = Pin::of(&self.host_key(settings));
        let typed = passphrase.filter(|passphrase| !passphrase.is_empty()).or_else(|| self.passphrase.clone());
        let key = Key { vault: self.parts.vault.clone(), typed };
        let settings = resolved(settings, self.parts.settings.folder());
        self.parts.slice.update(|slice| (slice.testing, slice.tested) = (true, None));
        self.testing = Some(tokio::spawn(async move {
            let tried = match settings.check() {
                Ok(()) => forward::try_once(&settings, key, pin).await,
                Err(field) => Err(Fault::Incomplete(field).into()),
            };
            tried.map(|host_key| fingerprint(&host_key)).map_err(|error| error.explain(&settings))
        }));
    }

    fn tested(&self, tested: Option<Tested>) {
        self.parts.slice.update(|slice| (slice.testing, slice.tested) = (false, tested));
    }

    async fn keep(&self, change: impl FnOnce(&mut Config) + Send + 'static) {
        let settings = self.parts.settings.clone();
        if let Ok(Err(error)) = spawn_blocking(move || settings.change(change)).await {
            tracing::error!(%error, "the tunnel's settings could not be written");
            self.parts.notifier.failed(Explanation::new("disk_failed").detail(error));
        }
    }

    async fn close(mut self) {
        if let Some(open) = self.open.take() {
            open.end().await;
        }
        self.parts.entry.send_replace(Entry::Closed { needs_person: false });
    }
}

#[cfg(test)]
mod tests;
