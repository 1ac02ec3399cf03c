//! Keys of access tokens among servers: each publishes its own, trusts all that are published, and renews one that was retired.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::server::access_keys::{ACCESS_LIFE, AccessKeys, RETIRING};
use crate::server::store::{Store, StoreError, access_keys};
use crate::support::clock::Clock;

/// How often the published keys are read.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The least time between two looks that strange tokens cause.
const PAUSE: Duration = Duration::from_millis(100);

/// This server's keys, and those that it trusts.
pub(in crate::server) struct KeyRing {
    pub(in crate::server) keys: Arc<AccessKeys>,
    /// When the published ones were read last. One look at a time, so that none undoes a newer one.
    looked: tokio::sync::Mutex<Instant>,
}

impl KeyRing {
    /// Publishes this server's key, and trusts all others.
    pub(in crate::server) async fn open(keys: AccessKeys, store: &Store, clock: &Clock) -> Result<KeyRing, StoreError> {
        let ring = KeyRing { keys: Arc::new(keys), looked: tokio::sync::Mutex::new(Instant::now()) };
        ring.look(store, clock).await?;
        Ok(ring)
    }

    async fn look(&self, store: &Store, clock: &Clock) -> Result<(), StoreError> {
        let mut looked = self.looked.lock().await;
        if self.read(store, clock).await? {
            self.renew().await;
            self.read(store, clock).await?;
        }
        *looked = Instant::now();
        Ok(())
    }

    /// Answers whether this server's own key is retired.
    async fn read(&self, store: &Store, clock: &Clock) -> Result<bool, StoreError> {
        let now = clock.now();
        let ended = now - ACCESS_LIFE - RETIRING;
        let mut published = access_keys::list(store, ended).await?;
        let (id, pem) = self.keys.public();
        if published.iter().all(|key| key.id != id) {
            // New, or retired so long ago that it is not listed: then publishing changes nothing.
            access_keys::publish(store, &id, &pem, now).await?;
            published = access_keys::list(store, ended).await?;
        }
        Ok(self.keys.trust(&published))
    }

    async fn renew(&self) {
        let keys = self.keys.clone();
        match tokio::task::spawn_blocking(move || keys.renew()).await {
            Ok(Ok(())) => tracing::info!("the key of access tokens was retired, a new one signs"),
            Ok(Err(error)) => tracing::error!("the key of access tokens was retired, and no new one could be made: {error}"),
            Err(error) => tracing::error!("making a key ended badly: {error}"),
        }
    }

    /// Looks for the key of a token that no known key signed: another server may have published it a moment ago.
    pub(in crate::server) async fn learn(&self, store: &Store, clock: &Clock, token: &str) -> Result<(), StoreError> {
        if !self.keys.is_by_stranger(token) {
            return Ok(());
        }
        let mut looked = self.looked.lock().await;
        if looked.elapsed() > PAUSE && self.keys.is_by_stranger(token) {
            *looked = Instant::now();
            self.read(store, clock).await?;
        }
        Ok(())
    }

    /// Follows what is published and retired until `stop`.
    pub(in crate::server) async fn watch(&self, store: &Store, clock: &Clock, stop: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK_AGAIN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.look(store, clock).await {
                tracing::warn!("the keys of other servers could not be read: {error}");
            }
        }
    }
}
