//! Carries happenings between the servers of a plant over Redis. What cannot be carried is lost, never late: the database is the truth,
//! and whoever was cut off, or is told that something was lost, looks there afterwards.

use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bus::{Bus, Happening};
use super::random;
use crate::support::backoff::Backoff;
use crate::support::secret::Secret;

/// How long Redis may take for one thing.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a server shows itself on the channel, and how long it may not hear itself before it connects anew.
const BEAT: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(7);
const RECONNECT: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// Largest message that is read.
const MESSAGE_MAX: usize = 1024 * 1024;

/// What crosses the channel: who says it, and what. Without a happening it is a sign of life.
#[derive(Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    happening: Option<Happening>,
}

/// One server's end of the bridge.
pub(super) struct Bridge {
    client: Client,
    /// The same on all servers of one database, and on no other.
    channel: String,
    bus: Bus,
    published: mpsc::Receiver<Happening>,
}

/// What goes out, and what comes in.
struct Ends {
    publisher: MultiplexedConnection,
    heard: PubSubStream,
}

impl Bridge {
    /// From a server, to all others of the line `server_id`.
    pub(super) fn new(redis: &Secret, server_id: &str) -> Result<(Bus, Bridge), RedisError> {
        let client = Client::open(redis.expose())?;
        let (bus, published) = Bus::bridged();
        Ok((bus.clone(), Bridge { client, channel: format!("andon:{server_id}:news"), bus, published }))
    }

    /// Carries what is published until `stop`, however often Redis goes away.
    pub(super) async fn carry(mut self, stop: CancellationToken) {
        let mut tries = 0;
        while !stop.is_cancelled() {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.carry_once(&mut tries) => ended,
            };
            if !self.bus.is_cut_off() || tries == 0 {
                tracing::warn!("redis cannot be reached, this server works by itself: {ended}");
            }
            self.bus.set_cut_off(true);
            // Nobody knows what was still carried, and what is published now is not.
            self.bus.note_loss();
            let wait = Instant::now() + RECONNECT.delay(tries, random::fraction());
            tries = tries.saturating_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.lose_until(wait) => {}
            }
        }
    }

    /// Nobody waits for news that nobody can carry.
    async fn lose_until(&mut self, end: Instant) {
        let lose = async {
            while self.published.recv().await.is_some() {}
            std::future::pending::<()>().await
        };
        let _ = tokio::time::timeout_at(end, lose).await;
    }

    /// One connection's life. Answers why it ended.
    async fn carry_once(&mut self, tries: &mut u32) -> RedisError {
        let mut ends = match self.connect().await {
            Ok(ends) => ends,
            Err(error) => return error,
        };
        let (mut beat, mut heard_at) = (tokio::time::interval(BEAT), Instant::now());
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let said = tokio::select! {
                message = ends.heard.next() => {
                    let Some(message) = message else { return gone("the subscription ended") };
                    if self.hear(message.get_payload_bytes()) {
                        // Its own voice: the way there and back is good.
                        (heard_at, *tries) = (Instant::now(), 0);
                        if self.bus.is_cut_off() {
                            tracing::info!("redis carries happenings between servers");
                            self.bus.set_cut_off(false);
                        }
                    }
                    continue;
                }
                happening = self.published.recv() => happening,
                // No more often than that: everybody looks at the database then.
                _ = beat.tick() => self.bus.take_loss().then_some(Happening::Missed),
            };
            if heard_at.elapsed() > SILENCE {
                return gone("it fell silent");
            }
            if let Err(error) = self.say(&mut ends.publisher, said).await {
                return error;
            }
        }
    }

    async fn connect(&self) -> Result<Ends, RedisError> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let publisher = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let subscribe = async {
            let mut subscriber = self.client.get_async_pubsub().await?;
            subscriber.subscribe(&self.channel).await?;
            Ok::<_, RedisError>(subscriber.into_on_message())
        };
        let heard = timeout(PATIENCE, subscribe).await.unwrap_or_else(|_| Err(gone("it did not answer in time")))?;
        Ok(Ends { publisher, heard })
    }

    async fn say(&self, publisher: &mut MultiplexedConnection, happening: Option<Happening>) -> Result<(), RedisError> {
        let text = serde_json::to_string(&Envelope { from: self.bus.origin(), happening }).unwrap_or_default();
        publisher.publish(&self.channel, text).await
    }

    /// Passes on what another server says. Answers whether it was this server's own voice.
    fn hear(&self, message: &[u8]) -> bool {
        let read = if message.len() > MESSAGE_MAX { None } else { serde_json::from_slice::<Envelope>(message).ok() };
        let Some(envelope) = read else {
            tracing::debug!("another server says something that this version does not understand");
            return false;
        };
        if envelope.from == self.bus.origin() {
            return true;
        }
        envelope.happening.into_iter().for_each(|happening| self.bus.hear(happening));
        false
    }
}

fn gone(why: &'static str) -> RedisError {
    (redis::ErrorKind::Io, why).into()
}
