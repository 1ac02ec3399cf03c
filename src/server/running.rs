//! Starting a line server, and stopping it within its time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tower::util::MapRequest;

use super::access_keys::{AccessKeys, KeyError};
use super::admin::Admin;
use super::bridge::Bridge;
use super::bus::Bus;
use super::client_address::Peer;
use super::config::{Config, Database};
use super::door::{self, Door, Guests};
use super::lock::DatabaseLock;
use super::metrics;
use super::passwords::Passwords;
use super::presence::Presence;
use super::room::Room;
use super::router;
use super::seen::Seen;
use super::services::intake::Intake;
use super::services::key_ring::KeyRing;
use super::services::mail::{self, Bell, Mailer, MailerError};
use super::services::rate::Rate;
use super::services::runs::Runs;
use super::services::sweep;
use super::services::turns::Turns;
use super::shared::SharedBuckets;
use super::sockets::{self, Sockets};
use super::state::Line;
use super::store::{self, Store, StoreError, make_private_folder, processes, settings};
use super::tls::{Tls, TlsError};
use crate::support::clock::Clock;
use crate::support::secret::Secret;

/// How long requests in flight, and what was begun by callers who have gone, may take after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(6);

/// How long sockets may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a mail on its way is waited for after that.
const LAST_MAIL: Duration = Duration::from_secs(1);

/// How long the writer may take after that for reports whose callers have gone: it has answered nobody, so they come again.
const LAST_REPORTS: Duration = Duration::from_millis(500);

/// How long the database may take to be closed. With everything above it is less than ten seconds.
const GOODBYE_TO_STORE: Duration = Duration::from_millis(400);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data folder {0} cannot be used: {1}")]
    Folder(String, std::io::Error),
    #[error("another line server is running in {0}")]
    InUse(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("redis cannot be used: {0}")]
    Redis(String),
    #[error(transparent)]
    Mail(#[from] MailerError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// A server that answers. Dropping it stops it without waiting.
pub struct Running {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    line: Arc<Line>,
    serving: JoinHandle<()>,
    writing: JoinHandle<()>,
    mailing: JoinHandle<()>,
    stop: CancellationToken,
    stop_writing: CancellationToken,
    _stop_on_drop: [DropGuard; 3],
    _lock: Option<DatabaseLock>,
}

/// Starts a server. It answers when this returns.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    let folder = config.data_dir.display().to_string();
    let unusable = |error| StartError::Folder(folder.clone(), error);
    make_private_folder(&config.data_dir).map_err(unusable)?;
    let lock = match &config.database {
        Database::Sqlite(file) => {
            make_private_folder(file.parent().unwrap_or(&config.data_dir)).map_err(unusable)?;
            Some(DatabaseLock::take(file).map_err(unusable)?.ok_or_else(|| StartError::InUse(folder.clone()))?)
        }
        // Made for several servers at once.
        Database::Postgres(_) => None,
    };
    let tls = config.tls.as_ref().map(Tls::open).transpose()?;
    let stop_writing = CancellationToken::new();
    let (line, writing) = open_line(config, clock, stop_writing.clone()).await?;
    let line = Arc::new(line);
    let listen = line.config.listen;
    let listener = door::bind(listen).map_err(|error| StartError::Listen(listen, error))?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
    let stop = CancellationToken::new();
    let metrics_address = serve_metrics(line.config.metrics, &stop).await?;
    if let Some(tls) = tls.clone() {
        tokio::spawn(tls.watch(stop.clone()));
    }
    let guests = Guests::new(line.config.connections_per_address, &line.config.trusted_proxies);
    let door = Door::new(listener, tls, guests, line.config.max_sockets);
    let serving = tokio::spawn(serve(door, line.clone(), stop.clone()));
    let (watched, watch_end) = (line.clone(), stop.clone());
    tokio::spawn(async move { watched.ring.watch(&watched.store, &watched.clock, watch_end).await });
    let mailing = tokio::spawn(mail::run(line.clone(), stop.clone()));
    tokio::spawn(sweep::run(line.clone(), stop.clone()));
    tracing::info!(%address, server_id = line.server_id, "listening");
    tokio::spawn(sockets::watch_over(line.clone(), line.closing.clone()));
    let guards = [stop.clone().drop_guard(), stop_writing.clone().drop_guard(), line.closing.clone().drop_guard()];
    Ok(Running { address, metrics_address, line, serving, writing, mailing, stop, stop_writing, _stop_on_drop: guards, _lock: lock })
}

async fn serve_metrics(listen: Option<SocketAddr>, stop: &CancellationToken) -> Result<Option<SocketAddr>, StartError> {
    let Some(listen) = listen else { return Ok(None) };
    let cannot = |error| StartError::Listen(listen, error);
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    tokio::spawn(metrics::serve(listener, stop.clone()));
    tracing::info!(%address, "metrics are served");
    Ok(Some(address))
}

