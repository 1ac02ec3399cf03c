//! Who has a socket open on another server of the plant. Each server says who is on it, for a few seconds; Redis forgets those who
//! no longer say anything. Without Redis every server knows its own people.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{AsyncCommands, RedisResult};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::shared;
use super::sockets::Sockets;
use crate::protocol::chat::Present;
use crate::support::secret::Secret;

/// How often a server says who is on it, and for how long that holds.
const EVERY: Duration = Duration::from_secs(2);
const HOLDS_SECS: u64 = 8;
/// How long Redis may take for one thing.
const PATIENCE: Duration = Duration::from_secs(2);

/// One server's part.
pub(super) struct Presence {
    connection: ConnectionManager,
    /// The set of servers; beside it one list a server.
    servers: String,
    own: String,
}

impl Presence {
    pub(super) fn new(redis: &Secret, server_id: &str, origin: uuid::Uuid) -> RedisResult<Presence> {
        let servers = format!("andon:{server_id}:servers");
        Ok(Presence { connection: shared::connect(redis, PATIENCE)?, own: format!("{servers}:{origin}"), servers })
    }

    /// Tells and listens until `stop`.
    pub(super) async fn follow(mut self, sockets: Arc<Sockets>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
            }
            // Without Redis nobody is known to be elsewhere; the bridge says that it is gone.
            let elsewhere = self.exchange(&sockets.present_here()).await.unwrap_or_default();
            sockets.set_elsewhere(elsewhere);
        }
        let _: RedisResult<()> = self.connection.del(&self.own).await;
    }

    async fn exchange(&mut self, here: &[Present]) -> RedisResult<Vec<Present>> {
        let text = serde_json::to_string(here).unwrap_or_default();
        let () = self.connection.set_ex(&self.own, text, HOLDS_SECS).await?;
        let () = self.connection.sadd(&self.servers, &self.own).await?;
        let servers: Vec<String> = self.connection.smembers(&self.servers).await?;
        let mut present = Vec::new();
        for server in servers.iter().filter(|server| **server != self.own) {
            let text: Option<String> = self.connection.get(server).await?;
            match text {
                // What a newer version says may not be understood.
                Some(text) => present.extend(serde_json::from_str::<Vec<Present>>(&text).unwrap_or_default()),
                None => self.connection.srem(&self.servers, server).await?,
            }
        }
        Ok(present)
    }
}