pub(super) async fn open_line(config: Config, clock: Clock, stop_writing: CancellationToken) -> Result<(Line, JoinHandle<()>), StartError> {
    let store = Store::open(&config.database).await?;
    processes::seed(&store).await?;
    let server_id = settings::server_id(&store).await?;
    let keys_folder = config.data_dir.join("keys");
    // Making a key takes a second of work.
    let keys = tokio::task::spawn_blocking(move || AccessKeys::open(&keys_folder)).await;
    let keys = keys.unwrap_or_else(|error| Err(KeyError::NotMade(error.to_string())))?;
    let ring = KeyRing::open(keys, &store, &clock).await?;
    let sockets = Sockets::new(config.max_sockets, config.sockets_per_user);
    let (bus, shared) = match &config.redis {
        None => (Bus::new(), None),
        Some(redis) => {
            let (bus, shared) =
                join_plant(redis, &server_id, &sockets, &stop_writing).map_err(|error| StartError::Redis(error.to_string()))?;
            (bus, Some(shared))
        }
    };
    let passwords = Passwords::new(config.password_cost);
    let runs = Arc::new(Runs::read(&store).await?);
    let (intake, writing) = Intake::start(store.clone(), runs.clone(), bus.clone(), stop_writing);
    let (started_at, room) = (clock.now(), Room::new());
    let (mailer, bell) = (Mailer::new(&config.mail)?, Bell::default());
    if let Database::Sqlite(_) = config.database {
        store::mail::release_all(&store, started_at).await?;
    }
    let (chat_rate, closing) = (Rate::per_minute(config.chat_rate, shared), CancellationToken::new());
    let (turns, seen) = (Turns::new(passwords.width()), Seen::new(&bus));
    let line = Line {
        config,
        clock,
        store,
        server_id,
        ring,
        passwords,
        turns,
        seen,
        started_at,
        runs,
        intake,
        room,
        mailer,
        bell,
        bus,
        sockets,
        chat_rate,
        begun: TaskTracker::new(),
        closing,
    };
    Ok((line, writing))
}

/// What this server has in common with the others of its Redis, until `stop`.
fn join_plant(
    redis: &Secret,
    server_id: &str,
    sockets: &Arc<Sockets>,
    stop: &CancellationToken,
) -> redis::RedisResult<(Bus, SharedBuckets)> {
    let (bus, bridge) = Bridge::new(redis, server_id)?;
    let presence = Presence::new(redis, server_id, bus.origin())?;
    let shared = SharedBuckets::new(redis, server_id, &bus)?;
    tokio::spawn(bridge.carry(stop.clone()));
    tokio::spawn(presence.follow(sockets.clone(), stop.clone()));
    Ok((bus, shared))
}

async fn serve(door: Door, line: Arc<Line>, stop: CancellationToken) {
    let paths = router::wats_paths();
    let service = MapRequest::new(router::build(line.clone()), move |request: Request| router::normalise(&paths, request));
    let asked = stop.clone();
    let server = axum::serve(door, ServiceExt::<Request>::into_make_service_with_connect_info::<Peer>(service))
        .with_graceful_shutdown(async move { asked.cancelled().await });
    let served = async {
        let ended = server.await;
        line.begun.close();
        line.begun.wait().await;
        ended
    };
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = served => if let Err(error) = ended { tracing::error!("the server ended: {error}") },
        () = deadline => tracing::warn!("requests that took too long were cut off"),
    }
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where figures for Prometheus are served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// `http://127.0.0.1:8440`, or `https://…` with a certificate.
    pub fn url(&self) -> String {
        let scheme = if self.line.config.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Accounts, tokens and processes of this server.
    pub fn admin(&self) -> Admin {
        Admin::of(self.line.store.clone(), self.line.clock.clone(), self.line.config.password_cost, self.line.bus.clone())
    }

    /// Lets requests in flight finish, within limits, and closes the database.
    pub async fn stop(self) {
        self.line.closing.cancel();
        self.line.sockets.empty(GOODBYE).await;
        self.stop.cancel();
        if let Err(error) = self.serving.await {
            tracing::error!("the server ended badly: {error}");
        }
        // A mail on its way may be taken this very moment. One that takes longer is sent again by the next server.
        let mut mailing = self.mailing;
        if tokio::time::timeout(LAST_MAIL, &mut mailing).await.is_err() {
            mailing.abort();
        }
        self.stop_writing.cancel();
        let mut writing = self.writing;
        match tokio::time::timeout(LAST_REPORTS, &mut writing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the writer ended badly: {error}"),
            Err(_) => {
                tracing::warn!("reports that were not answered yet could not be stored");
                writing.abort();
            }
        }
        if tokio::time::timeout(GOODBYE_TO_STORE, self.line.store.close()).await.is_err() {
            tracing::warn!("the database was not let go of in time");
        }
    }
}
